type AddListener = Parameters<AbortSignal["addEventListener"]>;
type RemoveListener = Parameters<AbortSignal["removeEventListener"]>;

/** An `AbortSignal` that tracks whether it has listeners. */
export class EndSignal {
  readonly #controller = new AbortController();
  readonly #listeners = new Set<unknown>();

  constructor() {
    const { signal } = this;
    const { addEventListener, removeEventListener } = signal;
    const listeners = this.#listeners;
    const removed = (listener: unknown): void => {
      if (listeners.delete(listener) && this.isUnheard) this.onUnheard();
    };
    let handler: AbortSignal["onabort"] = null;
    const onAbort = (event: Event) => handler?.call(signal, event);
    Object.defineProperties(signal, {
      addEventListener: {
        configurable: true,
        writable: true,
        value(...args: AddListener): void {
          Reflect.apply(addEventListener, signal, args);
          const [, listener, options] = args;
          const until = typeof options === "object" ? options.signal : undefined;
          if (!listener || until?.aborted) return;
          listeners.add(listener);
          until?.addEventListener("abort", () => removed(listener), { once: true });
        },
      },
      removeEventListener: {
        configurable: true,
        writable: true,
        value(...args: RemoveListener): void {
          Reflect.apply(removeEventListener, signal, args);
          removed(args[1]);
        },
      },
      // Not all runtimes set their own property by the methods above.
      onabort: {
        configurable: true,
        get: () => handler,
        set(value: unknown) {
          handler = typeof value === "function" ? value as typeof handler : null;
          if (handler) signal.addEventListener("abort", onAbort);
          else signal.removeEventListener("abort", onAbort);
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
}
