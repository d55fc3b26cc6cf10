import type { SessionRecord } from "../../src/record/record.ts";
import { toSeconds } from "./item.ts";
import type { DynamoDbKeyLike, DynamoDbPutLike } from "./like.ts";
import type { Table } from "./table.ts";

/** The beginning of the sort keys of entries. */
export const ENTRY_PREFIX = "session:";

/**
 * A session as its subject's, and the items that tell of it. When it becomes the subject's once more, that is another
 * binding with another entry: who removes the old one never removes the new one.
 */
export interface Binding {
  readonly key: string;
  readonly sid: string;
  readonly subject: string;
  /** In epoch milliseconds. */
  readonly subjectAt: number;
  readonly expiresAt: number;
  /** The record. */
  readonly item: DynamoDbKeyLike;
  /** The entry by which the session is listed. */
  readonly entry: DynamoDbKeyLike;
  readonly entryPut: DynamoDbPutLike;
  /** The generation of the subject's sessions that it is of. */
  readonly generation: number;
  /** The present one. */
  readonly present: DynamoDbKeyLike;
}

/** The binding of a session; `undefined` when it has none or the table has no place for it. */
export function bindingOf(table: Table, { key, record }: Placed): Binding | undefined {
  const { sid, subject, subjectAt = 0, generation = 0, expiresAt } = record;
  if (subject === undefined || table.layout.index === undefined) return undefined;
  const entry = subjectItem(table, subject, toSort({ key, record }));
  const { nameOf, expiresAttr } = table.layout;
  const Item = {
    ...entry.Key,
    [nameOf("expiresAt")]: expiresAt,
    [expiresAttr]: toSeconds(expiresAt),
  };
  return {
    key,
    sid,
    subject,
    subjectAt,
    expiresAt,
    item: table.itemOf(key),
    entry,
    entryPut: { TableName: table.name, Item },
    generation,
    present: presentOf(table, subject),
  };
}

/** A record under its key. */
export interface Placed {
  readonly key: string;
  readonly record: SessionRecord;
}

/** What a write changes of whose sessions there are. */
export interface Transition {
  readonly begins?: Binding | undefined;
  readonly ends?: Binding | undefined;
  /** What goes on, for longer than before. */
  readonly lasts?: Binding | undefined;
}

/** What a write changes that puts one record in place of another. */
export function transition(table: Table, from: Placed | undefined, to: Placed): Transition {
  const [old, next] = [from && bindingOf(table, from), bindingOf(table, to)];
  if (!old || !next || !isSame(old, next)) return { begins: next, ends: old };
  return { lasts: old.expiresAt < next.expiresAt ? next : undefined };
}

function isSame(one: Binding, other: Binding): boolean {
  return one.key === other.key && one.subject === other.subject &&
    one.subjectAt === other.subjectAt;
}

/** The sort key of the entry of a session: in the order in which sessions became the subject's. */
export function toSort({ key, record }: Placed): string {
  return `${toSince(record)} ${key}`;
}

/** What comes after the sort keys of all entries of those that were the subject's by then, and of no other. */
export function toBound(record: Pick<SessionRecord, "subjectAt">): string {
  return `${toSince(record)} ~`;
}

function toSince({ subjectAt = 0 }: Pick<SessionRecord, "subjectAt">): string {
  // A space comes before all that a number can go on with.
  const [whole, ...fraction] = String(subjectAt).split(".");
  return ENTRY_PREFIX + [whole!.padStart(16, "0"), ...fraction].join(".");
}

/** The key of the session that an entry is for. */
export function toKey(sort: string): string {
  return sort.slice(sort.indexOf(" ") + 1);
}

/** Since when the session that an entry is for is its subject's. */
export function sinceOf(sort: string): number {
  return parseFloat(sort.slice(ENTRY_PREFIX.length));
}

/** The item with the present generation of the sessions of a subject. */
export function presentOf(table: Table, subject: string): DynamoDbKeyLike {
  return subjectItem(table, subject, "generation");
}

/** The partition with all that belongs to a subject. */
export function partitionOf({ layout }: Table, subject: string): string {
  return `${layout.index!.prefix}subject:${subject}`;
}

function subjectItem(table: Table, subject: string, sort: string): DynamoDbKeyLike {
  const { primaryKey, sortKey } = table.layout.index!;
  return {
    TableName: table.name,
    Key: { [primaryKey]: partitionOf(table, subject), [sortKey]: sort },
  };
}
