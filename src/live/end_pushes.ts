import { SessionStoreError } from "../errors.ts";
import type { SessionEndReason } from "../record/end_reason.ts";
import type { OnSessionEnd } from "../store/contract.ts";
import type { Awaitable } from "../util/awaitable.ts";

/** Stops notifications. */
type Stop = () => Awaitable<void>;

/** What {@linkcode EndPushes} are given. */
export interface EndPushesOptions {
  /** Has the store notify, of one record or of all; absent where it can't. */
  readonly watch:
    | ((onEnd: OnSessionEnd, c: unknown, key: string | undefined) => Awaitable<Stop>)
    | undefined;
  /** Whether the store notifies of single records, and not of all. */
  readonly perRecord: boolean;
  /** Called with the key of a session that may have ended. */
  onEnd(key: string, reason: SessionEndReason | undefined): void;
  /** Called when notifications of a record arrive from now on, or those of all. Earlier ones were missed. */
  onReady(key: string | undefined): void;
  /** Called when the store failed. */
  onError(operation: string, error: SessionStoreError, c: unknown): void;
}

/** The notifications of a store that says which sessions may have ended: one source for all records, or one for each. */
export class EndPushes {
  readonly #options: EndPushesOptions;
  /** By the key of the record; by `undefined` the one for all. */
  readonly #starting = new Map<string | undefined, Promise<Stop>>();

  constructor(options: EndPushesOptions) {
    this.#options = options;
  }

  /** Has the store notify of a record, unless it does. */
  start(key: string | undefined, c: unknown): void {
    const { watch, perRecord, onReady } = this.#options;
    const record = perRecord ? key : undefined;
    if (!watch || perRecord && key === undefined || this.#starting.has(record)) return;
    const onEnd: OnSessionEnd = (key, reason) => this.#options.onEnd(key, reason);
    const starting = (async () => await watch(onEnd, c, record))();
    this.#starting.set(record, starting);
    const isCurrent = () => this.#starting.get(record) === starting;
    starting.then(() => {
      if (isCurrent()) onReady(record);
    }, (error) => {
      if (isCurrent()) this.#starting.delete(record);
      this.#failed(error, c);
    });
  }

  /** Stops the notifications of a record that is watched no longer. */
  stop(key: string | undefined): void {
    const starting = this.#starting.get(key);
    this.#starting.delete(key);
    // Whether it has started was reported already.
    starting?.then((stop) => this.#stop(stop), () => {});
  }

  /** Stops all notifications. */
  stopAll(): void {
    for (const key of this.#starting.keys()) this.stop(key);
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
