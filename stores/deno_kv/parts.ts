import { SessionTooLargeError } from "../../src/errors.ts";
import { isSessionRecord, type SessionRecord } from "../../src/record/record.ts";
import type { KvEntryLike } from "./like.ts";

/** Texts of this many UTF-16 units fit into one value of 64 KiB, whatever they say. */
const LARGEST_WHOLE = 32_000;
/** Bytes of one part of a larger record. */
const PART_BYTES = 60_000;
/** Parts that one getMany() of ten keys reads together with the record, and one commit of 800 KiB holds. */
export const MOST_PARTS = 9;
/** The largest texts of a record, in bytes. */
export const MAX_BYTES = PART_BYTES * MOST_PARTS;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A record as it lies in the database, its texts in parts of their own when they are large. */
export type Head = SessionRecord & { readonly parts?: number };

/** Whether a value from the database is a record that this version can read. */
export function isHead(value: unknown): value is Head {
  if (!isSessionRecord(value)) return false;
  const { parts } = value as Head;
  return parts === undefined || Number.isInteger(parts) && parts > 0 && parts <= MOST_PARTS;
}

/** Splits a record that is too large for one value. */
export function toHead(record: SessionRecord): { head: Head; parts: Uint8Array[] } {
  const { data, flash, ...rest } = record;
  if (data.length + (flash?.length ?? 0) <= LARGEST_WHOLE) return { head: record, parts: [] };
  const bytes = encoder.encode(JSON.stringify({ data, flash }));
  if (bytes.length > MAX_BYTES) {
    throw new SessionTooLargeError(
      `Cannot store session: it is ${bytes.length} bytes, at most ${MAX_BYTES} fit into Deno KV`,
      { size: bytes.length, limit: MAX_BYTES },
    );
  }
  const parts: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; from += PART_BYTES) {
    parts.push(bytes.slice(from, from + PART_BYTES));
  }
  return { head: { ...rest, data: "", parts: parts.length }, parts };
}

/** Puts the texts of a record together again; `undefined` when a part is missing or damaged. */
export function joinParts(
  parts: readonly KvEntryLike[],
  count: number,
): Partial<SessionRecord> | undefined {
  if (parts.length !== count) return undefined;
  const bytes = new Uint8Array(PART_BYTES * count);
  let length = 0;
  for (const { value } of parts) {
    if (!(value instanceof Uint8Array)) return undefined;
    bytes.set(value, length);
    length += value.length;
  }
  try {
    return JSON.parse(decoder.decode(bytes.subarray(0, length)));
  } catch {
    return undefined;
  }
}
