import {
  joinMembers,
  type Members,
  parseMembers,
  sameMembers,
  serializeMembers,
} from "./record.ts";

/** A plain object as JSON: its text and its members, each made of the other when it is asked for. */
export class JsonObject {
  /** Nothing at all. */
  static readonly EMPTY: JsonObject = JsonObject.ofText("{}", []);

  #text: string | undefined;
  #members: Members | undefined;
  readonly #keys: readonly PropertyKey[] | undefined;

  private constructor(
    text: string | undefined,
    { members, keys }: { members?: Members; keys?: readonly PropertyKey[] | undefined },
  ) {
    this.#text = text;
    this.#members = members;
    this.#keys = keys;
  }

  /**
   * The object that a JSON text stands for.
   *
   * @param keys Its keys in their order, where they are known.
   */
  static ofText(text: string, keys?: readonly PropertyKey[]): JsonObject {
    return new JsonObject(text, { keys });
  }

  /** The object with these members. */
  static ofMembers(members: Members): JsonObject {
    return members.size === 0 ? JsonObject.EMPTY : new JsonObject(undefined, { members });
  }

  /**
   * What a session holds.
   *
   * @param keys Its keys in their order.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  static ofValues(values: Record<string, unknown>, keys: readonly PropertyKey[]): JsonObject {
    return new JsonObject(serializeMembers(values, "session"), { keys });
  }

  /** @throws {SyntaxError} When it was made of a text that is not the JSON of an object. */
  get members(): Members {
    return this.#members ??= parseMembers(this.#text!);
  }

  get text(): string {
    return this.#text ??= joinMembers(this.#members!);
  }

  /** Whether another object has the same members, in whatever order. */
  equals(other: JsonObject): boolean {
    if (this === other || this.text === other.text) return true;
    // Of the same names in the same order there is one text.
    if (this.#keys && other.#keys && areSameNames(this.#keys, other.#keys)) return false;
    return sameMembers(this.members, other.members);
  }
}

/** What an object has in an order of its own, whatever the order of a text. */
const NUMBER_REGEXP = /^\d/;

function areSameNames(one: readonly PropertyKey[], other: readonly PropertyKey[]): boolean {
  return one.length === other.length &&
    one.every((key, at) => key === other[at] && !NUMBER_REGEXP.test(String(key)));
}
