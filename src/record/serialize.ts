import { parseObject } from "./record.ts";
import { MAX_DEPTH, problemOf, refuseProblem } from "./unserializable_value.ts";

/** The depth of the object of a session. Its values have depth 0. */
const TOP = -1;

/** Numbers that may be too large, with and without an exponent. */
const EXPONENT_REGEXP = /\d[eE]\+?\d{3}/;
const DIGITS_REGEXP = /\d{309}/;

/**
 * Parses the JSON text of a session's object.
 *
 * @throws {SyntaxError} When the text is not the JSON of an object that a session can hold.
 */
export function parseHeld(text: string): Record<string, unknown> {
  const object = parseObject(text);
  if (isSuspect(text) && problemOf(object, TOP)) {
    throw new SyntaxError("Cannot parse session: no session can hold its data");
  }
  return object;
}

/**
 * Checks whether a JSON text may contain a number that is too large, or be nested too deep. It is much faster
 * than checking all values.
 */
function isSuspect(text: string): boolean {
  if (EXPONENT_REGEXP.test(text)) return true;
  if (text.length <= MAX_DEPTH) return false;
  return DIGITS_REGEXP.test(text) || count(text, "{") + count(text, "[") > MAX_DEPTH + 1;
}

function count(text: string, character: string): number {
  let found = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) found++;
  return found;
}

/**
 * Serializes a value of a session.
 *
 * @throws {SessionSerializationError} When a value would not survive JSON.
 */
export function serializeValue(value: unknown, path: string): string {
  return serialize(value, { path, depth: 0 });
}

/**
 * Serializes the object of a session.
 *
 * @throws {SessionSerializationError} When a value would not survive JSON.
 */
export function serializeMembers(values: object): string {
  return serialize(values, { path: "session", depth: TOP });
}

function serialize(value: unknown, { path, depth }: { path: string; depth: number }): string {
  const problem = problemOf(value, depth);
  if (problem) refuseProblem(problem, value, path);
  return JSON.stringify(value);
}
