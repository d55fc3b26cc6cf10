import { SessionTooLargeError } from "../../src/errors.ts";
import { isSessionRecord, type SessionRecord } from "../../src/record/record.ts";
import type { Layout } from "./layout.ts";

/** The largest record, in bytes. The rest of the 409,600 bytes of an item is for its key and the time to live. */
export const MAX_BYTES = 400_000;

/** The attribute with the identifier of the write that stored an item. */
export const WRITE_ID = "writeId";

/** The attribute with the oldest generation that the excepted session of a `deleteAll` may have. */
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
  confirmed: false,
  provider: false,
  device: false,
  data: false,
  flash: false,
  createdAt: true,
  lastSeenAt: true,
  renewedAt: true,
  expiresAt: true,
  maxAge: true,
  endsAt: true,
  subject: false,
  subjectAt: true,
  generation: true,
  storeGeneration: true,
  browser: false,
  tokenAt: true,
  predecessor: false,
  trace: false,
  successor: false,
  graceUntil: true,
  epoch: true,
};

/** The attributes that items may have, without the prefix. */
export const RESERVED_NAMES: readonly string[] = [...Object.keys(IS_NUMBER), WRITE_ID, SINCE];

/** The members of a record that lists read: all but its data. */
export const LISTED_NAMES: readonly string[] = Object.keys(IS_NUMBER)
  .filter((name) => name !== "data" && name !== "flash");

const encoder = new TextEncoder();

/** Returns the record in an item; `undefined` when this version can't read it. */
export function toRecord(
  { nameOf }: Layout,
  item: Record<string, unknown>,
): SessionRecord | undefined {
  const record: Record<string, unknown> = {};
  for (const [name, isNumber] of Object.entries(IS_NUMBER)) {
    const value = item[nameOf(name)];
    // The document client may return numbers in another form (`wrapNumbers`).
    if (value !== undefined) record[name] = isNumber ? Number(value) : value;
  }
  return isSessionRecord(record) ? record : undefined;
}

/** Returns the attributes of a record. */
export function toAttributes({ nameOf }: Layout, record: SessionRecord): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [nameOf(name), value]));
}

/**
 * Checks that a record fits into an item.
 *
 * @throws {SessionTooLargeError} When it does not.
 */
export function checkSize(record: SessionRecord): void {
  // DynamoDB counts names and values; a number counts at most its digits plus one byte.
  const size = encoder.encode(Object.entries(record).flat().join("")).length;
  if (size <= MAX_BYTES) return;
  throw new SessionTooLargeError(
    `Cannot store session: it is ${size} bytes, at most ${MAX_BYTES} fit into DynamoDB`,
    { size, limit: MAX_BYTES },
  );
}

/** Converts epoch milliseconds to whole seconds for DynamoDB's time to live, rounded up. */
export function toSeconds(time: number): number {
  return Math.ceil(time / 1000);
}
