import type { ListedSession, ListPage, ListPlace } from "./contract.ts";

/** The sort key of a list. */
type Ordered = Pick<ListedSession["record"], "sid" | "subjectAt">;

/** Returns when a session was bound to its subject, in epoch milliseconds; 0 when unknown. */
export function since({ subjectAt = 0 }: Pick<Ordered, "subjectAt">): number {
  return subjectAt;
}

/** Compares sessions: most recently bound first. */
export function byNewest(one: Ordered, other: Ordered): number {
  const age = since(other) - since(one);
  if (age !== 0 || one.sid === other.sid) return age;
  return one.sid < other.sid ? 1 : -1;
}

/** Checks whether a session comes after a position in the list. */
export function isAfter(record: Ordered, { subjectAt, sid }: ListPlace): boolean {
  return since(record) === subjectAt ? record.sid < sid : since(record) < subjectAt;
}

/** An entry of an index. */
type Entry = Pick<Ordered, "subjectAt">;

/** Options of {@linkcode readPage}. */
export interface PageReading<Each extends Entry> {
  readonly page: ListPage;
  /** The largest number of entries that are read at once. */
  readonly most: number;
  /** Reads the sessions of entries that still exist. */
  read(entries: Each[]): Promise<ListedSession[]>;
}

/**
 * Reads the sessions of a page in order, no more at a time than are wanted. Sessions that were bound to the
 * subject at the same time are all read, because the entries don't show their order.
 *
 * @param entries The entries, most recently bound first.
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
    // Entries with the time of the position may come before it.
    if (at !== after?.subjectAt) wanted++;
  }
  if (batch.length > 0) yield* await inOrder(batch);
}
