/**
 * Lets tasks with the same key run one after the other, so that requests of one process for one
 * session don't refuse each other's commits in turn.
 */
export class Queue {
  readonly #tails = new Map<unknown, Promise<unknown>>();
  readonly #patience: number;

  /** @param patience How long a task waits for the ones before it, in milliseconds. */
  constructor(patience: number) {
    this.#patience = patience;
  }

  async run<Result>(key: unknown, task: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(key);
    const result = before ? this.#wait(before).then(task) : task();
    const tail = result.then(() => {}, () => {});
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
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
