type AddListener = Parameters<AbortSignal["addEventListener"]>;
type RemoveListener = Parameters<AbortSignal["removeEventListener"]>;

/** An `AbortSignal` that tracks whether it has listeners. */
export class EndSignal {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<unknown>();

  constructor() {
    const { signal } = this;
    const { addEventListener, removeEventListener } = signal;
    let handler: AbortSignal["onabort"] = null;
    const listener = (event: Event) => handler?.call(signal, event);
    Object.defineProperties(signal, {
      addEventListener: {
        value: (...args: AddListener): void => {
          Reflect.apply(addEventListener, signal, args);
          this.#added(args);
        },
      },
      removeEventListener: {
        value: (...args: RemoveListener): void => {
          Reflect.apply(removeEventListener, signal, args);
          this.#removed(args[1]);
        },
      },
      // Not all runtimes set their own property by the methods above.
      onabort: {
        get: () => handler,
        set(value: unknown) {
          handler = typeof value === "function" ? value as typeof handler : null;
          if (handler) signal.addEventListener("abort", listener);
          else signal.removeEventListener("abort", listener);
        },
      },
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether there are no listeners. */
  get isUnheard(): boolean {
    return this.#listeners.size === 0;
  }

  /** Called when the last listener was removed. */
  protected onUnheard(): void {}

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
    if (this.#listeners.delete(listener) && this.isUnheard) this.onUnheard();
  }
}
