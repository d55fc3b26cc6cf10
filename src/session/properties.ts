import { type Contents, contentsOf, initialContents, sameContents } from "../record/contents.ts";
import { copyValue } from "../record/deep_copy.ts";
import { standsFor } from "../record/deep_equal.ts";
import { JsonObject } from "../record/json_object.ts";
import type { Members, StoredSession } from "../record/record.ts";
import { serializeValue } from "../record/serialize.ts";
import { pathOf } from "../record/unserializable_value.ts";
import { clearProperties, ownValue, setProperty } from "../util/property.ts";
import { type AttributesOwner, SessionAttributes } from "./attributes.ts";
import { FlashValues } from "./flash.ts";
import { assertNotReserved, isReserved } from "./reserved_names.ts";
import { SessionObject } from "./session_object.ts";

/** The object behind a session, with its properties. */
type Properties = SessionObject & Record<string, unknown>;

/** The properties of a session: its data, and flashed values that hide data of the same keys. */
export class SessionProperties extends SessionAttributes {
  /** The object that has the properties. */
  readonly session: Properties = new SessionObject() as Properties;
  /** The last known stored contents, or the initial contents. */
  #base: Contents;
  /** The data that it showed at first, if they differ from the stored data. */
  #shown: JsonObject | undefined;
  /** The flashed values, if there are any. */
  flashed: FlashValues | undefined;
  /** The keys that were assigned to since {@linkcode noteAssigned}, even with equal values. */
  assigned: Set<string> | undefined;

  /**
   * @param owner The request that has the session.
   * @param initial The JSON text of the initial data, which don't count as a change.
   * @param shown The JSON text of the data that it shows, if they differ from the stored data.
   * @throws {SyntaxError} When the stored contents are not the JSON of objects, or not values that a session can hold.
   */
  constructor(
    owner: AttributesOwner,
    { initial = "{}", stored, shown }: {
      initial?: string | undefined;
      stored?: StoredSession | undefined;
      shown?: string | undefined;
    },
  ) {
    super(owner, stored);
    this.#base = stored ? contentsOf(stored.record) : initialContents(initial);
    this.#shown = shown === undefined ? undefined : JsonObject.ofText(shown);
    const contents = this.shown();
    if (contents.flash !== JsonObject.EMPTY) this.#flashes().load(contents.flash);
    this.#load(contents);
  }

  /** Returns the last known stored contents, or the initial contents. */
  base(): Contents {
    return this.#base;
  }

  /** Returns the contents that it showed before the handler changed it. */
  shown(): Contents {
    return this.#shown ? { ...this.#base, data: this.#shown } : this.#base;
  }

  /** Records the stored contents. */
  protected rebase(contents: Contents): void {
    this.#base = contents;
    this.#shown = undefined;
  }

  hasChanged(): boolean {
    return !sameContents(this.contents(), this.#base);
  }

  /** Shows the contents that were loaded or saved, without later changes. */
  protected reset(): void {
    clearProperties(this.session);
    this.flashed?.reset();
    this.#load(this.shown());
    if (!this.assigned) return;
    this.assigned = undefined;
    this.noteAssigned();
  }

  /** Replaces all data and keeps the session. In a session that was never stored, they override the initial data. */
  replaceData(data: object): void {
    this.assertSavable("change");
    const initial = this.stored ? undefined : this.#base.data.copy();
    const values: Record<PropertyKey, unknown> = { ...initial, ...data };
    for (const key of Object.keys(values)) assertNotReserved(key);
    clearProperties(this.session);
    this.flashed?.clear();
    // A commit refuses symbols.
    for (const key of Reflect.ownKeys(values)) {
      setProperty(this.session, key, copyValue(values[key]));
    }
  }

  /** Tracks assignments from now on: a key that was assigned an equal value would look unchanged. */
  noteAssigned(): void {
    const assigned = this.assigned ??= new Set();
    for (const [key, value] of Object.entries(this.session)) {
      if (this.flashed?.get(key)) continue;
      Object.defineProperty(this.session, key, {
        get: () => value,
        set: (next: unknown) => {
          assigned.add(key);
          setProperty(this.session, key, next);
        },
        enumerable: true,
        configurable: true,
      });
    }
  }

  /** Whether the store holds flashed values, which the response may consume. */
  get isFlashing(): boolean {
    return this.flashed?.isStored === true;
  }

  /** Shows a value for this request and the next one. */
  flash(key: string, value: unknown): void {
    this.assertSavable("flash");
    assertNotReserved(key);
    this.#flashes().flash(key, copyValue(value));
  }

  /** Keeps the values of the previous request for one more request. */
  reflash(): void {
    this.assertSavable("reflash");
    this.#flashes().reflash();
  }

  /**
   * Returns the current data and flashed values.
   *
   * @param consume Whether the flashed values of the previous request are dropped.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  contents(consume = false): Contents {
    const stored = this.#base;
    const { flash } = stored;
    if (flash !== JsonObject.EMPTY || this.flashed?.isUsed) {
      const keys = Reflect.ownKeys(this.session);
      for (const key of keys) assertData(key);
      return this.#separate(keys as string[], flash.members, consume);
    }
    const data = JsonObject.ofValues(this.session, stored.data);
    // Equal members have the same valid keys, so no check is needed.
    if (data === stored.data) return stored;
    // Object.keys() would allocate a list.
    for (const key in this.session) {
      if (Object.hasOwn(this.session, key)) assertNotReserved(key);
    }
    return { data, flash };
  }

  /** Separates flashed values from data. */
  #separate(keys: readonly string[], stored: Members, consume: boolean): Contents {
    const flash = this.#flashes();
    const data: Members = new Map();
    const shown: Members = new Map();
    for (const key of keys) {
      const value = this.session[key];
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

  /** Shows new contents, except where the handler has changed a key in the meantime. */
  show({ data: now }: Contents, { data: before }: Contents): void {
    if (now === before || this.status === "ended") return;
    for (const key of new Set([...before.members.keys(), ...now.members.keys()])) {
      const [was, is] = [before.members.get(key), now.members.get(key)];
      if (was !== is && standsFor(was, ownValue(this.session, key))) this.#set(key, is);
    }
  }

  /** Shows the committed value of one key, regardless of changes by the handler. */
  showKey(key: string, text: string | undefined): void {
    if (this.status !== "ended" && !standsFor(text, ownValue(this.session, key))) {
      this.#set(key, text);
    }
  }

  #set(key: string, text: string | undefined): void {
    if (this.flashed?.get(key)) return;
    if (text === undefined) Reflect.deleteProperty(this.session, key);
    else setProperty(this.session, key, JSON.parse(text));
  }

  #load({ data, flash }: Contents): void {
    if (data !== JsonObject.EMPTY) this.#fill(data.copy());
    this.flashed?.show(flash);
  }

  #fill(data: Record<string, unknown>): void {
    const session = this.session;
    for (const key in data) {
      if (!Object.hasOwn(data, key)) continue;
      // Keys on the prototype need a definition instead of an assignment.
      if (!(key in session)) session[key] = data[key];
      else if (!isReserved(key)) setProperty(session, key, data[key]);
    }
  }

  #flashes(): FlashValues {
    return this.flashed ??= new FlashValues(this.session);
  }
}

/** @throws {SessionSerializationError | TypeError} When a key can't be a key of data. */
function assertData(key: string | symbol): void {
  if (typeof key === "symbol") serializeValue({ [key]: true }, "session");
  else assertNotReserved(key);
}
