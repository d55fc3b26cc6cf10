import type { SessionRecord, StoredSession } from "../record/record.ts";
import type { Awaitable } from "../util/awaitable.ts";

/** A loaded session. */
interface Found {
  readonly stored: StoredSession;
}

/** Loads several sessions and returns those that were found, the newest first. */
export async function loadNewestFirst<Key, Value extends Found>(
  keys: readonly Key[],
  load: (key: Key) => Awaitable<Value | undefined>,
): Promise<Value[]> {
  const all: Value[] = [];
  for (const key of keys) {
    const found = await load(key);
    if (found) all.push(found);
  }
  return all.sort((one, other) => age(one.stored.record, other.stored.record));
}

/** Returns the sessions after the first one that are other sessions, each once. */
export function othersOf([newest, ...rest]: readonly Found[]): StoredSession[] {
  const others = new Map(rest.map(({ stored }) => [stored.record.sid, stored]));
  if (newest) others.delete(newest.stored.record.sid);
  return [...others.values()];
}

/** Compares records by age: records of one session by version, others by their last write or renewal. */
function age(one: SessionRecord, other: SessionRecord): number {
  const isOneSession = one.sid === other.sid;
  return (isOneSession ? other.version - one.version : 0) || other.lastSeenAt - one.lastSeenAt ||
    other.createdAt - one.createdAt;
}
