import { SessionTooLargeError } from "../../src/errors.ts";
import { isSessionRecord, type SessionRecord } from "../../src/record/record.ts";
import type { KvEntryLike } from "./like.ts";

/** The number of UTF-16 units of texts that always fit into one value of 64 KiB, together with numbers and names. */
const LARGEST_WHOLE = 32_000;
/** The size of a part of a larger record, in bytes. */
const PART_BYTES = 60_000;
/**
 * The number of parts that one getMany() of ten keys reads together with the record, and that fit into one
 * commit of 800 KiB.
 */
export const MOST_PARTS = 9;
/** The largest record, in bytes of its JSON. */
export const MAX_BYTES = PART_BYTES * MOST_PARTS;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A record as it is stored. Large texts are stored in parts. */
export type Head = SessionRecord & { readonly parts?: number };

/** Checks whether a value from the database is a record that this version can read. */
export function isHead(value: unknown): value is Head {
  if (!isSessionRecord(value)) return false;
  const { parts } = value as Head;
  return parts === undefined || Number.isInteger(parts) && parts > 0 && parts <= MOST_PARTS;
}

/** Splits a record that is too large for one value. */
export function toHead(record: SessionRecord): { head: Head; parts: Uint8Array[] } {
  if (lengthOf(record) <= LARGEST_WHOLE) return { head: record, parts: [] };
  const { data, flash, ...rest } = record;
  const size = encoder.encode(JSON.stringify(record)).length;
  if (size > MAX_BYTES) refuseSize("it is", { size, limit: MAX_BYTES });
  const beside = lengthOf(rest);
  if (beside > LARGEST_WHOLE) {
    refuseSize("beside its data it is", { size: beside * 2, limit: LARGEST_WHOLE * 2 });
  }
  const bytes = encoder.encode(JSON.stringify({ data, flash }));
  const parts: Uint8Array[] = [];
  for (let from = 0; from < bytes.length; from += PART_BYTES) {
    parts.push(bytes.slice(from, from + PART_BYTES));
  }
  return { head: { ...rest, data: "", parts: parts.length }, parts };
}

/** Returns the total length of a record's texts, in UTF-16 units. */
function lengthOf(record: Partial<SessionRecord>): number {
  let length = 0;
  for (const name in record) {
    const value = record[name as keyof SessionRecord];
    if (typeof value === "string") length += value.length;
  }
  return length;
}

/** @throws {SessionTooLargeError} Always: the record does not fit. */
function refuseSize(state: string, sizes: { size: number; limit: number }): never {
  throw new SessionTooLargeError(
    `Cannot store session: ${state} ${sizes.size} bytes, at most ${sizes.limit} fit into Deno KV; put less into it`,
    sizes,
  );
}

/** Joins the texts of a record; `undefined` when a part is missing or damaged. */
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
