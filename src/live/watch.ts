import type { StoredSession } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import type { EndPoll } from "./end_poll.ts";
import { EndSignal } from "./end_signal.ts";

/** What a session is watched for, and how. */
export interface WatchOptions {
  /** The poll that reads its session. */
  readonly poll: EndPoll;
  /** Whether its request is over. */
  readonly isLeft: boolean;
}

/** A session of a request that is watched until it ends. */
export class Watch extends EndSignal {
  readonly #state: SessionState;
  /** The poll that reads its session. */
  readonly poll: EndPoll;
  /** The Hono context. */
  readonly c: unknown;
  /** The last known stored session; `undefined` while it is not stored. */
  stored: StoredSession | undefined;
  /** The key under which the poll has it; `undefined` while it has none. */
  key: string | undefined;
  /** Whether its request is over, so that only listeners keep the watch. */
  isLeft: boolean;
  /** Whether the store is to notify of its session. */
  isPushed = false;
  #seen: StoredSession | undefined;

  constructor(state: SessionState, { poll, isLeft }: WatchOptions, c: unknown) {
    super();
    this.#state = state;
    this.poll = poll;
    this.isLeft = isLeft;
    this.c = c;
  }

  protected override onUnheard(): void {
    if (this.isLeft) this.poll.remove(this);
  }

  /** Adopts the stored session of its request. */
  update(): void {
    const { stored } = this.#state;
    if (stored === this.#seen) return;
    this.#seen = stored;
    this.stored = stored;
  }
}
