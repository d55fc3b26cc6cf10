import { SessionTooLargeError } from "../../src/errors.ts";
import { isSessionRecord, type SessionRecord } from "../../src/record/record.ts";
import type { KvEntryLike } from "./like.ts";

/** Texts of this many UTF-16 units fit into one value of 64 KiB, with the numbers and the names, whatever they say. */
const LARGEST_WHOLE = 32_000;
/** Bytes of one part of a larger record. */
const PART_BYTES = 60_000;
/** Parts that one getMany() of ten keys reads together with the record, and one commit of 800 KiB holds. */
export const MOST_PARTS = 9;
/** The largest record, in bytes of its JSON. */
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

/** How long the texts of a record are together, in UTF-16 units. */
function lengthOf(record: Partial<SessionRecord>): number {
  let length = 0;
  for (const name in record) {
    const value = record[name as keyof SessionRecord];
    if (typeof value === "string") length += value.length;
  }
  return length;
}

/** @throws {SessionTooLargeError} Always: it does not fit. */
function refuseSize(state: string, sizes: { size: number; limit: number }): never {
  throw new SessionTooLargeError(
    `Cannot store session: ${state} ${sizes.size} bytes, at most ${sizes.limit} fit into Deno KV; put less into it`,
    sizes,
  );
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
