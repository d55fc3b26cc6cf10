import { type Awaitable, isPromiseLike } from "./awaitable.ts";
import { waitFor } from "./wait_for.ts";

/**
 * Runs tasks with the same key one after the other, so that the requests of one process for one session don't
 * conflict.
 */
export class KeyedQueue {
  readonly #tails = new Map<unknown, Promise<unknown>>();
  readonly #patience: number;

  /** @param patience How long a task waits for earlier tasks, in milliseconds. */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /** Runs a task after the earlier ones; synchronously when there are none. */
  run<Result>(key: unknown, task: () => Awaitable<Result>): Awaitable<Result>;
  /** Does the same with an argument for the task, so that no closure is needed. */
  run<Result, Given>(
    key: unknown,
    task: (given: Given) => Awaitable<Result>,
    given: Given,
  ): Awaitable<Result>;
  run<Result, Given>(
    key: unknown,
    task: (given: Given) => Awaitable<Result>,
    given?: Given,
  ): Awaitable<Result> {
    const before = this.#tails.get(key);
    const result = before ? this.#after(before, task, given!) : task(given!);
    if (isPromiseLike(result)) this.#remember(key, result);
    return result;
  }

  async #after<Result, Given>(
    before: Promise<unknown>,
    task: (given: Given) => Awaitable<Result>,
    given: Given,
  ): Promise<Result> {
    await waitFor(before, this.#patience);
    return await task(given);
  }

  /** Makes the next task with the same key wait for this one. */
  #remember(key: unknown, running: Promise<unknown>): void {
    const forget = () => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    };
    const tail = running.then(forget, forget);
    this.#tails.set(key, tail);
  }
}
