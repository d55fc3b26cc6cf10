import { SessionTooLargeError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record/record.ts";

/** The largest record, in bytes of its JSON: a row of an object has 2 MB, with all that is in it. */
export const MAX_BYTES = 1_990_000;

const encoder = new TextEncoder();

/** @throws {SessionTooLargeError} When a record is larger than an object can hold. */
export function checkSize(record: SessionRecord): void {
  const text = JSON.stringify(record);
  // No character has more bytes.
  if (text.length * 3 <= MAX_BYTES) return;
  const { length: size } = encoder.encode(text);
  if (size <= MAX_BYTES) return;
  throw new SessionTooLargeError(
    `Cannot store session: it is ${size} bytes, at most ${MAX_BYTES} fit into a Durable Object`,
    { size, limit: MAX_BYTES },
  );
}
