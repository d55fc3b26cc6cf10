import { isSessionRecord, type SessionRecord, type SessionTimes } from "../../src/record/record.ts";
import type { StoreStats } from "../../src/store/contract.ts";
import { since } from "../../src/store/list_order.ts";
import type { SqlValues } from "./compile.ts";
import type { SqlRow } from "./driver.ts";

/** The columns of a session, and the sign of their values in templates. The first four are those of the index. */
export const COLUMNS: Readonly<Record<string, ":" | "#">> = {
  key: ":",
  sid: ":",
  subject: ":",
  subject_at: "#",
  version: "#",
  expires_at: "#",
  renewed_at: "#",
  last_seen_at: "#",
  generation: "#",
  record: ":",
  data: ":",
};

/** The columns of a session that are read, before its data. */
export const READ_COLUMNS = "record, expires_at, renewed_at, last_seen_at";

/** The prefix of the names of values of a trace. */
export const LEFT = "left_";

/** Escapes the characters that databases refuse, so that different texts stay different. */
export function toText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Returns the values of the columns of a session. Members that no statement reads are one JSON text. */
export function valuesOf(key: string, record: SessionRecord): SqlValues {
  const { data, expiresAt: _, renewedAt: __, lastSeenAt: ___, ...rest } = record;
  const { version, sid, subject, generation = 0 } = rest;
  return {
    key,
    version,
    ...timesOf(record),
    sid: toText(sid),
    subject: subject === undefined ? null : toText(subject),
    subject_at: since(record),
    generation,
    record: JSON.stringify(rest),
    data,
  };
}

/** Returns the values of the columns with the times of a session. */
export function timesOf({ expiresAt, renewedAt, lastSeenAt }: SessionTimes): SqlValues {
  return { expires_at: expiresAt, renewed_at: renewedAt, last_seen_at: lastSeenAt };
}

/** Returns the values of the trace under the previous key of a session, with their own names. */
export function leftValuesOf(key: string, left: SessionRecord): SqlValues {
  return Object.fromEntries(
    Object.entries(valuesOf(key, left)).map(([name, value]) => [LEFT + name, value]),
  );
}

/** Checks whether a record has the same place in the list of the same subject as another one. */
export function isListedAlike(one: SessionRecord, other: SessionRecord): boolean {
  return one.subject === other.subject && one.sid === other.sid && since(one) === since(other);
}

/** Returns the record in a row; `undefined` when this version can't read it. */
export function recordOf(row: SqlRow): SessionRecord | undefined {
  const [text, expiresAt, renewedAt, lastSeenAt, data] = Object.values(row);
  try {
    const record: unknown = {
      ...JSON.parse(String(text)),
      expiresAt: Number(expiresAt),
      renewedAt: Number(renewedAt),
      lastSeenAt: Number(lastSeenAt),
      data,
    };
    return isSessionRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the numbers in a row. */
export function statsOf([row]: readonly SqlRow[]): StoreStats {
  const [sessions, subjects] = Object.values(row!).map(Number);
  return { sessions: sessions!, subjects: subjects! };
}
