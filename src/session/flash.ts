import type { JsonObject } from "../record/json_object.ts";
import type { Members } from "../record/record.ts";
import { setProperty } from "../util/property.ts";
import { isReserved } from "./reserved_names.ts";

/**
 * How far a flashed value is: this request has flashed it (`fresh`) and saved it (`saved`), or the request before has, so
 * that this one is the last to show it (`aging`).
 */
type FlashState = { readonly age: "fresh" } | StoredFlash;

/** A flashed value that the store holds as far as known. */
interface StoredFlash {
  readonly age: "saved" | "aging";
  /** Its JSON text. */
  readonly text: string;
}

/** A flashed value that a session shows. */
interface FlashValue {
  readonly state: FlashState;
  /** The getter of its property. A value that is assigned later has another one, or none. */
  readonly get: () => unknown;
  /** The data that it hides. */
  readonly hidden: unknown;
}

const FRESH: FlashState = { age: "fresh" };

/** The flashed values of a session, which are properties over the data of the same keys. */
export class FlashValues {
  readonly #session: Record<string, unknown>;
  readonly #values = new Map<string, FlashValue>();
  /** The keys that this request has seen flashed, by itself or the one before. */
  readonly #seen = new Set<string>();
  /** The values that were loaded, or saved since. */
  #stored = new Map<string, StoredFlash>();
  #isReflashed = false;
  #isReflashSaved = false;

  constructor(session: Record<string, unknown>) {
    this.#session = session;
  }

  /**
   * Notes what the request before has flashed.
   *
   * @throws {SyntaxError} When it is no object, or more than a session can hold.
   */
  load(flash: JsonObject): void {
    for (const [key, value] of Object.entries(flash.copy())) {
      this.#stored.set(key, { age: "aging", text: JSON.stringify(value) });
    }
  }

  /** Whether a value was shown, so that the store may hold one that is no data. */
  get isUsed(): boolean {
    return this.#seen.size > 0;
  }

  /** Whether the store holds a value, so that it matters whether the response shows it. */
  get isStored(): boolean {
    return this.#stored.size > 0;
  }

  /** Shows what was loaded, or saved since, as far as the store holds it. */
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

  /** Keeps what the request before flashed for one request more. */
  reflash(): void {
    this.#isReflashed = true;
  }

  /** Makes a key that is flashed plain data with the value that it shows. */
  unflash(key: string): void {
    const value = this.get(key);
    if (value) setProperty(this.#session, key, value.get());
  }

  /** Drops what was not saved. */
  reset(): void {
    this.clear();
    this.#seen.clear();
    this.#isReflashed = this.#isReflashSaved;
  }

  /** Shows nothing any more. */
  clear(): void {
    this.#values.clear();
  }

  /** The flashed value that a key shows, neither assigned to nor deleted since. */
  get(key: string): FlashValue | undefined {
    const value = this.#values.get(key);
    const own = value && Object.getOwnPropertyDescriptor(this.#session, key);
    return own?.get === value?.get ? value : undefined;
  }

  /**
   * What the store is to hold.
   *
   * @param shown The JSON texts of the values that are shown.
   * @param stored What the store holds.
   * @param consume Whether values of the request before are dropped.
   */
  merge(shown: Members, stored: Members, consume: boolean): Members {
    const merged: Members = new Map();
    for (const [key, text] of shown) {
      const { state } = this.#values.get(key)!;
      const theirs = stored.get(key);
      // Another request has dropped the value, and may have flashed another one for the next.
      const isOver = state.age !== "fresh" && theirs !== state.text && theirs !== text;
      if (!isOver) {
        if (state.age !== "aging" || this.#isReflashed || !consume) merged.set(key, text);
      } else if (theirs !== undefined) merged.set(key, theirs);
    }
    // What other requests flashed is for the next one, which is not shown here.
    for (const [key, text] of stored) {
      if (!this.#seen.has(key) && !merged.has(key)) merged.set(key, text);
    }
    return merged;
  }

  /** Notes that all was saved, though nothing of it had to be written. */
  saved(flash: JsonObject): void {
    this.#isReflashSaved = this.#isReflashed;
    for (const [key, { state }] of this.#values) {
      const text = flash.members.get(key);
      if (state.age === "fresh" && text !== undefined) this.#keep(key, { age: "saved", text });
    }
  }

  /**
   * Notes what was stored: what it is changed to later is still of this request.
   *
   * @param mine What this request wanted to store.
   * @param stored What was stored.
   */
  keep(mine: JsonObject, stored: JsonObject): void {
    this.#stored = new Map();
    for (const [key, { get, state }] of this.#values) {
      const text = mine.members.get(key);
      if (text === undefined || text !== stored.members.get(key)) continue;
      const isKnown = state.age === "fresh" || text === state.text;
      // Of another request, which flashed the key since.
      if (!isKnown && text !== JSON.stringify(get())) continue;
      this.#keep(key, { age: state.age === "aging" ? "aging" : "saved", text });
    }
  }

  #keep(key: string, state: StoredFlash): void {
    this.#stored.set(key, state);
    this.#values.set(key, { ...this.#values.get(key)!, state });
  }

  /** Shows a value. Assigning to its key makes it data; changing it from within doesn't. */
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
