import { findKv } from "./database.ts";
import type { KvLike } from "./like.ts";
import type { DenoKvStoreOptions } from "./options.ts";

/** The database of a store: opened once, when it is first needed, and closed with the store if the store has opened it. */
export class Handle {
  readonly #options: DenoKvStoreOptions;
  #opening: Promise<KvLike> | undefined;
  #kv: KvLike | undefined;
  #isClosed = false;

  constructor(options: DenoKvStoreOptions) {
    this.#options = options;
    // Whoever uses the store is told; nobody else is to be.
    Promise.resolve(options.kv).catch(() => {});
  }

  /** The database, where it is open already. */
  get kv(): KvLike | undefined {
    return this.#kv;
  }

  open(): Promise<KvLike> {
    if (this.#isClosed) return Promise.reject(new Error("Cannot use DenoKvStore: it is closed"));
    if (this.#opening) return this.#opening;
    const opening = findKv(this.#options);
    this.#opening = opening;
    opening.then((kv) => {
      if (!this.#isClosed) this.#kv = kv;
    }, () => {
      // The next call tries again.
      this.#opening = undefined;
    });
    return opening;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#kv = undefined;
    if (this.#options.kv === undefined) (await this.#opening?.catch(() => undefined))?.close();
  }
}
