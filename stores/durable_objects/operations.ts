import type { SessionEndReason } from "../../src/record/end_reason.ts";
import type { SessionRecord, SessionTimes } from "../../src/record/record.ts";
import type { ListedSession } from "../../src/store/contract.ts";

// The requests of the store to an object, in JSON. Usually both run the same version of the package. During a deployment they
// may not, so the previous version must understand each change.

/** The place of a session in the list of its subject. A session that is bound to the subject again has another entry. */
export interface Entry {
  readonly subject: string;
  /** The time at which the session was bound to the subject; 0 if its record does not contain it. */
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
  /** The version of the stored record; `undefined` when there is none. */
  readonly version?: number;
  /** The name of this write. A repeated write is recognized by it. */
  readonly write: string;
}

/** A write to the record's object: done, too late, or refused because all sessions of the subject were ended. */
export type Written = boolean | "ended";

/** The operations on records. */
export interface RecordOperations {
  read(call: OnRecord): SessionRecord | null;
  /** Stores a record over a version, or a new record. */
  write(call: OnVersion & { readonly record: SessionRecord }): Written;
  touch(call: OnRecord & { readonly version: number; readonly times: SessionTimes }): boolean;
  /**
   * Replaces a record that is moved with its trace, if there is one. With `listed`, lists show the session for a minute,
   * until `settle` is called.
   */
  leave(
    call: OnVersion & { readonly left?: SessionRecord; readonly listed: boolean },
  ): boolean;
  /** Completes a move after `leave`. Returns `false` when the session was ended in the meantime. */
  settle(call: OnRecord & { readonly write: string }): boolean;
  /** Deletes a record. Returns its entry in the list of its subject, if it had one. */
  delete(call: OnRecord & { readonly reason?: SessionEndReason }): Entry | null;
  /** Returns the given records that lists show. */
  peek(call: { readonly now: number; readonly keys: readonly string[] }): ListedSession[];
  /**
   * Deletes records of a subject that are of an older generation, and refuses those that arrive later. Returns the number of
   * deleted records.
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

/** The operations on the lists of subjects. */
export interface SubjectOperations {
  /** Adds an entry, or extends it. Returns `false` when the entry `binds` a session of an older generation. */
  enlist(
    call: {
      readonly now: number;
      readonly entry: Entry;
      readonly expires: number;
      readonly binds: boolean;
    },
  ): boolean;
  /** Removes entries from their lists. */
  strike(call: { readonly now: number; readonly entries: readonly Entry[] }): true;
  /** Returns all entries of a list, most recently bound first. */
  entries(call: { readonly now: number; readonly subject: string }): Entry[];
  generation(call: { readonly now: number; readonly subject: string }): number;
  /** Starts the next generation. Returns the entries of the sessions to end, each with the oldest generation that stays. */
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

/** The operations on the watchers of records. */
export interface WatchOperations {
  /** Like `leave` of records, but returns the number of watchers of the record instead of `true`. */
  leave(call: Parameters<RecordOperations["leave"]>[0]): boolean | number;
  /** Notifies the watchers of a record that it has ended or moved. */
  report(call: { readonly key: string; readonly reason?: SessionEndReason }): true;
}

/** All operations of an object. */
export type Operations =
  & Omit<RecordOperations, "leave">
  & SubjectOperations
  & WatchOperations;

/** The parameters of an operation, except the time. */
export type Call<Name extends keyof Operations> =
  & { readonly operation: Name }
  & Omit<Parameters<Operations[Name]>[0], "now">;

/** The result of an operation. */
export type Answer<Name extends keyof Operations> = ReturnType<Operations[Name]>;

/** The operations that add nothing to reclaim. */
export const READS: ReadonlySet<string> = new Set<keyof Operations>([
  "read",
  "peek",
  "entries",
  "generation",
  "report",
]);

/** Returns the entry of a record; `undefined` when it has no subject. */
export function toEntry(
  key: string,
  { subject, subjectAt = 0, sid, generation = 0 }: Omit<SessionRecord, "data">,
): Entry | undefined {
  return subject === undefined ? undefined : { subject, at: subjectAt, sid, key, generation };
}

/** Returns a text that is equal for equal entries. */
export function identify(entry: Entry | undefined): string {
  return entry
    ? JSON.stringify([entry.subject, entry.at, entry.sid, entry.key, entry.generation])
    : "";
}
