import { findKv } from "./database.ts";
import type { KvLike } from "./like.ts";
import type { DenoKvStoreOptions } from "./options.ts";

/** How many stores may have one database open at a time before it is taken for a mistake. */
const MOST_OPEN = 10;

/** How many stores have opened a database that they have not closed, by its path. */
const open = new Map<string, number>();

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

  /** Counts the databases that stores have opened, and warns once where they are too many of one. */
  #count(change: 1 | -1): void {
    const { kv, path = "" } = this.#options;
    if (kv !== undefined) return;
    const count = (open.get(path) ?? 0) + change;
    if (count === 0) open.delete(path);
    else open.set(path, count);
    if (change < 0 || count !== MOST_OPEN) return;
    console.warn(
      `hono-session: ${count} DenoKvStores have opened the same database. Make one store outside of the requests and ` +
        "use it for all of them: each one that is not closed keeps its files open.",
    );
  }
}
