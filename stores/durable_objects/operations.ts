import type { SessionEndReason } from "../../src/record/end_reason.ts";
import type { SessionRecord, SessionTimes } from "../../src/record/record.ts";
import type { ListedSession } from "../../src/store/contract.ts";

// What the store asks of an object, in JSON. Both come from one version of the package, but for the moment of a deployment:
// what is changed here must be understood by the version before.

/** The place of a session in the list of its subject. One that becomes the subject's anew has another entry. */
export interface Entry {
  readonly subject: string;
  /** Since when the session is the subject's; 0 where its record doesn't say. */
  readonly at: number;
  readonly sid: string;
  readonly key: string;
  readonly generation: number;
}

/** An operation on one record. */
interface OnRecord {
  readonly now: number;
  readonly key: string;
}

/** A write of one record. */
interface OnVersion extends OnRecord {
  /** The version that is there; `undefined` for none. */
  readonly version?: number;
  /** A name of this write. One that is repeated finds that it was done. */
  readonly write: string;
}

/** A write to the record's object: done, too late, or refused because all sessions of the subject were ended. */
export type Written = boolean | "ended";

/** What an object does with records. */
export interface RecordOperations {
  read(call: OnRecord): SessionRecord | null;
  /** Stores a record over a version, or where there is none. */
  write(call: OnVersion & { readonly record: SessionRecord }): Written;
  touch(call: OnRecord & { readonly version: number; readonly times: SessionTimes }): boolean;
  /**
   * Puts what is left, if anything, in place of a record that moves. With `listed` a list shows it for a minute, until it
   * is settled.
   */
  leave(
    call: OnVersion & { readonly left?: SessionRecord; readonly listed: boolean },
  ): boolean;
  /** Completes what `leave` has begun. Answers `false` when the session was ended in the meantime. */
  settle(call: OnRecord & { readonly write: string }): boolean;
  /** Deletes a record. Answers its entry in the list of its subject, if it had one. */
  delete(call: OnRecord & { readonly reason?: SessionEndReason }): Entry | null;
  /** Those of some records that a list shows. */
  peek(call: { readonly now: number; readonly keys: readonly string[] }): ListedSession[];
  /**
   * Deletes records of a subject whose generation is older than told, and refuses those to come. Answers how many were
   * there.
   */
  end(
    call: { readonly now: number; readonly subject: string; readonly ends: readonly End[] },
  ): number;
}

/** The end of a session of a subject. */
export interface End {
  readonly key: string;
  /** The oldest generation that stays. */
  readonly generation: number;
}

/** What an object does with the lists of subjects. */
export interface SubjectOperations {
  /** Adds an entry, or keeps it for longer. Answers `false` when it `binds` and is of an older generation. */
  enlist(
    call: {
      readonly now: number;
      readonly entry: Entry;
      readonly expires: number;
      readonly binds: boolean;
    },
  ): boolean;
  /** Takes entries off their lists. */
  strike(call: { readonly now: number; readonly entries: readonly Entry[] }): true;
  /** All entries of a list, of those that became the subject's last first. */
  entries(call: { readonly now: number; readonly subject: string }): Entry[];
  generation(call: { readonly now: number; readonly subject: string }): number;
  /** Begins the next generation. Answers the entries that are to end, each with the oldest generation that stays. */
  raise(
    call: {
      readonly now: number;
      readonly subject: string;
      readonly except?: string;
      readonly write: string;
    },
  ): Raised[];
}

/** An entry of an older generation. */
export interface Raised {
  readonly entry: Entry;
  /** The oldest generation that stays. */
  readonly oldest: number;
}

/** What an object does with the watchers of records. */
export interface WatchOperations {
  /** The same as that of records, but answers with the number of watchers of the record instead of `true`. */
  leave(call: Parameters<RecordOperations["leave"]>[0]): boolean | number;
  /** Notifies the watchers of a record that it has ended or moved. */
  report(call: { readonly key: string; readonly reason?: SessionEndReason }): true;
}

/** Everything that an object does. */
export type Operations =
  & Omit<RecordOperations, "leave">
  & SubjectOperations
  & WatchOperations;

/** What an operation is asked with, but for the time. */
export type Call<Name extends keyof Operations> =
  & { readonly operation: Name }
  & Omit<Parameters<Operations[Name]>[0], "now">;

/** What an operation answers. */
export type Answer<Name extends keyof Operations> = ReturnType<Operations[Name]>;

/** The operations after which there is nothing to reclaim that wasn't there before. */
export const READS: ReadonlySet<string> = new Set<keyof Operations>([
  "read",
  "peek",
  "entries",
  "generation",
  "report",
]);

/** The entry of a record; `undefined` when it is nobody's. */
export function toEntry(
  key: string,
  { subject, subjectAt = 0, sid, generation = 0 }: Omit<SessionRecord, "data">,
): Entry | undefined {
  return subject === undefined ? undefined : { subject, at: subjectAt, sid, key, generation };
}

/** What is the same for two entries that are the same one. */
export function identify(entry: Entry | undefined): string {
  return entry
    ? JSON.stringify([entry.subject, entry.at, entry.sid, entry.key, entry.generation])
    : "";
}
