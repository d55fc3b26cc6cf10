import { findKv } from "./database.ts";
import type { KvLike } from "./like.ts";
import type { DenoKvStoreOptions } from "./options.ts";

/** The number of stores with the same open database above which a warning is logged. */
const MOST_OPEN = 10;

/** The number of open stores by the path of their database. */
const open = new Map<string, number>();

/** The database of a store: opened once, at its first use, and closed with the store if the store has opened it. */
export class Handle {
  readonly #options: DenoKvStoreOptions;
  #opening: Promise<KvLike> | undefined;
  #kv: KvLike | undefined;
  #isClosed = false;

  constructor(options: DenoKvStoreOptions) {
    this.#options = options;
    // Operations of the store report the error: avoid an unhandled rejection.
    Promise.resolve(options.kv).catch(() => {});
  }

  /** The database, if it is already open. */
  get kv(): KvLike | undefined {
    return this.#kv;
  }

  open(): Promise<KvLike> {
    if (this.#isClosed) return Promise.reject(new Error("Cannot use DenoKvStore: it is closed"));
    if (this.#opening) return this.#opening;
    const opening = findKv(this.#options);
    this.#opening = opening;
    this.#count(1);
    opening.then((kv) => {
      if (!this.#isClosed) this.#kv = kv;
    }, () => {
      this.#count(-1);
      // The next call tries again.
      this.#opening = undefined;
    });
    return opening;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#kv = undefined;
    if (this.#options.kv !== undefined || !this.#opening) return;
    const kv = await this.#opening.catch(() => undefined);
    if (!kv) return;
    kv.close();
    this.#count(-1);
  }

  /** Counts the stores that have opened a database, and warns once when there are too many. */
  #count(change: 1 | -1): void {
    const { kv, path = "" } = this.#options;
    if (kv !== undefined) return;
    const count = (open.get(path) ?? 0) + change;
    if (count === 0) open.delete(path);
    else open.set(path, count);
    if (change < 0 || count !== MOST_OPEN) return;
    console.warn(
      `hono-session: ${count} DenoKvStores have opened the same database. Create one store outside of the requests ` +
        "and use it for all of them: each open store keeps its files open.",
    );
  }
}
