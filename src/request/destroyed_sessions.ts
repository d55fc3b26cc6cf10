import type { CommitConfig } from "../commit/context.ts";
import { endSession } from "../commit/end.ts";
import type { SessionState } from "../session/session_state.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { RequestSessionOptions } from "./config.ts";

/** The sessions that a request has ended. */
export class DestroyedSessions {
  readonly #config: CommitConfig;
  readonly #c: unknown;
  readonly #states: SessionState[] = [];
  /** Functions that end the sessions of other cookies. */
  readonly #others: Set<() => Promise<void>>;
  /** The number of sessions that were removed from the store. */
  #removed = 0;

  constructor(config: CommitConfig, { c, others }: RequestSessionOptions) {
    this.#config = config;
    this.#c = c;
    this.#others = new Set(others);
  }

  add(state: SessionState): void {
    this.#states.push(state);
  }

  /** Checks whether one of them has a key. */
  includes(key: string): boolean {
    return this.#states.some(({ stored }) => stored?.key === key);
  }

  /** The sessions that were removed from the store. */
  get removed(): SessionState[] {
    return this.#states.slice(0, this.#removed).filter(({ stored }) => stored);
  }

  /** Removes the ended sessions from the store, each once: several saves can begin at the same time. */
  remove(): Awaitable<void> {
    return this.#config.queue.run(this, () => this.#removeRest());
  }

  async #removeRest(): Promise<void> {
    for (; this.#removed < this.#states.length; this.#removed++) {
      const { stored } = this.#states[this.#removed]!;
      if (stored) await endSession(this.#config, stored, this.#c);
    }
    for (const endOther of this.#others) {
      await endOther();
      this.#others.delete(endOther);
    }
  }
}
