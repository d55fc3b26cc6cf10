import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import { type Draft, packJson, packUsual, unpack } from "../../src/record/compact.ts";
import { isSessionRecord, type SessionRecord, type Trace } from "../../src/record/record.ts";
import { fromLegacyValue } from "./legacy.ts";
import { fromOwner, toOwner } from "./owner.ts";

// The text of a record: its head, then its data, which begin with a brace, as nothing in the head does. The head is of
// words: the version, the end, the name of the write that put it there, the rest of the record in base64url, and whose it is
// if it is somebody's. Scripts look at these alone.

/** The name of the cookie that takes no bytes: the default of `session()`. */
const USUAL_NAME = "sid";

const EMPTY = "{}";

/** What a text begins with in whose place a session is moving away. */
export const MOVING = "~";

/** A name for a write. It need only differ between writers of the same version of the same session. */
export function makeWrite(): string {
  return Math.floor(Math.random() * 36 ** 7).toString(36).padStart(7, "0");
}

/** The text of a record in Redis. */
export function toValue(record: SessionRecord, write: string): string {
  const { version, subject, data } = record;
  const owner = subject === undefined ? "" : ` ${toOwner(record)}`;
  return `${version} ${toEnd(record)} ${write} ${toRest(record)}${owner}${tailOf(data)}`;
}

/** The end of a record as it is in its text: in whole milliseconds, to the base of 36. */
export function toEnd({ expiresAt }: Pick<SessionRecord, "expiresAt">): string {
  return Math.max(Math.ceil(expiresAt), 0).toString(36);
}

/** The part of a text that holds what no script looks at. */
export function toRest(record: SessionRecord): string {
  return toBase64Url(packRest(record) ?? packJson(unusualOf(record)));
}

/** The bytes of what the rest of the text does not tell. */
function packRest(record: SessionRecord): Uint8Array | undefined {
  const { subject, subjectAt, expiresAt, renewedAt, data, ...rest } = record;
  if (!Number.isSafeInteger(expiresAt) || expiresAt < 0 || tailOf(data) !== data) return undefined;
  if ((subject === undefined) !== (subjectAt === undefined)) return undefined;
  return packUsual({ ...rest, renewedAt, expiresAt: renewedAt, version: 1, data: "" }, USUAL_NAME);
}

/** A record that the text can't tell, but for data that it can. */
function unusualOf({ data, ...record }: SessionRecord): Partial<SessionRecord> {
  return tailOf(data) === data ? record : { ...record, data };
}

/** Data as the end of a text: those that begin with something else than a brace are elsewhere. */
function tailOf(data: string): string {
  return data.startsWith("{") ? data : EMPTY;
}

/** The record in a text, or the trace of one that is moving; `undefined` when there is neither. */
export function fromStored(value: unknown): SessionRecord | undefined {
  if (typeof value !== "string") return undefined;
  if (!value.startsWith(MOVING)) return fromValue(value);
  const record = fromMoving(value);
  if (record?.trace === undefined) return undefined;
  const { subject: _, subjectAt: __, meta: ___, ...trace } = record;
  return trace;
}

/** The record in a text, or what is listed of one that is moving; `undefined` when there is neither. */
export function fromListed(value: unknown): SessionRecord | undefined {
  if (typeof value !== "string") return undefined;
  if (!value.startsWith(MOVING)) return fromValue(value);
  const { trace: _, ...record } = fromMoving(value) ?? {};
  return isSessionRecord(record) ? record : undefined;
}

/** What a list shows of a session that is moving, and the trace that it leaves, as it follows the name of the write that moves it. */
export function toMoving({ flash: _, ...record }: SessionRecord, trace?: Trace): string {
  return toValue({ ...record, data: EMPTY, ...(trace ? { trace } : {}) }, "0");
}

function fromMoving(value: string): SessionRecord | undefined {
  return fromValue(value.slice(value.indexOf(" ") + 1));
}

/** The record in a text; `undefined` when there is none that this version can read. */
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
  // What is unusual is told by the rest alone.
  if (record.data === "") {
    record.version = Number(version);
    record.expiresAt = parseInt(end!, 36);
    if (owner !== undefined) Object.assign(record, fromOwner(owner));
  }
  record.data = record.data || value.slice(at);
  return record;
}
