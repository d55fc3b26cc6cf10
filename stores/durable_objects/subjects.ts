import type { DeleteAllOptions, ListedSession, ListPage } from "../../src/store/contract.ts";
import { readPage } from "../../src/store/list_order.ts";
import { makeWriteId } from "../../src/store/write_id.ts";
import type { Connection } from "./connection.ts";
import { type End, type Entry, identify, toEntry } from "./operations.ts";

/** The number of records that are read at a time. */
const MOST = 1000;

/** Lists the live sessions of a subject in order: its object holds their keys, and the objects of the keys hold the records. */
export async function* listSessions(
  connection: Connection,
  { subject, page }: { subject: string; page: ListPage },
): AsyncGenerator<ListedSession> {
  const entries = await connection.ask(subject, { operation: "entries", subject });
  const placed = entries.map((entry) => ({ entry, subjectAt: entry.at }));
  const read = (batch: typeof placed) => peek(connection, batch.map(({ entry }) => entry));
  yield* readPage(placed, { page, most: MOST, read });
}

async function peek(connection: Connection, entries: readonly Entry[]): Promise<ListedSession[]> {
  const keys = new Set(entries.map(({ key }) => key));
  const shards = groupBy(keys, (key) => connection.shardOf(key));
  const found = await Promise.all(
    [...shards].map(([shard, keys]) => connection.askShard(shard, { operation: "peek", keys })),
  );
  const identities = new Set(entries.map(identify));
  return found.flat().filter(({ key, record }) => identities.has(identify(toEntry(key, record))));
}

/**
 * Ends the sessions of a subject, and returns their number. First the object of the subject starts the next generation and
 * returns the entries of older ones, in one step. Then the objects of their keys delete the records, and refuse those that
 * arrive later. At last the entries are removed.
 */
export async function endSessions(
  connection: Connection,
  { subject, except }: DeleteAllOptions & { subject: string },
): Promise<number> {
  const raised = await connection.ask(subject, {
    operation: "raise",
    subject,
    write: makeWriteId(),
    ...(except !== undefined && { except }),
  });
  const shards = groupBy(raised, ({ entry }) => connection.shardOf(entry.key));
  const counts = await Promise.all([...shards].map(([shard, raised]) => {
    const ends: End[] = raised.map(({ entry: { key }, oldest }) => ({ key, generation: oldest }));
    return connection.askShard(shard, { operation: "end", subject, ends });
  }));
  const entries = raised.map(({ entry }) => entry);
  if (entries.length > 0) await connection.ask(subject, { operation: "strike", entries });
  return counts.reduce((sum, count) => sum + count, 0);
}

function groupBy<Item>(
  items: Iterable<Item>,
  groupOf: (item: Item) => number,
): Map<number, Item[]> {
  const groups = new Map<number, Item[]>();
  for (const item of items) {
    const group = groupOf(item);
    const others = groups.get(group);
    if (others) others.push(item);
    else groups.set(group, [item]);
  }
  return groups;
}
