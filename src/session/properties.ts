import type { Contents } from "../record/contents.ts";
import { copyValue } from "../record/deep_copy.ts";
import { standsFor } from "../record/deep_equal.ts";
import { JsonObject } from "../record/json_object.ts";
import type { Members } from "../record/record.ts";
import { pathOf, serializeValue } from "../record/serialize.ts";
import { clearProperties, setProperty } from "../util/property.ts";
import { FlashValues } from "./flash.ts";
import { assertNotReserved, isReserved } from "./reserved_names.ts";

const NONE: ReadonlySet<string> = new Set();

/** The properties of a session: its data, and flashed values over data of the same keys. */
export class SessionProperties {
  readonly #session: Record<string, unknown>;
  /** The flashed values, once there was one. */
  #flash: FlashValues | undefined;
  /** The keys that were assigned to since {@linkcode noteAssigned}, whatever their values were. */
  #assigned: Set<string> | undefined;

  /**
   * @param session The object that has them.
   * @param contents The data, and what the request before flashed.
   * @throws {SyntaxError} When they are no objects, or more than a session can hold.
   */
  constructor(session: object, contents: Contents) {
    this.#session = session as Record<string, unknown>;
    if (contents.flash !== JsonObject.EMPTY) this.#flashes().load(contents.flash);
    this.#load(contents);
  }

  /** Shows what was loaded, or saved since, without what was changed. */
  reset(contents: Contents): void {
    clearProperties(this.#session);
    this.#flash?.reset();
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
    this.#flash?.clear();
    for (const [key, value] of entries) setProperty(this.#session, key, copyValue(value));
  }

  /** Notes from now on which keys are assigned to: an equal value would look unchanged. */
  noteAssigned(): void {
    const assigned = this.#assigned ??= new Set();
    for (const [key, value] of Object.entries(this.#session)) {
      if (this.#flash?.get(key)) continue;
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

  /** Whether it matters that the response shows flashed values: the store holds some. */
  get isFlashing(): boolean {
    return this.#flash?.isStored === true;
  }

  /** All that is shown, as an object of its own. */
  toObject(): Record<string, unknown> {
    return { ...this.#session };
  }

  /** Shows a value for this request and the next one. */
  flash(key: string, value: unknown): void {
    assertNotReserved(key);
    this.#flashes().flash(key, copyValue(value));
  }

  /** Keeps what the request before flashed for one request more. */
  reflash(): void {
    this.#flashes().reflash();
  }

  /** Makes a key that is flashed plain data with the value that it shows. */
  unflash(key: string): void {
    this.#flash?.unflash(key);
  }

  /** Notes that all was saved, though nothing of it had to be written. */
  saved({ flash }: Contents): void {
    this.#flash?.saved(flash);
  }

  /** Notes which flashed values were stored. */
  keepFlash(mine: JsonObject, stored: JsonObject): void {
    this.#flash?.keep(mine, stored);
  }

  /**
   * What is shown, by where it belongs.
   *
   * @param stored What the store holds.
   * @param consume Whether what the request before flashed is dropped.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  contents(stored: Contents, consume: boolean): Contents {
    const { flash } = stored;
    if (flash !== JsonObject.EMPTY || this.#flash?.isUsed) {
      const keys = Reflect.ownKeys(this.#session);
      for (const key of keys) assertData(key);
      return this.#separate(keys as string[], flash.members, consume);
    }
    if (stored.data.isKnownAs(this.#session)) return stored;
    const values = { ...this.#session };
    const data = JsonObject.ofValues(values, stored.data);
    // The same members have the same keys, which need not be looked at.
    if (data === stored.data) return stored;
    for (const key in values) assertNotReserved(key);
    return { data, flash };
  }

  /** What is shown, with flashed values apart from data. */
  #separate(keys: readonly string[], stored: Members, consume: boolean): Contents {
    const flash = this.#flashes();
    const data: Members = new Map();
    const shown: Members = new Map();
    for (const key of keys) {
      const value = this.#session[key];
      if (value === undefined) continue;
      const text = serializeValue(value, pathOf("session", key));
      const flashed = flash.get(key);
      if (!flashed) {
        data.set(key, text);
        continue;
      }
      shown.set(key, text);
      const { hidden } = flashed;
      if (hidden !== undefined) data.set(key, serializeValue(hidden, pathOf("session", key)));
    }
    return {
      data: JsonObject.ofMembers(data),
      flash: JsonObject.ofMembers(flash.merge(shown, stored, consume)),
    };
  }

  /** Shows the data that the session holds from now on, but for what the handler changed meanwhile. */
  update(now: JsonObject, before: JsonObject): void {
    if (now === before) return;
    for (const key of new Set([...before.members.keys(), ...now.members.keys()])) {
      const [was, is] = [before.members.get(key), now.members.get(key)];
      if (was !== is && standsFor(was, this.#own(key))) this.#set(key, is);
    }
  }

  /** Shows what was committed of one key, whatever the handler has made of it. */
  showKey(key: string, text: string | undefined): void {
    if (!standsFor(text, this.#own(key))) this.#set(key, text);
  }

  #own(key: string): unknown {
    return Object.hasOwn(this.#session, key) ? this.#session[key] : undefined;
  }

  #set(key: string, text: string | undefined): void {
    if (this.#flash?.get(key)) return;
    if (text === undefined) Reflect.deleteProperty(this.#session, key);
    else setProperty(this.#session, key, JSON.parse(text));
  }

  #load({ data, flash }: Contents): void {
    if (data !== JsonObject.EMPTY) this.#fill(data.copy());
    this.#flash?.show(flash);
  }

  #fill(data: Record<string, unknown>): void {
    const session = this.#session;
    for (const key in data) {
      if (!Object.hasOwn(data, key)) continue;
      // What the prototype knows is no plain assignment.
      if (!(key in session)) session[key] = data[key];
      else if (!isReserved(key)) setProperty(session, key, data[key]);
    }
  }

  #flashes(): FlashValues {
    return this.#flash ??= new FlashValues(this.#session);
  }
}

/** @throws {SessionSerializationError | TypeError} When a key can't be one of data. */
function assertData(key: string | symbol): void {
  if (typeof key === "symbol") serializeValue({ [key]: true }, "session");
  else assertNotReserved(key);
}
