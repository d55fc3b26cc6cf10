import type { CommitConfig } from "../commit/context.ts";
import { endSession } from "../commit/end.ts";
import type { SessionState } from "../session/session_state.ts";

/** The sessions that a request has ended. */
export class DestroyedSessions {
  readonly #config: CommitConfig;
  readonly #c: unknown;
  readonly #states: SessionState[] = [];
  /** How many of them are no longer in the store. */
  #removed = 0;

  constructor(config: CommitConfig, c: unknown) {
    this.#config = config;
    this.#c = c;
  }

  add(state: SessionState): void {
    this.#states.push(state);
  }

  /** Whether one of them has a key. */
  includes(key: string): boolean {
    return this.#states.some(({ stored }) => stored?.key === key);
  }

  /** Whether one of them that was stored, and isn't any more, meets a condition. */
  hasDeleted(meets: (state: SessionState) => boolean): boolean {
    return this.#states.slice(0, this.#removed).some((state) => state.stored && meets(state));
  }

  /** Ends in the store what the request has ended so far. */
  async remove(): Promise<void> {
    for (; this.#removed < this.#states.length; this.#removed++) {
      const { stored } = this.#states[this.#removed]!;
      if (stored) await endSession(this.#config, stored, this.#c);
    }
  }
}
