import type { SessionRecord } from "../../src/record/record.ts";
import { encodeSubject, type Owner } from "./owner.ts";

/** A record under its key. */
export interface Placed {
  readonly key: string;
  readonly record: SessionRecord;
}

/** The place of a session in the list of a subject. */
export interface Entry {
  readonly subject: string;
  /** Since when the session is the subject's, and its key: who becomes the subject's anew has another entry. */
  readonly name: string;
}

/** What a write of a record changes in the lists of subjects. */
export interface ListChange extends Placed {
  /** The entry that is added, or kept for longer. */
  readonly entry: Entry | undefined;
  /** Whether the record becomes the subject's by this write. */
  readonly binds: boolean;
  /** The entry that is removed. */
  readonly gone: Entry | undefined;
}

/** What a write changes in the lists; `undefined` when they stay as they are. */
export function changeOf(next: Placed, previous?: Placed): ListChange | undefined {
  const { key, record } = next;
  const entry = toEntry(key, record);
  const before = previous && toEntry(previous.key, previous.record);
  if (!entry && !before) return undefined;
  if (entry?.subject !== before?.subject || entry?.name !== before?.name) {
    return { ...next, entry, binds: entry !== undefined, gone: before };
  }
  // An entry lasts as long as its session ever should, so that no write that is late takes it away too early.
  if (record.expiresAt <= previous!.record.expiresAt) return undefined;
  return { ...next, entry, binds: false, gone: undefined };
}

/** The entry of a record. */
export function toEntry(key: string, owner: Owner): Entry | undefined {
  const { subject } = owner;
  return subject === undefined ? undefined : { subject, name: `${sinceOf(owner)} ${key}` };
}

/** The key of the record that an entry stands for. */
export function keyOf(name: string): string {
  return name.slice(name.indexOf(" ") + 1);
}

/** Since when a record is its subject's: since ever when it doesn't say. */
function sinceOf({ subjectAt = 0 }: Owner): number {
  return subjectAt;
}

/** What the keys of a subject begin with. Its braces put them into one slot of a cluster. */
export function toKey(subject: string): string {
  return `subject:{${encodeSubject(subject)}}`;
}
