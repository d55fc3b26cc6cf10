/** Holds the timers of one delay until a test says that their time is over. Others run as ever. */
export class HeldTimers implements Disposable {
  readonly #delay: number;
  readonly #held = new Map<object, () => void>();
  readonly #real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  readonly #timeout = AbortSignal.timeout;
  readonly #now = performance.now;
  /** How much time has passed without waiting for it. */
  #passed = 0;

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
    AbortSignal.timeout = (delay) => {
      if (delay !== this.#delay) return this.#timeout.call(AbortSignal, delay);
      const controller = new AbortController();
      this.#held.set(controller, () => controller.abort());
      return controller.signal;
    };
    performance.now = () => this.#now.call(performance) + this.#passed;
  }

  /** Lets their time be over as soon as nothing else goes on. */
  expire(): void {
    this.#real.setTimeout(() => {
      this.#passed += this.#delay;
      const callbacks = [...this.#held.values()];
      this.#held.clear();
      for (const callback of callbacks) callback();
    });
  }

  [Symbol.dispose](): void {
    Object.assign(globalThis, this.#real);
    AbortSignal.timeout = this.#timeout;
    performance.now = this.#now;
  }
}
