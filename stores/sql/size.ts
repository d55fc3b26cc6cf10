import { SessionTooLargeError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record/record.ts";

const encoder = new TextEncoder();

/** @throws {SessionTooLargeError} When the JSON of a record is larger than the database can hold. */
export function checkSize(record: SessionRecord, limit: number): void {
  const { length: size } = encoder.encode(JSON.stringify(record));
  if (size <= limit) return;
  throw new SessionTooLargeError(
    `Cannot store session: it is ${size} bytes, at most ${limit} fit into a row`,
    { size, limit },
  );
}
