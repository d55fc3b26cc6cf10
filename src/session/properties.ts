import type { Contents } from "../record/contents.ts";
import { copyValue } from "../record/deep_copy.ts";
import { standsFor } from "../record/deep_equal.ts";
import { JsonObject } from "../record/json_object.ts";
import type { Members } from "../record/record.ts";
import { pathOf, serializeValue } from "../record/serialize.ts";
import { clearProperties, setProperty } from "../util/property.ts";
import { assertNotReserved, isReserved } from "./session_object.ts";

/** A flashed value. */
interface Flash {
  /** Gives it, and tells it from what is assigned later. */
  readonly get: () => unknown;
  /** What the store holds of it as far as known. */
  readonly stored: StoredFlash | undefined;
  /** The data that it hides. */
  readonly under: unknown;
}

/** A flashed value that the store holds, and this request knows of. */
interface StoredFlash {
  /** Its JSON text. */
  readonly text: string;
  /** Whether the request before flashed it, so that this one is its last. */
  readonly aging: boolean;
}

const NONE: ReadonlySet<string> = new Set();

/** What a session shows as its own properties: its data, and flashed values over data of the same keys. */
export class SessionView {
  readonly #session: Record<string, unknown>;
  /** The values that are flashed, once there was one. */
  #flashes: Map<string, Flash> | undefined;
  /** The keys that this request has seen flashed, by itself or the one before. */
  #seen: Set<string> | undefined;
  #reflash = false;
  #isReflashSaved = false;
  /** The keys that were assigned to since {@linkcode noteAssigned}, whatever their values were. */
  #assigned: Set<string> | undefined;
  /** The flashed values that were loaded, or saved since. */
  #stored: Map<string, StoredFlash> | undefined;

  /**
   * @param session The object that shows them.
   * @param contents The data, and what the request before flashed.
   * @throws {SyntaxError} When they are no objects, or more than a session can hold.
   */
  constructor(session: object, contents: Contents) {
    this.#session = session as Record<string, unknown>;
    const { flash } = contents;
    if (flash !== JsonObject.EMPTY) {
      this.#stored = new Map();
      for (const [key, value] of Object.entries(flash.copy())) {
        this.#stored.set(key, { text: JSON.stringify(value), aging: true });
      }
    }
    this.#load(contents);
  }

  /** Shows what was loaded, or saved since, without what was changed. */
  reset(contents: Contents): void {
    clearProperties(this.#session);
    this.#flashes = this.#seen = undefined;
    this.#reflash = this.#isReflashSaved;
    this.#load(contents);
    if (!this.#assigned) return;
    this.#assigned = undefined;
    this.noteAssigned();
  }

  /** Replaces all that is shown. */
  replace(data: object): void {
    const entries = Object.entries(data);
    for (const [key] of entries) assertNotReserved(key);
    clearProperties(this.#session);
    this.#flashes?.clear();
    for (const [key, value] of entries) setProperty(this.#session, key, copyValue(value));
  }

  /** Notes from now on which keys are assigned to, as an equal value can't be told from one that was there. */
  noteAssigned(): void {
    const assigned = this.#assigned ??= new Set();
    for (const [key, value] of Object.entries(this.#session)) {
      if (this.#flashOf(key)) continue;
      Object.defineProperty(this.#session, key, {
        get: () => value,
        set: (next: unknown) => {
          assigned.add(key);
          setProperty(this.#session, key, next);
        },
        enumerable: true,
        configurable: true,
      });
    }
  }

  /** The keys that were assigned to since. */
  get assigned(): ReadonlySet<string> {
    return this.#assigned ?? NONE;
  }

  /** Whether it shows what was flashed before, so that it matters whether that has had its day. */
  get isFlashing(): boolean {
    return this.#stored !== undefined;
  }

  /** All that is shown, as an object of its own. */
  toObject(): Record<string, unknown> {
    return { ...this.#session };
  }

  /** Shows a value for this request and the next one. */
  flash(key: string, value: unknown): void {
    assertNotReserved(key);
    this.#show(key, copyValue(value));
  }

  /** Keeps what the request before flashed for one request more. */
  reflash(): void {
    this.#reflash = true;
  }

  /** Makes a key that is flashed plain data with the value that it shows. */
  unflash(key: string): void {
    const flashed = this.#flashOf(key);
    if (flashed) setProperty(this.#session, key, flashed.get());
  }

  /**
   * What is shown, by where it belongs.
   *
   * @param stored What the store holds.
   * @param consume Whether what the request before flashed has had its day.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  contents(stored: Contents, consume: boolean): Contents {
    const { flash } = stored;
    const isPlain = !this.#seen && flash === JsonObject.EMPTY;
    if (isPlain && stored.data.isKnownAs(this.#session)) return stored;
    const data = isPlain ? JsonObject.ofValues({ ...this.#session }, stored.data) : undefined;
    // The same members have the same keys, which need not be looked at.
    if (data === stored.data) return stored;
    const keys = Reflect.ownKeys(this.#session);
    for (const key of keys) assertData(key);
    return data ? { data, flash } : this.#sorted(keys as string[], flash.members, consume);
  }

  #sorted(keys: readonly string[], stored: Members, consume: boolean): Contents {
    const data: Members = new Map();
    const flash: Members = new Map();
    for (const key of keys) {
      const value = this.#session[key];
      if (value === undefined) continue;
      const text = serializeValue(value, pathOf("session", key));
      const flashed = this.#flashOf(key);
      if (!flashed) {
        data.set(key, text);
        continue;
      }
      const kept = stored.get(key);
      const { stored: known, under } = flashed;
      // It has had its day in another request, which may have flashed the key once more, for the next one.
      const isOver = known !== undefined && kept !== known.text && kept !== text;
      if (!isOver) {
        if (!known?.aging || this.#reflash || !consume) flash.set(key, text);
      } else if (kept !== undefined) flash.set(key, kept);
      if (under !== undefined) data.set(key, serializeValue(under, pathOf("session", key)));
    }
    // What other requests flashed is for the next one, which is not shown here.
    for (const [key, text] of stored) {
      if (!this.#seen?.has(key) && !flash.has(key)) flash.set(key, text);
    }
    return { data: JsonObject.ofMembers(data), flash: JsonObject.ofMembers(flash) };
  }

  /** Takes note that all was saved, though nothing of it had to be written. */
  saved({ flash }: Contents): void {
    this.#isReflashSaved = this.#reflash;
    for (const [key, { stored }] of this.#flashes ?? []) {
      const text = flash.members.get(key);
      if (!stored && text !== undefined) this.#keep(key, { text, aging: false });
    }
  }

  #keep(key: string, stored: StoredFlash): void {
    this.#stored ??= new Map();
    this.#stored.set(key, stored);
    this.#flashes!.set(key, { ...this.#flashes!.get(key)!, stored });
  }

  /** Takes note of flashed values that were stored: what they are changed to later is still of this request. */
  keepFlash(mine: JsonObject, stored: JsonObject): void {
    if (!this.#flashes) return;
    this.#stored = new Map();
    for (const [key, { get, stored: known }] of this.#flashes) {
      const text = mine.members.get(key);
      if (text === undefined || text !== stored.members.get(key)) continue;
      // Of another request, which flashed the key since.
      if (known && text !== known.text && text !== JSON.stringify(get())) continue;
      this.#keep(key, { text, aging: known?.aging === true });
    }
  }

  /** Shows the data that the session holds from now on, but for what the handler changed meanwhile. */
  update(now: JsonObject, before: JsonObject): void {
    if (now === before) return;
    const session = this.#session;
    for (const key of new Set([...before.members.keys(), ...now.members.keys()])) {
      const [was, is] = [before.members.get(key), now.members.get(key)];
      const own = Object.hasOwn(session, key) ? session[key] : undefined;
      if (was === is || !standsFor(was, own) || this.#flashOf(key)) continue;
      if (is === undefined) Reflect.deleteProperty(session, key);
      else setProperty(session, key, JSON.parse(is));
    }
  }

  /** Shows what was committed of one key, whatever the handler has made of it. */
  showKey(key: string, text: string | undefined): void {
    const own = Object.hasOwn(this.#session, key) ? this.#session[key] : undefined;
    if (standsFor(text, own) || this.#flashOf(key)) return;
    if (text === undefined) Reflect.deleteProperty(this.#session, key);
    else setProperty(this.#session, key, JSON.parse(text));
  }

  #load({ data, flash }: Contents): void {
    if (data !== JsonObject.EMPTY) this.#fill(data.copy());
    if (!this.#stored) return;
    for (const [key, stored] of this.#stored) {
      if (isReserved(key) || flash.members.get(key) !== stored.text) continue;
      this.#show(key, JSON.parse(stored.text), stored);
    }
  }

  #fill(data: Record<string, unknown>): void {
    const session = this.#session;
    for (const key of Object.keys(data)) {
      // What the prototype knows is no plain assignment.
      if (!(key in session)) session[key] = data[key];
      else if (!isReserved(key)) setProperty(session, key, data[key]);
    }
  }

  /** What a key shows, if that is a flashed value: neither assigned to nor deleted since. */
  #flashOf(key: string): Flash | undefined {
    const flash = this.#flashes?.get(key);
    const own = flash && Object.getOwnPropertyDescriptor(this.#session, key);
    return own?.get === flash?.get ? flash : undefined;
  }

  /** Shows a flashed value. Assigning to its key makes it data; changing it from within doesn't. */
  #show(key: string, value: unknown, stored?: StoredFlash): void {
    const own = Object.hasOwn(this.#session, key) ? this.#session[key] : undefined;
    const before = this.#flashOf(key);
    const under = before ? before.under : own;
    const get = () => value;
    this.#flashes ??= new Map();
    this.#flashes.set(key, { get, stored, under });
    this.#seen ??= new Set();
    this.#seen.add(key);
    Object.defineProperty(this.#session, key, {
      get,
      set: (next: unknown) => setProperty(this.#session, key, next),
      enumerable: true,
      configurable: true,
    });
  }
}

/** @throws {SessionSerializationError | TypeError} When a key can't be one of data. */
function assertData(key: string | symbol): void {
  if (typeof key === "symbol") serializeValue({ [key]: true }, "session");
  else assertNotReserved(key);
}
