import type { SessionRecord } from "../../src/record/record.ts";
import { toSeconds } from "./item.ts";
import type { DynamoDbKeyLike, DynamoDbPutLike } from "./like.ts";
import type { Table } from "./table.ts";

/** The prefix of the sort keys of entries. */
export const ENTRY_PREFIX = "session:";

/**
 * The binding of a session to its subject, and its items. Binding it again makes another binding with another
 * entry, so that removing the old entry never removes the new one.
 */
export interface Binding {
  readonly key: string;
  readonly sid: string;
  readonly subject: string;
  /** The time of the binding, in epoch milliseconds. */
  readonly subjectAt: number;
  readonly expiresAt: number;
  /** The record. */
  readonly item: DynamoDbKeyLike;
  /** The entry of the session in the list. */
  readonly entry: DynamoDbKeyLike;
  readonly entryPut: DynamoDbPutLike;
  /** The generation of the session. */
  readonly generation: number;
  /** The item with the current generation. */
  readonly present: DynamoDbKeyLike;
}

/** Returns the binding of a session; `undefined` when it has none or the table has no sort key. */
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

/** A record and its key. */
export interface Placed {
  readonly key: string;
  readonly record: SessionRecord;
}

/** The changes of bindings by a write. */
export interface Transition {
  readonly begins?: Binding | undefined;
  readonly ends?: Binding | undefined;
  /** A binding that continues for longer than before. */
  readonly lasts?: Binding | undefined;
}

/** Returns the changes of bindings when one record replaces another. */
export function transition(table: Table, from: Placed | undefined, to: Placed): Transition {
  const [old, next] = [from && bindingOf(table, from), bindingOf(table, to)];
  if (!old || !next || !isSame(old, next)) return { begins: next, ends: old };
  return { lasts: old.expiresAt < next.expiresAt ? next : undefined };
}

function isSame(one: Binding, other: Binding): boolean {
  return one.key === other.key && one.subject === other.subject &&
    one.subjectAt === other.subjectAt;
}

/** Returns the sort key of the entry of a session: in the order of the bindings. */
export function toSort({ key, record }: Placed): string {
  return `${toSince(record)} ${key}`;
}

/** Returns the sort key after all entries that were bound up to a time, and before all later ones. */
export function toBound(record: Pick<SessionRecord, "subjectAt">): string {
  return `${toSince(record)} ~`;
}

function toSince({ subjectAt = 0 }: Pick<SessionRecord, "subjectAt">): string {
  // A space sorts before all characters of a number.
  const [whole, ...fraction] = String(subjectAt).split(".");
  return ENTRY_PREFIX + [whole!.padStart(16, "0"), ...fraction].join(".");
}

/** Returns the key of the session of an entry. */
export function toKey(sort: string): string {
  return sort.slice(sort.indexOf(" ") + 1);
}

/** Returns when the session of an entry was bound. */
export function sinceOf(sort: string): number {
  return parseFloat(sort.slice(ENTRY_PREFIX.length));
}

/** Returns the key of the item with the current generation of a subject. */
export function presentOf(table: Table, subject: string): DynamoDbKeyLike {
  return subjectItem(table, subject, "generation");
}

/** Returns the partition of a subject. */
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
