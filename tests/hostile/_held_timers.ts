/** Holds the timers of one delay until a test says that their time is over. Others run as ever. */
export class HeldTimers implements Disposable {
  readonly #delay: number;
  readonly #held = new Map<object, () => void>();
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

  /** @param delay Milliseconds. */
  constructor(delay: number) {
    this.#delay = delay;
    const { setTimeout, clearTimeout } = this.#real;
    const set = (callback: () => void, delay?: number) => {
      if (delay !== this.#delay) return setTimeout(callback, delay);
      const id = {};
      this.#held.set(id, callback);
      return id;
    };
    const clear = (id: unknown) => {
      if (!this.#held.delete(id as object)) clearTimeout(id as number);
    };
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  }

  /** Lets their time be over as soon as nothing else goes on. */
  expire(): void {
    this.#real.setTimeout(() => {
      const callbacks = [...this.#held.values()];
      this.#held.clear();
      for (const callback of callbacks) callback();
    });
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
  }
}
