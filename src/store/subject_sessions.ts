import type { ListedSession, ListPage } from "./contract.ts";
import { byNewest, isAfter } from "./list_order.ts";
import type { TimeoutStore } from "./timeout_store.ts";

/** A session of a subject. */
export interface SubjectSession {
  readonly sid: string;
  readonly record: ListedSession["record"];
  /** Its keys: two while its token is being rotated. */
  readonly keys: readonly string[];
}

/** Lists the live sessions of a subject, each once. */
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

/** Options of {@linkcode listPage}. */
export interface WantedPage extends ListPage {
  readonly subject: string;
  readonly limit: number;
  /** Checks whether a session counts. */
  readonly isLive: (record: ListedSession["record"]) => boolean;
}

/**
 * Lists a page of a subject's sessions in order, each once. A store with ordered lists reads no more than are
 * wanted.
 */
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
