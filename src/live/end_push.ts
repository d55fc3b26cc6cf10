import { SessionStoreError } from "../errors.ts";
import type { SessionEndReason } from "../record/end_reason.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import type { Awaitable } from "../util/awaitable.ts";

/** What an {@linkcode EndPush} is given. */
export interface EndPushOptions {
  readonly store: TimeoutStore;
  /** Called with the key of a session that may have ended. */
  onEnd(key: string, reason: SessionEndReason | undefined): void;
  /** Called when notifications arrive from now on. Earlier ones were missed. */
  onReady(): void;
  /** Called when the store failed. */
  onError(operation: string, error: SessionStoreError, c: unknown): void;
}

/** Stops notifications. */
type Stop = () => Awaitable<void>;

/** The notifications of a store that says which sessions may have ended. */
export class EndPush {
  readonly #options: EndPushOptions;
  #starting: Promise<Stop> | undefined;

  constructor(options: EndPushOptions) {
    this.#options = options;
  }

  /** Starts, unless it has started. */
  start(c: unknown): void {
    const { store, onReady } = this.#options;
    if (this.#starting || !store.capabilities.watch) return;
    const starting = this.#starting = this.#watch(c);
    starting.then(() => {
      if (this.#starting === starting) onReady();
    }, (error) => {
      if (this.#starting === starting) this.#starting = undefined;
      this.#failed(error, c);
    });
  }

  async #watch(c: unknown): Promise<Stop> {
    return await this.#options.store.watch((key, reason) => this.#options.onEnd(key, reason), c);
  }

  stop(): void {
    const starting = this.#starting;
    this.#starting = undefined;
    starting?.then((stop) => stop()).catch((error) => this.#failed(error, undefined));
  }

  #failed(error: unknown, c: unknown): void {
    if (error instanceof SessionStoreError) this.#options.onError("watch", error, c);
  }
}
