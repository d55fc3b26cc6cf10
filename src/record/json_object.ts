import { copyMembers } from "./deep_copy.ts";
import { hasSameMembers, isSameJson } from "./deep_equal.ts";
import { joinMembers, type Members, parseMembers, parseObject } from "./record.ts";
import { parseHeld, serializeMembers } from "./serialize.ts";

/** A plain object as JSON: its text and its members, each made of the other when it is asked for. */
export class JsonObject {
  /** Nothing at all. */
  static readonly EMPTY: JsonObject = new JsonObject("{}");

  #text: string | undefined;
  #members: Members | undefined;
  #value: Readonly<Record<string, unknown>> | undefined;
  /** What it was parsed to for somebody who may change what is in it, but not its own members. */
  #parsed: Readonly<Record<string, unknown>> | undefined;
  /** Another one that was found to have other members. */
  #unlike: JsonObject | undefined;

  private constructor(text: string | undefined, members?: Members) {
    this.#text = text;
    this.#members = members;
  }

  /** The object that a JSON text stands for. */
  static ofText(text: string): JsonObject {
    return text === "{}" ? JsonObject.EMPTY : new JsonObject(text);
  }

  /** The object with these members. */
  static ofMembers(members: Members): JsonObject {
    return members.size === 0 ? JsonObject.EMPTY : new JsonObject(undefined, members);
  }

  /**
   * What a session holds: what it held before, if it has the same members still.
   *
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  static ofValues(values: Record<string, unknown>, before: JsonObject): JsonObject {
    const text = serializeMembers(values, "session");
    if (text === before.text) return before;
    if (!before.#differsFrom(values) && hasSameMembers(values, parseObject(before.text))) {
      return before;
    }
    const object = new JsonObject(text);
    object.#unlike = before;
    return object;
  }

  /**
   * Remembers what it stands for, which is worth it for what is asked for again and again.
   *
   * @throws {SyntaxError} When it was made of a text that is not the JSON of an object, or of one that no session can hold.
   */
  keep(): void {
    this.#value ??= parseHeld(this.text);
  }

  /**
   * What it stands for, as an object of its own. What is in its members may be changed, but not which members it has.
   *
   * @throws {SyntaxError} When it was made of a text that is not the JSON of an object, or of one that no session can hold.
   */
  copy(): Record<string, unknown> {
    return this.#value ? copyMembers(this.#value) : this.#parsed = parseHeld(this.text);
  }

  /** Whether it is known without parsing anything that an object has other members: a string or a number is another one. */
  #differsFrom(values: Record<string, unknown>): boolean {
    const known = this.#value ?? this.#parsed;
    if (!known) return false;
    for (const key in values) {
      const member = values[key];
      const isLeaf = typeof member !== "object" && member !== undefined;
      if (isLeaf && member !== known[key]) return true;
    }
    return false;
  }

  /** @throws {SyntaxError} When it was made of a text that is not the JSON of an object. */
  get members(): Members {
    return this.#members ??= parseMembers(this.#text!);
  }

  get text(): string {
    return this.#text ??= joinMembers(this.#members!);
  }

  /** The keys whose members are not those of another object. */
  keysUnlike(other: JsonObject): string[] {
    const keys = new Set([...this.members.keys(), ...other.members.keys()]);
    return [...keys].filter((key) => !isSameJson(this.members.get(key), other.members.get(key)));
  }

  /** Whether it is known without parsing anything that an object has the same members. */
  isKnownAs(object: object): boolean {
    return this.#value !== undefined && hasSameMembers(object, this.#value);
  }

  /** Whether another object has the same members, in whatever order and however they are written. */
  equals(other: JsonObject): boolean {
    if (this === other || this.text === other.text) return true;
    if (this.#unlike === other) return false;
    if (hasSameMembers(parseObject(this.text), parseObject(other.text))) return true;
    this.#unlike = other;
    return false;
  }
}
