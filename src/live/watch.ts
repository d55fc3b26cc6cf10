import type { StoredSession } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import { EndSignal } from "./end_signal.ts";

/** A session of a request that is watched until it ends. */
export class Watch {
  readonly #end: EndSignal;
  readonly #state: SessionState;
  /** The Hono context. */
  readonly c: unknown;
  /** The last known stored session; `undefined` while it is not stored. */
  stored: StoredSession | undefined;
  /** Whether its request is over, so that only listeners keep the watch. */
  isLeft: boolean;
  /** Whether the store is to notify of its session. */
  isPushed = false;
  #seen: StoredSession | undefined;

  /** @param options.onUnheard Called when the last listener was removed. */
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

  /** Adopts the stored session of its request. */
  update(): void {
    const { stored } = this.#state;
    if (stored === this.#seen) return;
    this.#seen = stored;
    this.stored = stored;
  }

  /** Aborts the signal. */
  end(reason: string): void {
    this.#end.abort(reason);
  }
}
