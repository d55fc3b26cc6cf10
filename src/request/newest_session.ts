import type { SessionRecord, StoredSession } from "../record/record.ts";

/** A loaded session. */
interface Found {
  readonly stored: StoredSession;
}

/** Returns the sessions other than the first one, each once. */
export function othersOf([newest, ...rest]: readonly Found[]): StoredSession[] {
  const others = new Map(rest.map(({ stored }) => [stored.record.sid, stored]));
  if (newest) others.delete(newest.stored.record.sid);
  return [...others.values()];
}

/**
 * Compares records by age, the newest first: records of one session by version, others by their last write or
 * renewal.
 */
export function compareAge(one: SessionRecord, other: SessionRecord): number {
  const isOneSession = one.sid === other.sid;
  return (isOneSession ? other.version - one.version : 0) || other.lastSeenAt - one.lastSeenAt ||
    other.createdAt - one.createdAt;
}
