import { type Awaitable, isPromiseLike } from "../util/awaitable.ts";
import { waitFor } from "../util/wait_for.ts";

/** The reads under way, by their keys. */
export class PendingReads {
  readonly #reads = new Map<string, Promise<void>>();
  readonly #patience: number;

  /** @param patience How long a read is waited for, in milliseconds: one in Workers may never settle. */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /** Adds a read, and returns it. */
  add<Value>(key: string, read: Awaitable<Value>): Awaitable<Value> {
    if (!isPromiseLike(read)) return read;
    const done: Promise<void> = Promise.allSettled([read, this.over(key)]).then(() =>
      this.#forget(key, done)
    );
    this.#reads.set(key, done);
    return read;
  }

  /** Waits until all reads under a key are over; `undefined` when there are none. */
  over(key: string): Promise<void> | undefined {
    const reads = this.#reads.get(key);
    return reads && waitFor(reads, this.#patience).then(() => this.#forget(key, reads));
  }

  #forget(key: string, reads: Promise<void>): void {
    if (this.#reads.get(key) === reads) this.#reads.delete(key);
  }
}
