import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import { type Draft, packJson, packUsual, unpack } from "../../src/record/compact.ts";
import { isSessionRecord, type SessionRecord, type Trace } from "../../src/record/record.ts";
import { fromLegacyValue } from "./legacy.ts";
import { fromOwner, toOwner } from "./owner.ts";

// The text of a record: its head, then its data, which start with a brace; the head contains no brace. The head
// consists of words: the version, the expiry, the identifier of the write, the rest of the record in base64url,
// and the owner, if any. Scripts read only the head.

/** The name of the cookie that is not stored: the default of `session()`. */
const USUAL_NAME = "sid";

const EMPTY = "{}";

/** The prefix of the text of a session that is being moved. */
export const MOVING = "~";

/** Makes the identifier of a write. It must only differ between writers of the same version of the same session. */
export function makeWrite(): string {
  return Math.floor(Math.random() * 36 ** 7).toString(36).padStart(7, "0");
}

/** Returns the text of a record. */
export function toValue(record: SessionRecord, write: string): string {
  const { version, subject, data } = record;
  const owner = subject === undefined ? "" : ` ${toOwner(record)}`;
  return `${version} ${toEnd(record)} ${write} ${toRest(record)}${owner}${tailOf(data)}`;
}

/** Returns the expiry of a record as text: whole milliseconds in base 36. */
export function toEnd({ expiresAt }: Pick<SessionRecord, "expiresAt">): string {
  return Math.max(Math.ceil(expiresAt), 0).toString(36);
}

/** Returns the part of a text that scripts don't read. */
export function toRest(record: SessionRecord): string {
  return toBase64Url(packRest(record) ?? packJson(unusualOf(record)));
}

/** Packs the members that the rest of the text does not contain. */
function packRest(record: SessionRecord): Uint8Array | undefined {
  const { expiresAt, renewedAt, data } = record;
  if (!Number.isSafeInteger(expiresAt) || expiresAt < 0 || tailOf(data) !== data) return undefined;
  if ((record.subject === undefined) !== (record.subjectAt === undefined)) return undefined;
  const rest = { ...withoutOwner(record), expiresAt: renewedAt, version: 1, data: "" };
  return packUsual(rest, USUAL_NAME);
}

function withoutOwner(record: SessionRecord): SessionRecord {
  if (record.subject === undefined) return record;
  const { subject: _, subjectAt: __, ...rest } = record;
  return rest;
}

/** Returns the members of a record that does not fit the format, without data that fit. */
function unusualOf({ data, ...record }: SessionRecord): Partial<SessionRecord> {
  return tailOf(data) === data ? record : { ...record, data };
}

/** Returns the data for the end of a text: data that don't start with a brace are stored in the rest. */
function tailOf(data: string): string {
  return data.startsWith("{") ? data : EMPTY;
}

/** Parses the record in a text, or the trace of one that is being moved; `undefined` when there is neither. */
export function fromStored(value: unknown): SessionRecord | undefined {
  if (typeof value !== "string") return undefined;
  if (!value.startsWith(MOVING)) return fromValue(value);
  const record = fromMoving(value);
  if (record?.trace === undefined) return undefined;
  const { subject: _, subjectAt: __, meta: ___, confirmed: ____, provider: _____, ...trace } =
    record;
  return trace;
}

/** Parses the record in a text, or the listed record of one that is being moved; `undefined` when there is neither. */
export function fromListed(value: unknown): SessionRecord | undefined {
  if (typeof value !== "string") return undefined;
  if (!value.startsWith(MOVING)) return fromValue(value);
  const { trace: _, ...record } = fromMoving(value) ?? {};
  return isSessionRecord(record) ? record : undefined;
}

/**
 * Returns the text of a session that is being moved, after the identifier of the write: the record for lists,
 * and the trace that it leaves.
 */
export function toMoving({ flash: _, ...record }: SessionRecord, trace?: Trace): string {
  return toValue({ ...record, data: EMPTY, ...(trace ? { trace } : {}) }, "0");
}

function fromMoving(value: string): SessionRecord | undefined {
  return fromValue(value.slice(value.indexOf(" ") + 1));
}

/** Parses the record in a text; `undefined` when this version can't read it. */
function fromValue(value: string): SessionRecord | undefined {
  try {
    const record = value.startsWith("{") ? fromLegacyValue(value) : parse(value);
    return isSessionRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

function parse(value: string): Draft | undefined {
  const at = value.indexOf("{");
  if (at === -1) return undefined;
  const [version, end, _write, rest, owner] = value.slice(0, at).split(" ");
  const bytes = fromBase64Url(rest!);
  if (!bytes) return undefined;
  const record = unpack(bytes, USUAL_NAME);
  // Members that don't fit the format are in the rest.
  if (record.data === "") {
    record.version = Number(version);
    record.expiresAt = parseInt(end!, 36);
    if (owner !== undefined) Object.assign(record, fromOwner(owner));
  }
  record.data = record.data || value.slice(at);
  return record;
}
