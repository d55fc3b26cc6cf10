/** Called when the last of those who listened to a signal has stopped. */
type OnUnheard = () => void;

type AddListener = Parameters<AbortSignal["addEventListener"]>;
type RemoveListener = Parameters<AbortSignal["removeEventListener"]>;

/** An `AbortSignal` of which it is known whether somebody listens to it. */
export class EndSignal {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<unknown>();
  readonly #onUnheard: OnUnheard;

  constructor(onUnheard: OnUnheard) {
    this.#onUnheard = onUnheard;
    const { signal } = this.#controller;
    const { addEventListener, removeEventListener } = signal;
    const members = {
      addEventListener: (...args: AddListener): void => {
        Reflect.apply(addEventListener, signal, args);
        this.#added(args);
      },
      removeEventListener: (...args: RemoveListener): void => {
        Reflect.apply(removeEventListener, signal, args);
        this.#removed(args[1]);
      },
    };
    for (const [name, value] of Object.entries(members)) {
      Object.defineProperty(signal, name, { value, configurable: true, writable: true });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether nobody listens. */
  get isUnheard(): boolean {
    return this.#listeners.size === 0;
  }

  abort(reason: string): void {
    this.#controller.abort(reason);
  }

  #added([, listener, options]: AddListener): void {
    const until = typeof options === "object" ? options.signal : undefined;
    if (!listener || until?.aborted) return;
    this.#listeners.add(listener);
    until?.addEventListener("abort", () => this.#removed(listener), { once: true });
  }

  #removed(listener: unknown): void {
    if (this.#listeners.delete(listener) && this.isUnheard) this.#onUnheard();
  }
}
