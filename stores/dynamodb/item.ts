import { SessionTooLargeError } from "../../src/errors.ts";
import { isSessionRecord, type SessionRecord } from "../../src/record/record.ts";
import type { Layout } from "./layout.ts";

/** The largest record, in bytes. The rest of the 409,600 of an item is for its key and the time to live. */
export const MAX_BYTES = 400_000;

/** The attribute that tells which write an item is from. */
export const WRITE_ID = "writeId";

/** The attribute with the oldest generation of which the session may be that a `deleteAll` excepted. */
export const SINCE = "since";

/** The members of a record, and whether they are numbers. */
const IS_NUMBER: Readonly<Record<keyof SessionRecord, boolean>> = {
  format: true,
  sid: false,
  version: true,
  cookieName: false,
  scope: false,
  cookie: false,
  meta: false,
  data: false,
  flash: false,
  createdAt: true,
  lastSeenAt: true,
  renewedAt: true,
  expiresAt: true,
  maxAge: true,
  subject: false,
  subjectAt: true,
  generation: true,
  browser: false,
  tokenAt: true,
  predecessor: false,
  trace: false,
  successor: false,
  graceUntil: true,
  epoch: true,
};

/** The attributes that every item has or may have, before the prefix. */
export const RESERVED_NAMES: readonly string[] = [...Object.keys(IS_NUMBER), WRITE_ID, SINCE];

/** The members of a record that lists show: all but its data. */
export const LISTED_NAMES: readonly string[] = Object.keys(IS_NUMBER)
  .filter((name) => name !== "data" && name !== "flash");

const encoder = new TextEncoder();

/** The record in an item; `undefined` when there is none that this version can read. */
export function toRecord(
  { nameOf }: Layout,
  item: Record<string, unknown>,
): SessionRecord | undefined {
  const record: Record<string, unknown> = {};
  for (const [name, isNumber] of Object.entries(IS_NUMBER)) {
    const value = item[nameOf(name)];
    // The document client may give numbers in another form (`wrapNumbers`).
    if (value !== undefined) record[name] = isNumber ? Number(value) : value;
  }
  return isSessionRecord(record) ? record : undefined;
}

/** The attributes of a record. */
export function toAttributes({ nameOf }: Layout, record: SessionRecord): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [nameOf(name), value]));
}

/**
 * Sees to it that a record fits into an item.
 *
 * @throws {SessionTooLargeError} When it does not.
 */
export function checkSize(record: SessionRecord): void {
  // DynamoDB counts the names and the values, and a number as no longer than its digits and a byte.
  const size = encoder.encode(Object.entries(record).flat().join("")).length;
  if (size <= MAX_BYTES) return;
  throw new SessionTooLargeError(
    `Cannot store session: it is ${size} bytes, at most ${MAX_BYTES} fit into DynamoDB`,
    { size, limit: MAX_BYTES },
  );
}

/** A time in epoch milliseconds as DynamoDB's time to live takes it: in whole seconds, not too early. */
export function toSeconds(time: number): number {
  return Math.ceil(time / 1000);
}
