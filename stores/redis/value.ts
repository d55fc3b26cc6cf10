import { isSessionRecord, type SessionRecord, type Trace } from "../../src/record/record.ts";
import { makeTrace } from "../../src/record/trace.ts";
import { fromLegacyValue } from "./legacy.ts";
import { fromOwner, toOwner } from "./owner.ts";

// The text of a record: its head, then its data, which start with a brace; the head contains no brace. The head
// consists of words: the version, the expiry, the identifier of the write, the rest of the record, and the
// owner, if any. Scripts read only the head.
//
// The rest of a record consists of its sid and its times, then of the members that few records have, as JSON. Times
// are in base 36: the creation, and how much later each of the others is, if it is.

/** The name of the cookie that is not stored: the default of `session()`. */
const USUAL_NAME = "sid";

/** The replacements of the brace and the space in JSON, which contains no control characters. */
const BRACE = "\n";
const SPACE = "\t";

const SID_REGEXP = /^[\w-]+$/;

const EMPTY = "{}";

/** The prefix of a placeholder: the text of a record while it is being moved to another node. */
export const MOVING = "~";

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
  const { format: _, version: __, expiresAt, data, subject, subjectAt, ...rest } = record;
  const { sid, createdAt, lastSeenAt, renewedAt, cookieName = null, ...rare } = rest;
  const seen = lastSeenAt - createdAt;
  const renewed = renewedAt - createdAt;
  const fits = SID_REGEXP.test(sid) && expiresAt >= 0 &&
    [expiresAt, createdAt, lastSeenAt, renewedAt, seen, renewed].every(Number.isSafeInteger) &&
    (subject !== undefined || subjectAt === undefined);
  const text = JSON.stringify({
    ...(fits ? rare : record),
    data: tailOf(data) === data ? undefined : data,
    ...(cookieName === usualNameOf(record) ? undefined : { cookieName }),
  });
  const json = text === EMPTY ? "" : text.replaceAll("{", BRACE).replaceAll(" ", SPACE);
  if (!fits) return json;
  const later = seen || renewed ? `,${seen.toString(36)},${renewed.toString(36)}` : "";
  return `${sid},${createdAt.toString(36)}${later}${json}`;
}

/** Traces have no cookie. */
function usualNameOf({ trace }: Partial<SessionRecord>): string | null {
  return trace ? null : USUAL_NAME;
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
  return makeTrace(record.trace, record);
}

/** Parses the record in a text, or the listed record of one that is being moved; `undefined` when there is neither. */
export function fromListed(value: unknown): SessionRecord | undefined {
  if (typeof value !== "string") return undefined;
  if (!value.startsWith(MOVING)) return fromValue(value);
  const { trace: _, ...record } = fromMoving(value) ?? {};
  return isSessionRecord(record) ? record : undefined;
}

/**
 * Returns what the text of a session that is being moved contains after the identifier of the write: the record for
 * lists, and the trace that it leaves.
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

function parse(value: string): unknown {
  const at = value.indexOf("{");
  if (at === -1) return undefined;
  const [version, end, _write, rest, owner] = value.slice(0, at).split(" ");
  const [usual, ...json] = rest!.split(BRACE);
  const [sid, created = "", seen = "0", renewed = "0"] = usual!.split(",");
  const createdAt = parseInt(created, 36);
  const record: Record<string, unknown> = {
    format: 1,
    sid,
    version: Number(version),
    cookieName: USUAL_NAME,
    data: value.slice(at),
    createdAt,
    lastSeenAt: createdAt + parseInt(seen, 36),
    renewedAt: createdAt + parseInt(renewed, 36),
    expiresAt: parseInt(end!, 36),
  };
  if (owner !== undefined) Object.assign(record, fromOwner(owner));
  if (json.length > 0) {
    const rare = JSON.parse(`{${json.join("{").replaceAll(SPACE, " ")}`);
    Object.assign(record, { cookieName: usualNameOf(rare) }, rare);
    if (record.cookieName === null) delete record.cookieName;
  }
  return record;
}
