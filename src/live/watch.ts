import type { SessionEndReason } from "../record/end_reason.ts";
import type { StoredSession } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import { EndSignal } from "./end_signal.ts";

/** Reads the sessions of watches. */
export interface WatchPoll {
  has(watch: Watch): boolean;
  add(watch: Watch): void;
  remove(watch: Watch): void;
  /** Starts the notifications of the store for a watch. */
  receive(watch: Watch): void;
  /** Updates the key of a watch. */
  place(watch: Watch): void;
  /** Ends a watch. */
  end(watch: Watch, reason: SessionEndReason): void;
}

/** Options of {@linkcode Watch}. */
interface WatchOptions {
  readonly poll: WatchPoll;
  /** Whether its request is over. */
  readonly isLeft: boolean;
}

/** A session of a request that is watched until it ends. */
export class Watch extends EndSignal {
  readonly #state: SessionState;
  /** The poll that reads its session. */
  readonly poll: WatchPoll;
  /** The Hono context. */
  readonly c: unknown;
  /** The last known stored session; `undefined` while it is not stored. */
  stored: StoredSession | undefined;
  /** The key under which the poll keeps the watch; `undefined` while it has none. */
  key: string | undefined;
  /** Whether its request is over, so that only listeners keep the watch. */
  isLeft: boolean;
  /** Whether the store notifies of its session, if it can. */
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
