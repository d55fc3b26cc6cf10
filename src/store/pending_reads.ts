import { type Awaitable, isPromiseLike } from "../util/awaitable.ts";

/** The reads under way, by what is read. */
export class PendingReads {
  readonly #reads = new Map<string, Promise<void>>();

  /** Adds a read, and returns it. */
  add<Value>(key: string, read: Awaitable<Value>): Awaitable<Value> {
    if (!isPromiseLike(read)) return read;
    const done = Promise.allSettled([read, this.#reads.get(key)]).then(() => {
      if (this.#reads.get(key) === done) this.#reads.delete(key);
    });
    this.#reads.set(key, done);
    return read;
  }

  /** Returns a promise that is fulfilled when all of them are over; `undefined` when there are none. */
  over(key: string): Promise<void> | undefined {
    return this.#reads.get(key);
  }
}
