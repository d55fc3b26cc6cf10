import type { ListedSession, ListPage } from "./contract.ts";
import { byNewest, isAfter } from "./list_order.ts";
import type { TimeoutStore } from "./timeout_store.ts";

/** A session of a subject. */
export interface SubjectSession {
  readonly sid: string;
  readonly record: ListedSession["record"];
  /** Where it is kept: in two places for the moment in which its token is rotated. */
  readonly keys: readonly string[];
}

/** The live sessions of a subject, each once. */
export async function listSessionsOf(
  store: TimeoutStore,
  subject: string,
  c: unknown,
): Promise<SubjectSession[]> {
  const sessions = new Map<string, SubjectSession>();
  for (const { key, record } of await store.list(subject, {}, c)) {
    const { sid } = record;
    const keys = [...sessions.get(sid)?.keys ?? [], key];
    sessions.set(sid, { sid, record, keys });
  }
  return [...sessions.values()];
}

/** Which sessions of a subject are wanted. */
export interface WantedPage extends ListPage {
  readonly subject: string;
  readonly limit: number;
  /** Whether one counts. */
  readonly isLive: (record: ListedSession["record"]) => boolean;
}

/** Sessions of a subject in their order, each once. Of a store that keeps to a page no more are read than are wanted. */
export async function listPage(
  store: TimeoutStore,
  { subject, isLive, ...page }: WantedPage,
  c: unknown,
): Promise<ListedSession["record"][]> {
  const { after, limit } = page;
  if (!store.capabilities.ordered) {
    const records = (await listSessionsOf(store, subject, c)).map(({ record }) => record);
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
