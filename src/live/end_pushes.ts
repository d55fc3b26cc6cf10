import type { SessionEndReason } from "../record/end_reason.ts";
import type { OnSessionEnd, SessionStore } from "../store/contract.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { isWorkers } from "../util/runtime.ts";

/** Stops notifications. */
type Stop = () => Awaitable<void>;

/** Receives the notifications of {@linkcode EndPushes}. */
export interface EndPushesTarget {
  /** Called with the key of a session that may have ended. */
  onEnd(key: string, reason: SessionEndReason | undefined): void;
  /** Called when the notifications of a record, or of all, have started. Earlier ones were missed. */
  onReady(key: string | undefined): void;
  /** Called when the store failed. */
  onError(operation: string, cause: unknown, c: unknown): void;
}

/** The notifications of a store about sessions that may have ended: one source for all records, or one for each. */
export class EndPushes {
  readonly #store: SessionStore;
  readonly #target: EndPushesTarget;
  /** By the key of the record; by `undefined` the one for all. */
  readonly #starting = new Map<string | undefined, Promise<Stop>>();

  constructor(store: SessionStore, target: EndPushesTarget) {
    this.#store = store;
    this.#target = target;
  }

  /** Starts the notifications of a record, or of all records, unless they are running. A store that watches single records requires a key. */
  start(key: string | undefined, c: unknown): void {
    const store = this.#store;
    const target = this.#target;
    const { watch } = store.capabilities;
    // In Workers, a notification of all records would arrive in the request that has ended the session.
    if (watch === "record" ? key === undefined : !watch || isWorkers) return;
    const record = watch === "record" ? key : undefined;
    if (this.#starting.has(record)) return;
    const onEnd: OnSessionEnd = (key, reason) => target.onEnd(key, reason);
    const starting = (async () => await store.watch!(onEnd, c, record))();
    this.#starting.set(record, starting);
    const isCurrent = () => this.#starting.get(record) === starting;
    starting.then(() => {
      if (isCurrent()) target.onReady(record);
    }, (error) => {
      if (isCurrent()) this.#starting.delete(record);
      target.onError("watch", error, c);
    });
  }

  /** Stops the notifications of a record that is watched no longer. */
  stop(key: string | undefined): void {
    const starting = this.#starting.get(key);
    this.#starting.delete(key);
    // A failure to start was already reported.
    starting?.then((stop) => stop(), () => {}).catch((error) =>
      this.#target.onError("watch", error, undefined)
    );
  }

  /** Stops all notifications. */
  stopAll(): void {
    for (const key of this.#starting.keys()) this.stop(key);
  }
}
