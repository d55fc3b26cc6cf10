import type { JsonObject } from "../record/json_object.ts";
import type { Members } from "../record/record.ts";
import { ownValue, setProperty } from "../util/property.ts";
import { isReserved } from "./reserved_names.ts";

/** A flashed value, as far as it is known to be stored. */
interface StoredFlash {
  /** Whether the previous request has flashed it, so that this one is the last to show it. */
  readonly isAging: boolean;
  /** Its stored JSON text; `undefined` for a value of this request that is not stored yet. */
  text: string | undefined;
}

/** A flashed value that a session shows. */
interface FlashValue extends StoredFlash {
  /**
   * The getter of its property. It identifies the value: a value that is assigned later has another getter, or
   * none.
   */
  readonly get: () => unknown;
  /** The data that the value hides. */
  readonly hidden: unknown;
}

/** The flashed values of a session. As properties they hide data of the same keys. */
export class FlashValues {
  readonly #session: Record<string, unknown>;
  readonly #values = new Map<string, FlashValue>();
  /** The keys that were flashed by this request or the previous one. */
  readonly #seen = new Set<string>();
  /** The values that were loaded or saved. */
  #stored = new Map<string, StoredFlash>();
  #isReflashed = false;
  #isReflashSaved = false;

  constructor(session: Record<string, unknown>) {
    this.#session = session;
  }

  /**
   * Loads the values that the previous request has flashed.
   *
   * @throws {SyntaxError} When they are not an object, or not values that a session can hold.
   */
  load(flash: JsonObject): void {
    for (const [key, value] of Object.entries(flash.copy())) {
      this.#stored.set(key, { isAging: true, text: JSON.stringify(value) });
    }
  }

  /** Whether a value was shown, so that the store may hold flashed values. */
  get isUsed(): boolean {
    return this.#seen.size > 0;
  }

  /** Whether the store holds a value, so that the response may consume it. */
  get isStored(): boolean {
    return this.#stored.size > 0;
  }

  /** Shows the values that were loaded or saved, as far as the store still holds them. */
  show(flash: JsonObject): void {
    for (const [key, { isAging, text }] of this.#stored) {
      if (text === undefined || isReserved(key) || flash.members.get(key) !== text) continue;
      this.#show(key, JSON.parse(text), { isAging, text });
    }
  }

  /** Shows a value for this request and the next one. */
  flash(key: string, value: unknown): void {
    this.#show(key, value, { isAging: false, text: undefined });
  }

  /** Keeps the values of the previous request for one more request. */
  reflash(): void {
    this.#isReflashed = true;
  }

  /** Turns a flashed value into data. */
  unflash(key: string): void {
    const value = this.get(key);
    if (value) setProperty(this.#session, key, value.get());
  }

  /** Drops unsaved values. */
  reset(): void {
    this.clear();
    this.#seen.clear();
    this.#isReflashed = this.#isReflashSaved;
  }

  /** Hides all values. */
  clear(): void {
    this.#values.clear();
  }

  /** Returns the flashed value of a key, unless it was assigned to or deleted. */
  get(key: string): FlashValue | undefined {
    const value = this.#values.get(key);
    const own = value && Object.getOwnPropertyDescriptor(this.#session, key);
    return own?.get === value?.get ? value : undefined;
  }

  /**
   * Returns the flashed values to store.
   *
   * @param shown The JSON texts of the values that are shown.
   * @param stored The stored values.
   * @param consume Whether values of the previous request are dropped.
   */
  merge(shown: Members, stored: Members, consume: boolean): Members {
    const merged: Members = new Map();
    for (const [key, text] of shown) {
      const { isAging, text: known } = this.#values.get(key)!;
      const theirs = stored.get(key);
      // Another request has dropped the value, and may have flashed a new one for the next request.
      const isOver = known !== undefined && theirs !== known && theirs !== text;
      const isConsumed = isAging && !this.#isReflashed && consume;
      const kept = isOver ? theirs : isConsumed ? undefined : text;
      if (kept !== undefined) merged.set(key, kept);
    }
    // Values that other requests flashed are for the next request and are not shown here.
    for (const [key, text] of stored) {
      if (!this.#seen.has(key) && !merged.has(key)) merged.set(key, text);
    }
    return merged;
  }

  /** Records that all values are stored, although no write was necessary. */
  saved(flash: JsonObject): void {
    this.#isReflashSaved = this.#isReflashed;
    for (const [key, value] of this.#values) {
      if (value.text !== undefined || !flash.members.has(key)) continue;
      value.text = flash.members.get(key);
      this.#stored.set(key, value);
    }
  }

  /**
   * Records the stored values. Later changes of them still count as flashed by this request.
   *
   * @param mine The values that this request wanted to store.
   * @param stored The values that were stored.
   */
  keep(mine: JsonObject, stored: JsonObject): void {
    this.#stored = new Map();
    for (const [key, value] of this.#values) {
      const text = mine.members.get(key);
      if (text === undefined || text !== stored.members.get(key)) continue;
      // Otherwise the value was flashed by another request in the meantime.
      const isMine = value.text === undefined || text === value.text ||
        text === JSON.stringify(value.get());
      if (!isMine) continue;
      value.text = text;
      this.#stored.set(key, value);
    }
  }

  /** Shows a value. Assigning to its key turns it into data; changing a nested value doesn't. */
  #show(key: string, value: unknown, stored: StoredFlash): void {
    const session = this.#session;
    const before = this.get(key);
    const get = () => value;
    this.#values.set(key, {
      ...stored,
      get,
      hidden: before ? before.hidden : ownValue(session, key),
    });
    this.#seen.add(key);
    Object.defineProperty(session, key, {
      get,
      set: (next: unknown) => setProperty(session, key, next),
      enumerable: true,
      configurable: true,
    });
  }
}
