import { type Awaitable, isPromiseLike } from "./awaitable.ts";

/**
 * Lets tasks with the same key run one after the other, so that requests of one process for one
 * session don't refuse each other's commits in turn.
 */
export class KeyedQueue {
  readonly #tails = new Map<unknown, Promise<unknown>>();
  readonly #patience: number;

  /** @param patience How long a task waits for the ones before it, in milliseconds. */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /** Runs a task when those before it are done, which it is at once when there are none and it waits for nothing. */
  run<Result>(key: unknown, task: () => Awaitable<Result>): Awaitable<Result> {
    const before = this.#tails.get(key);
    const result: Awaitable<Result> = before ? this.#wait(before).then(task) : task();
    if (isPromiseLike(result)) this.#remember(key, result);
    return result;
  }

  /** Has the next task with the same key wait for this one. */
  #remember(key: unknown, running: Promise<unknown>): void {
    const forget = () => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    };
    const tail = running.then(forget, forget);
    this.#tails.set(key, tail);
  }

  async #wait(before: Promise<unknown>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#patience);
    });
    await Promise.race([before, enough]);
    clearTimeout(timer);
  }
}
