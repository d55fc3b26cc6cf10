import type { JsonObject } from "../record/json_object.ts";
import type { Members } from "../record/record.ts";
import { setProperty } from "../util/property.ts";
import { isReserved } from "./reserved_names.ts";

/**
 * The state of a flashed value: `fresh` was flashed by this request, `saved` was also stored by it, and `aging`
 * was flashed by the previous request, so that this one is the last to show it.
 */
type FlashState = { readonly age: "fresh" } | StoredFlash;

/** A flashed value that is known to be stored. */
interface StoredFlash {
  readonly age: "saved" | "aging";
  /** Its JSON text. */
  readonly text: string;
}

/** A flashed value that a session shows. */
interface FlashValue {
  readonly state: FlashState;
  /**
   * The getter of its property. It identifies the value: a value that is assigned later has another getter, or
   * none.
   */
  readonly get: () => unknown;
  /** The data that the value hides. */
  readonly hidden: unknown;
}

const FRESH: FlashState = { age: "fresh" };

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
      this.#stored.set(key, { age: "aging", text: JSON.stringify(value) });
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
    for (const [key, stored] of this.#stored) {
      if (isReserved(key) || flash.members.get(key) !== stored.text) continue;
      this.#show(key, JSON.parse(stored.text), stored);
    }
  }

  /** Shows a value for this request and the next one. */
  flash(key: string, value: unknown): void {
    this.#show(key, value, FRESH);
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
      const { state } = this.#values.get(key)!;
      const theirs = stored.get(key);
      // Another request has dropped the value, and may have flashed a new one for the next request.
      const isOver = state.age !== "fresh" && theirs !== state.text && theirs !== text;
      if (!isOver) {
        if (state.age !== "aging" || this.#isReflashed || !consume) merged.set(key, text);
      } else if (theirs !== undefined) merged.set(key, theirs);
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
    for (const [key, { state }] of this.#values) {
      const text = flash.members.get(key);
      if (state.age === "fresh" && text !== undefined) this.#keep(key, { age: "saved", text });
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
    for (const [key, { get, state }] of this.#values) {
      const text = mine.members.get(key);
      if (text === undefined || text !== stored.members.get(key)) continue;
      const isKnown = state.age === "fresh" || text === state.text;
      // The value was flashed by another request in the meantime.
      if (!isKnown && text !== JSON.stringify(get())) continue;
      this.#keep(key, { age: state.age === "aging" ? "aging" : "saved", text });
    }
  }

  #keep(key: string, state: StoredFlash): void {
    this.#stored.set(key, state);
    this.#values.set(key, { ...this.#values.get(key)!, state });
  }

  /** Shows a value. Assigning to its key turns it into data; changing a nested value doesn't. */
  #show(key: string, value: unknown, state: FlashState): void {
    const session = this.#session;
    const own = Object.hasOwn(session, key) ? session[key] : undefined;
    const before = this.get(key);
    const get = () => value;
    this.#values.set(key, { state, get, hidden: before ? before.hidden : own });
    this.#seen.add(key);
    Object.defineProperty(session, key, {
      get,
      set: (next: unknown) => setProperty(session, key, next),
      enumerable: true,
      configurable: true,
    });
  }
}
