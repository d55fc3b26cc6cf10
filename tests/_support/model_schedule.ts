import { setImmediate } from "node:timers";

/** The shortest time-out; what is shorter is a pause between tries. */
const SHORTEST_TIMEOUT = 1000;

/**
 * Decides who goes on: whatever is to be interleaved waits here for its turn, and between two turns everything runs
 * until it waits again or is done. Nothing takes real time.
 */
export class Schedule {
  readonly #waiting = new Map<string, () => void>();
  #busy = 0;

  /** Who waits, in an order that doesn't hang on who came first. */
  get waiting(): string[] {
    return [...this.#waiting.keys()].sort();
  }

  /** How many wait whose names begin so. */
  count(prefix: string): number {
    return this.waiting.filter((name) => name.startsWith(prefix)).length;
  }

  /** Waits for a turn. */
  wait(name: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(name, resolve));
  }

  /** Waits for a turn in the middle of work that is done outside. */
  async pause(name: string): Promise<void> {
    this.#busy--;
    await this.wait(name);
    this.#busy++;
  }

  /** Gives the turn to one who waits, and resolves when nothing moves any more. */
  async go(name: string): Promise<void> {
    const resume = this.#waiting.get(name);
    this.#waiting.delete(name);
    resume?.();
    await this.settled();
  }

  async settled(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve)); while (this.#busy > 0);
  }

  /** Work that is done outside of this thread, so that it is not over when all microtasks are. */
  async outside<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
    }
  }

  /** Puts Web Crypto and timers under this schedule: pauses are over at once, time-outs never come. */
  control(): Disposable {
    const { setTimeout } = globalThis;
    const { timeout } = AbortSignal;
    const subtle = crypto.subtle as unknown as Record<string, unknown>;
    const names = ["digest", "importKey", "exportKey", "encrypt", "decrypt"];
    for (const name of names) {
      const method = subtle[name] as (...args: unknown[]) => Promise<unknown>;
      subtle[name] = (...args: unknown[]) =>
        this.outside(() => Reflect.apply(method, subtle, args) as Promise<unknown>);
    }
    globalThis.setTimeout = ((run: () => void, milliseconds = 0) => {
      if (milliseconds < SHORTEST_TIMEOUT) queueMicrotask(run);
      return { unref() {} };
    }) as unknown as typeof setTimeout;
    AbortSignal.timeout = () => new AbortController().signal;
    return {
      [Symbol.dispose]() {
        globalThis.setTimeout = setTimeout;
        AbortSignal.timeout = timeout;
        for (const name of names) delete subtle[name];
      },
    };
  }
}
