import { copyMembers } from "./deep_copy.ts";
import { hasSameMembers, isSameJson } from "./deep_equal.ts";
import { joinMembers, type Members, parseMembers, parseObject } from "./record.ts";
import { parseHeld, serializeMembers } from "./serialize.ts";

/** A plain object as JSON. Its text and its members are derived from each other on demand. */
export class JsonObject {
  /** The empty object. */
  static readonly EMPTY: JsonObject = new JsonObject("{}");

  #text: string | undefined;
  #members: Members | undefined;
  #value: Readonly<Record<string, unknown>> | undefined;
  /** The parsed object. Callers may change nested values, but not its own members. */
  #parsed: Readonly<Record<string, unknown>> | undefined;
  /** Another object that is known to differ. */
  #unlike: JsonObject | undefined;

  private constructor(text: string | undefined, members?: Members) {
    this.#text = text;
    this.#members = members;
  }

  /** Creates an object from a JSON text. */
  static ofText(text: string): JsonObject {
    return text === "{}" ? JsonObject.EMPTY : new JsonObject(text);
  }

  /** Creates an object from members. */
  static ofMembers(members: Members): JsonObject {
    return members.size === 0 ? JsonObject.EMPTY : new JsonObject(undefined, members);
  }

  /**
   * Creates an object from the own values of a session. Returns the previous object if the members are equal.
   *
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  static ofValues(session: object, before: JsonObject): JsonObject {
    const known = before.#value;
    if (known && hasSameMembers(session, known)) return before;
    const values: Record<string, unknown> = { ...session };
    const text = serializeMembers(values);
    if (text === before.text) return before;
    if (!known && !before.#differsFrom(values)) {
      if (hasSameMembers(values, parseObject(before.text))) return before;
    }
    const object = new JsonObject(text);
    object.#differFrom(before);
    return object;
  }

  /**
   * Parses the object once and keeps the result, for objects that are used many times.
   *
   * @throws {SyntaxError} When its text is not the JSON of an object that a session can hold.
   */
  keep(): void {
    this.#value ??= parseHeld(this.text);
  }

  /**
   * Returns a copy of the object. Nested values may be changed, but not its own members.
   *
   * @throws {SyntaxError} When its text is not the JSON of an object that a session can hold.
   */
  copy(): Record<string, unknown> {
    return this.#value ? copyMembers(this.#value) : this.#parsed = parseHeld(this.text);
  }

  /** Checks, without parsing, whether an object is known to differ: a string or a number has changed. */
  #differsFrom(values: Record<string, unknown>): boolean {
    const known = this.#parsed;
    if (!known) return false;
    for (const key in values) {
      const member = values[key];
      const isLeaf = typeof member !== "object" && member !== undefined;
      if (isLeaf && member !== known[key]) return true;
    }
    return false;
  }

  /** @throws {SyntaxError} When its text is not the JSON of an object. */
  get members(): Members {
    return this.#members ??= parseMembers(this.#text!);
  }

  get text(): string {
    return this.#text ??= joinMembers(this.#members!);
  }

  /** Returns the keys whose members differ from those of another object. */
  keysUnlike(other: JsonObject): string[] {
    const keys = new Set([...this.members.keys(), ...other.members.keys()]);
    return [...keys].filter((key) => !isSameJson(this.members.get(key), other.members.get(key)));
  }

  /** Checks whether another object has the same members, in any order and notation. */
  equals(other: JsonObject): boolean {
    if (this === other || this.text === other.text) return true;
    if (this.#unlike === other) return false;
    if (hasSameMembers(parseObject(this.text), parseObject(other.text))) return true;
    this.#differFrom(other);
    return false;
  }

  /** Remembers another object that differs. In a chain of them, a session would hold everything that it ever was. */
  #differFrom(other: JsonObject): void {
    this.#unlike = other;
    other.#unlike = undefined;
  }
}
