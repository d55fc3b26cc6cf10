import { SessionStoreError } from "../errors.ts";
import type { SessionEndReason } from "../record/end_reason.ts";
import type { OnSessionEnd } from "../store/contract.ts";
import type { Awaitable } from "../util/awaitable.ts";

/** Stops notifications. */
type Stop = () => Awaitable<void>;

/** What an {@linkcode EndPush} is given. */
export interface EndPushOptions {
  /** Has the store notify; absent where it can't. */
  readonly watch:
    | ((onEnd: OnSessionEnd, c: unknown, key: string | undefined) => Awaitable<Stop>)
    | undefined;
  /** Called with the key of a session that may have ended. */
  onEnd(key: string, reason: SessionEndReason | undefined): void;
  /** Called when notifications arrive from now on. Earlier ones were missed. */
  onReady(): void;
  /** Called when the store failed. */
  onError(operation: string, error: SessionStoreError, c: unknown): void;
}

/** The notifications of a store that says which sessions may have ended. */
export class EndPush {
  readonly #options: EndPushOptions;
  #starting: Promise<Stop> | undefined;

  constructor(options: EndPushOptions) {
    this.#options = options;
  }

  /**
   * Starts, unless it has started.
   *
   * @param key The record, of a store that notifies of single ones.
   */
  start(c: unknown, key: string | undefined): void {
    const { watch, onReady } = this.#options;
    if (this.#starting || !watch) return;
    const onEnd: OnSessionEnd = (key, reason) => this.#options.onEnd(key, reason);
    const starting = this.#starting = (async () => await watch(onEnd, c, key))();
    starting.then(() => {
      if (this.#starting === starting) onReady();
    }, (error) => {
      if (this.#starting === starting) this.#starting = undefined;
      this.#failed(error, c);
    });
  }

  stop(): void {
    const starting = this.#starting;
    this.#starting = undefined;
    // Whether it has started was reported already.
    starting?.then((stop) => this.#stop(stop), () => {});
  }

  async #stop(stop: Stop): Promise<void> {
    try {
      await stop();
    } catch (error) {
      this.#failed(error, undefined);
    }
  }

  #failed(cause: unknown, c: unknown): void {
    const error = new SessionStoreError("Cannot watch sessions: the store failed", { cause });
    this.#options.onError("watch", error, c);
  }
}
