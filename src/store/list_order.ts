import type { ListedSession, ListPage, ListPlace } from "./contract.ts";

/** What a list is in the order of. */
type Ordered = Pick<ListedSession["record"], "sid" | "subjectAt">;

/** Since when a session is its subject's, in epoch milliseconds: since ever when it doesn't say. */
export function since({ subjectAt = 0 }: Pick<Ordered, "subjectAt">): number {
  return subjectAt;
}

/** Sorts those first that became the subject's last. */
export function byNewest(one: Ordered, other: Ordered): number {
  const age = since(other) - since(one);
  if (age !== 0 || one.sid === other.sid) return age;
  return one.sid < other.sid ? 1 : -1;
}

/** Whether a session comes after a place in the list. */
export function isAfter(record: Ordered, { subjectAt, sid }: ListPlace): boolean {
  return since(record) === subjectAt ? record.sid < sid : since(record) < subjectAt;
}

/** Something that leads to a session: an entry of an index. */
type Entry = Pick<Ordered, "subjectAt">;

/** How the sessions of entries are read. */
export interface PageReading<Each extends Entry> {
  readonly page: ListPage;
  /** The most entries that are read at once. */
  readonly most: number;
  /** The sessions of entries, as far as there are any. */
  read(entries: Each[]): Promise<ListedSession[]>;
}

/**
 * The sessions of a page in their order, of which no more are read at a time than are wanted. Only of those that became
 * the subject's at the same time all are read, as the entries don't say which comes first.
 *
 * @param entries Those that became the subject's last first.
 */
export async function* readPage<Each extends Entry>(
  entries: AsyncIterable<Each> | Iterable<Each>,
  { page: { after, limit = Infinity }, most, read }: PageReading<Each>,
): AsyncGenerator<ListedSession> {
  const inOrder = async (batch: Each[]): Promise<ListedSession[]> => {
    const sessions: ListedSession[] = [];
    for (let from = 0; from < batch.length; from += most) {
      sessions.push(...await read(batch.slice(from, from + most)));
    }
    return sessions.filter(({ record }) => !after || isAfter(record, after))
      .sort((one, other) => byNewest(one.record, other.record));
  };
  const size = Math.min(limit, most);
  let batch: Each[] = [];
  let wanted = 0;
  for await (const entry of entries) {
    const at = since(entry);
    if (after && at > after.subjectAt) continue;
    if (wanted >= size && at !== since(batch.at(-1)!)) {
      yield* await inOrder(batch);
      batch = [];
      wanted = 0;
    }
    batch.push(entry);
    // Those since the time of the place may come before it.
    if (at !== after?.subjectAt) wanted++;
  }
  if (batch.length > 0) yield* await inOrder(batch);
}
