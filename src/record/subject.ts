/** The largest length of a subject, so that it fits into the keys of every backend. */
const LONGEST_SUBJECT = 256;

const LONE_SURROGATE_REGEXP = /\p{Surrogate}/u;

/** Checks whether a value is a well-formed string of 1 to `longest` characters. */
export function isWellFormed(value: unknown, longest: number): value is string {
  // Lone surrogates all become the same character in backends that store UTF-8.
  return typeof value === "string" && value.length > 0 && value.length <= longest &&
    !LONE_SURROGATE_REGEXP.test(value);
}

/** Checks whether a value is a valid subject. */
export function isSubject(value: unknown): value is string {
  return isWellFormed(value, LONGEST_SUBJECT);
}

/** @throws {TypeError} When a value is not a valid subject. */
export function assertSubject(
  subject: unknown,
  { action, otherwise = "" }: { action: string; otherwise?: string },
): asserts subject is string {
  if (isSubject(subject)) return;
  throw new TypeError(
    `Cannot ${action}: a well-formed string of 1 to ${LONGEST_SUBJECT} characters is required${otherwise}`,
  );
}
