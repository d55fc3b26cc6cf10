import { isSessionRecord, type SessionRecord, type SessionTimes } from "../../src/record/record.ts";
import { since } from "../../src/store/list_order.ts";
import type { SqlValues } from "./compile.ts";
import type { SqlRow } from "./driver.ts";

/** The columns of a session, and what stands for the value of each. */
export const COLUMNS = {
  key: ":key",
  version: "#version",
  expires_at: "#expiresAt",
  renewed_at: "#renewedAt",
  last_seen_at: "#lastSeenAt",
  sid: ":sid",
  subject: ":subject",
  subject_at: "#subjectAt",
  generation: "#generation",
  record: ":record",
  data: ":data",
} as const;

/** The columns that are read of a session, but for its data. */
export const READ_COLUMNS = "record, expires_at, renewed_at, last_seen_at";

/** What the names of values begin with that are left under a key. */
export const LEFT = "left_";

/** A text without the characters that a database refuses: any other text is another one without them too. */
export function toText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** The values of the times of a session. */
export function timesOf({ expiresAt, renewedAt, lastSeenAt }: SessionTimes): SqlValues {
  return { expiresAt, renewedAt, lastSeenAt };
}

/** The values of the columns of a session. What no statement looks at is one JSON text. */
export function valuesOf(key: string, record: SessionRecord): SqlValues {
  const { data, expiresAt, renewedAt, lastSeenAt, ...rest } = record;
  const { version, sid, subject, generation = 0 } = rest;
  return {
    key,
    version,
    expiresAt,
    renewedAt,
    lastSeenAt,
    sid: toText(sid),
    subject: subject === undefined ? null : toText(subject),
    subjectAt: since(record),
    generation,
    record: JSON.stringify(rest),
    data,
  };
}

/** The values of what is left under the key of a session that moves, by names of their own. */
export function leftValuesOf(key: string, left: SessionRecord): SqlValues {
  return Object.fromEntries(
    Object.entries(valuesOf(key, left)).map(([name, value]) => [LEFT + name, value]),
  );
}

/** The record in a row; `undefined` when there is none that this version can read. */
export function recordOf(row: SqlRow): SessionRecord | undefined {
  try {
    const record: unknown = {
      ...JSON.parse(String(row.record)),
      expiresAt: Number(row.expires_at),
      renewedAt: Number(row.renewed_at),
      lastSeenAt: Number(row.last_seen_at),
      data: row.data ?? "{}",
    };
    return isSessionRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}
