import { parseObject } from "./record.ts";
import { serializeValue } from "./serialize.ts";

/** The most characters of a subject, so that it fits into the keys of every backend. */
const LONGEST_SUBJECT = 256;

const LONE_SURROGATE_REGEXP = /\p{Surrogate}/u;

/** @throws {TypeError} When a value names no subject. */
export function assertSubject(
  subject: unknown,
  { action, otherwise = "" }: { action: string; otherwise?: string },
): asserts subject is string {
  const valid = typeof subject === "string" && subject.length > 0 &&
    subject.length <= LONGEST_SUBJECT &&
    // Backends that keep UTF-8 would take two of them for one.
    !LONE_SURROGATE_REGEXP.test(subject);
  if (valid) return;
  throw new TypeError(
    `Cannot ${action}: a well-formed string of 1 to ${LONGEST_SUBJECT} characters is needed${otherwise}`,
  );
}

/** The most characters of JSON of what lists show. */
const LONGEST_META = 2048;

/**
 * The JSON text of what lists show of a session.
 *
 * @throws {TypeError} When it is no plain object.
 * @throws {RangeError} When it is too long.
 * @throws {SessionSerializationError} When a value would not survive JSON.
 */
export function serializeMeta(meta: object): string {
  const text = serializeValue(meta, "session.meta");
  if (!text.startsWith("{")) {
    throw new TypeError("Cannot set session.meta: a plain object is needed, or undefined");
  }
  if (text.length <= LONGEST_META) return text;
  throw new RangeError(
    `Cannot set session.meta: it is ${text.length} characters of JSON, ${LONGEST_META} are kept; cut what a client sends`,
  );
}

/** What lists show of a session; nothing where it is damaged. */
export function parseMeta(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    return parseObject(text);
  } catch {
    return undefined;
  }
}
