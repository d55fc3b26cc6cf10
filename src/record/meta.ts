import { serializeValue } from "./serialize.ts";

/** The largest length of the JSON of `meta`. */
const LONGEST_META = 2048;

/**
 * Serializes the `meta` of a session.
 *
 * @throws {TypeError} When it is not a plain object.
 * @throws {RangeError} When it is too long.
 * @throws {SessionSerializationError} When a value would not survive JSON.
 */
export function serializeMeta(meta: object): string {
  const text = serializeValue(meta, "session.meta");
  if (!text.startsWith("{")) {
    throw new TypeError("Cannot set session.meta: a plain object or undefined is required");
  }
  if (text.length <= LONGEST_META) return text;
  throw new RangeError(
    `Cannot set session.meta: it is ${text.length} characters of JSON, at most ${LONGEST_META} are allowed; truncate client values`,
  );
}
