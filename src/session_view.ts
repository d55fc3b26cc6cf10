import { setProperty } from "./session.ts";

/** A flashed value. */
interface Flash {
  /** Gives it, and tells it from what is assigned later. */
  readonly get: () => unknown;
  /** Its JSON text, if the request before flashed it, so that this one is its last. */
  readonly aging: string | undefined;
  /** The JSON text of the data that it hides. */
  readonly under?: string;
}

/** The flashed values that a session shows, over data of the same keys. */
export class FlashLayer {
  readonly #session: object;
  readonly #values = new Map<string, Flash>();
  /** The keys that this request has seen flashed, by itself or the one before. */
  readonly #seen = new Set<string>();

  constructor(session: object) {
    this.#session = session;
  }

  /** Whether this request has seen a key flashed, by itself or the one before. */
  hasSeen(key: string): boolean {
    return this.#seen.has(key);
  }

  /** Forgets all values; the properties are the session's to delete. */
  clear(): void {
    this.#values.clear();
  }

  /** Makes a key that is flashed plain data with the value that it shows. */
  settle(key: string): void {
    const flashed = this.of(key);
    if (flashed) setProperty(this.#session, key, flashed.get());
  }

  /** What a key shows, if that is a flashed value: neither assigned to nor deleted since. */
  of(key: string): Flash | undefined {
    const flash = this.#values.get(key);
    const own = flash && Object.getOwnPropertyDescriptor(this.#session, key);
    return own?.get === flash?.get ? flash : undefined;
  }

  /** Shows a flashed value. Assigning to its key makes it data; changing it from within doesn't. */
  show(key: string, { value, aging }: { value: unknown; aging: string | undefined }): void {
    const own = Object.getOwnPropertyDescriptor(this.#session, key);
    const before = this.of(key);
    const under = before ? before.under : own && JSON.stringify(own.value);
    const get = () => value;
    this.#values.set(key, { get, aging, ...(under === undefined ? {} : { under }) });
    this.#seen.add(key);
    Object.defineProperty(this.#session, key, {
      get,
      set: (next: unknown) => setProperty(this.#session, key, next),
      enumerable: true,
      configurable: true,
    });
  }
}
