import type { SessionRecord } from "../../src/record/record.ts";
import { since } from "../../src/store/list_order.ts";
import { encodeSubject, type Owner } from "./owner.ts";

/** A record and its key. */
export interface Placed {
  readonly key: string;
  readonly record: SessionRecord;
}

/** The entry of a session in the list of a subject. */
export interface Entry {
  readonly subject: string;
  /** The time at which the session was bound, and its key: binding it again makes another entry. */
  readonly name: string;
}

/** The changes of a write in the lists of subjects. */
export interface ListChange extends Placed {
  /** The entry that is added or extended. */
  readonly entry: Entry | undefined;
  /** Whether this write binds the record to the subject. */
  readonly binds: boolean;
  /** The entry that is removed. */
  readonly gone: Entry | undefined;
}

/** Returns the changes of a write in the lists; `undefined` when there are none. */
export function changeOf(next: Placed, previous?: Placed): ListChange | undefined {
  const { key, record } = next;
  const entry = toEntry(key, record);
  const before = previous && toEntry(previous.key, previous.record);
  if (!entry && !before) return undefined;
  if (entry?.subject !== before?.subject || entry?.name !== before?.name) {
    return { ...next, entry, binds: entry !== undefined, gone: before };
  }
  // An entry keeps the latest expiry of its session, so that a late write does not shorten it.
  if (record.expiresAt <= previous!.record.expiresAt) return undefined;
  return { ...next, entry, binds: false, gone: undefined };
}

/** Returns the entry of a record. */
export function toEntry(key: string, owner: Owner): Entry | undefined {
  const { subject } = owner;
  return subject === undefined ? undefined : { subject, name: `${since(owner)} ${key}` };
}

/** Returns the key of the record of an entry. */
export function keyOf(name: string): string {
  return name.slice(name.indexOf(" ") + 1);
}

/** Returns the prefix of the keys of a subject. Its braces put them into one slot of a cluster. */
export function toKey(subject: string): string {
  return `subject:{${encodeSubject(subject)}}`;
}
