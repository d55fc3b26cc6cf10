import { isSessionRecord, type SessionRecord, type SessionTimes } from "../../src/record.ts";

/**
 * The text of a record in Redis: its JSON, what scripts look at first and in this order. `write` names the write
 * that put it there.
 */
export function toValue(record: SessionRecord, write: string): string {
  const { version, lastSeenAt, renewedAt, expiresAt, ...rest } = record;
  return JSON.stringify({ version, lastSeenAt, renewedAt, expiresAt, write, ...rest });
}

/** The times of a record, as they are in its text. */
export function toTimes({ lastSeenAt, renewedAt, expiresAt }: SessionTimes): string {
  return JSON.stringify({ lastSeenAt, renewedAt, expiresAt }).slice(1, -1);
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
