import type { StoredSession } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import { EndSignal } from "./end_signal.ts";

/** A session of a request that is watched for its end. */
export class Watch {
  readonly #end: EndSignal;
  readonly #state: SessionState;
  /** The Hono context. */
  readonly c: unknown;
  /** Where it is; `undefined` as long as it is not stored. */
  stored: StoredSession | undefined;
  /** Whether its request is over: what is left are those who listen. */
  isLeft: boolean;
  #seen: StoredSession | undefined;

  /** @param options.onUnheard Called when nobody listens any more. */
  constructor(
    state: SessionState,
    { isLeft, onUnheard }: { isLeft: boolean; onUnheard: (watch: Watch) => void },
    c: unknown,
  ) {
    this.#end = new EndSignal(() => onUnheard(this));
    this.#state = state;
    this.isLeft = isLeft;
    this.c = c;
    this.update();
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get isUnheard(): boolean {
    return this.#end.isUnheard;
  }

  /** Takes over where its request has put it. */
  update(): void {
    const { stored } = this.#state;
    if (stored === this.#seen) return;
    this.#seen = stored;
    this.stored = stored;
  }

  /** Tells those who listen that it has ended. */
  end(reason: string): void {
    this.#end.abort(reason);
  }
}
