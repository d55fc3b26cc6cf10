import {
  isSessionRecord,
  type SessionRecord,
  type SessionTimes,
  type Trace,
} from "../../src/record/record.ts";

/** Whose a record is. */
export type Owner = Pick<SessionRecord, "subject" | "subjectAt">;

/**
 * The text of a record in Redis: its JSON, what scripts look at first and in this order. `write` names the write
 * that put it there.
 */
export function toValue(record: SessionRecord, write: string): string {
  const { version, lastSeenAt, renewedAt, expiresAt, subject, subjectAt, format, ...rest } = record;
  const first = { version, lastSeenAt, renewedAt, expiresAt, write, subject, subjectAt, format };
  return JSON.stringify({ ...first, ...rest });
}

/** The times of a record, as they are in its text. */
export function toTimes({ lastSeenAt, renewedAt, expiresAt }: SessionTimes): string {
  return JSON.stringify({ lastSeenAt, renewedAt, expiresAt }).slice(1, -1);
}

/** Whose a record is, as it is in its text. */
export function toOwner({ subject, subjectAt }: Owner): string {
  return JSON.stringify({ subject, subjectAt }).slice(1, -1);
}

/** Whose a record is, by what is in its text. */
export function fromOwner(text: string): Owner {
  return JSON.parse(`{${text}}`);
}

/** What a list shows of a session that is moving, and the trace that it leaves, as it follows the name of the write that moves it. */
export function toMoving({ flash: _, ...record }: SessionRecord, trace?: Trace): string {
  return JSON.stringify({ ...record, data: "{}", trace });
}

/** The record in a text, or what is listed of one that is moving; `undefined` when there is neither. */
export function fromListed(value: unknown): SessionRecord | undefined {
  const { trace: _, ...record } = fromAnyValue(value) ?? {};
  return isSessionRecord(record) ? record : undefined;
}

/** The record in a text, or the trace of one that is moving; `undefined` when there is neither. */
export function fromStored(value: unknown): SessionRecord | undefined {
  const record = fromAnyValue(value);
  if (typeof value === "string" && value.startsWith("{")) return record;
  if (record?.trace === undefined) return undefined;
  const { subject: _, subjectAt: __, meta: ___, ...trace } = record;
  return trace;
}

function fromAnyValue(value: unknown): SessionRecord | undefined {
  return typeof value === "string" ? fromValue(value.slice(value.indexOf("{"))) : undefined;
}

/** The record in a text; `undefined` when there is none that this version can read. */
export function fromValue(value: unknown): SessionRecord | undefined {
  if (typeof value !== "string") return undefined;
  try {
    const { write: _, ...record } = JSON.parse(value);
    return isSessionRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}
