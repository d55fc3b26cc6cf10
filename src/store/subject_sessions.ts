import { SessionConflictError } from "../errors.ts";
import { LISTED_END_TRIES } from "../util/tries.ts";
import type { ListedSession, ListPage } from "./contract.ts";
import { byNewest, isAfter } from "./list_order.ts";
import type { BoundedStore } from "./timeout_store.ts";

/** A session of a subject. */
export interface Listed {
  readonly sid: string;
  readonly record: ListedSession["record"];
  /** Where it is kept: in two places for the moment in which its token is rotated. */
  readonly keys: readonly string[];
}

/** The live sessions of a subject, each once. */
export async function listSubject(
  store: BoundedStore,
  subject: string,
  c: unknown,
): Promise<Listed[]> {
  const sessions = new Map<string, Listed>();
  for (const { key, record } of await store.list(subject, {}, c)) {
    const { sid } = record;
    const keys = [...sessions.get(sid)?.keys ?? [], key];
    sessions.set(sid, { sid, record, keys });
  }
  return [...sessions.values()];
}

/** Which sessions of a subject are wanted. */
export interface Wanted extends ListPage {
  readonly subject: string;
  readonly limit: number;
  /** Whether one counts. */
  readonly isLive: (record: ListedSession["record"]) => boolean;
}

/** Sessions of a subject in their order, each once. Of a store that keeps to a page no more are read than are wanted. */
export async function listPage(
  store: BoundedStore,
  { subject, isLive, ...page }: Wanted,
  c: unknown,
): Promise<ListedSession["record"][]> {
  const { after, limit } = page;
  if (!store.capabilities.ordered) {
    const records = (await listSubject(store, subject, c)).map(({ record }) => record);
    return records.filter((record) => isLive(record) && (!after || isAfter(record, after)))
      .sort(byNewest)
      .slice(0, limit);
  }
  const found = new Map<string, ListedSession["record"]>();
  const isEnough = ({ record }: ListedSession) => {
    if (isLive(record)) found.set(record.sid, record);
    return found.size >= limit;
  };
  await store.list(subject, { ...page, isEnough }, c);
  return [...found.values()];
}

/**
 * Ends sessions of a subject, wherever they move meanwhile.
 *
 * @param choose Which of those that are listed.
 * @returns The names of those that were ended.
 */
export async function endSessionsOf(
  store: BoundedStore,
  { subject, choose }: { subject: string; choose: (sessions: Listed[]) => Listed[] },
  c: unknown,
): Promise<Set<string>> {
  const sids = new Set<string>();
  for (let tries = 0; tries < LISTED_END_TRIES; tries++) {
    const sessions = await listSubject(store, subject, c);
    for (const { sid } of choose(sessions)) sids.add(sid);
    const keys = sessions.flatMap(({ sid, keys }) => sids.has(sid) ? keys : []);
    if (keys.length === 0) return sids;
    for (const key of keys) await store.delete(key, c);
  }
  throw new SessionConflictError("Cannot end session: it was given a new token too many times");
}
