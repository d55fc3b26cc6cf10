import type { Committing } from "./committing.ts";
import { type Contents, contentsToRecord, sameContents } from "./contents.ts";
import { isRenewalDue, renewed, seen } from "./expiry.ts";
import type { SessionRecord } from "./record.ts";
import type { Requested, Stored } from "./session_state.ts";

/** What of a session is committed. */
export interface CommitOptions {
  /** Whether changes of data, and renewals, are kept; `regenerate()` always is. */
  readonly keepChanges: boolean;
  /** Whether what the request before flashed has had its day. */
  readonly consumeFlash: boolean;
  /** Whether a new session is stored although nothing was put into it. */
  readonly storeEmpty?: boolean;
  /** Whether the client can still be told of another token. */
  readonly rotate?: boolean;
}

/** The same, and what was asked of the session. */
export type WriteOptions = CommitOptions & { readonly requested: Requested };

/** One write over a record that is stored. */
export interface Plan {
  readonly operation: "update" | "replace" | "rotate" | "touch";
  readonly record: SessionRecord;
  readonly renewal: boolean;
}

/** What is to be written over the record that the store holds now; nothing when there is no need. */
export function plan(
  { expiry, store, rotation }: Committing,
  { current, contents, theirs, options, now, rotate }: {
    current: Stored;
    contents: Contents;
    theirs: Contents;
    options: WriteOptions;
    now: number;
    rotate: boolean;
  },
): Plan | undefined {
  const { requested, keepChanges } = options;
  const old = current.record;
  const lifetime = keepChanges && ("maxAge" in requested || "browser" in requested);
  const subject = keepChanges && isOtherSubject(requested, old);
  const changed = lifetime || subject || store.outdated(old) || !sameContents(contents, theirs);
  const newToken = rotate || requested.regenerate === true;
  const write = changed || newToken;
  const renewal = keepChanges &&
    (requested.renew === true || isRenewalDue(expiry, old, { now, write }));
  if (!write && !renewal) return undefined;

  const kept = lifetime ? withLifetime(old, requested) : old;
  const { flash: _, ...rest } = subject ? withSubject(kept, requested, now) : kept;
  const record: SessionRecord = {
    ...rest,
    ...contentsToRecord(contents),
    ...(renewal ? renewed(expiry, rest, now) : { lastSeenAt: seen(old, now) }),
    ...(newToken && rotation ? { tokenAt: now } : {}),
  };
  // What was asked for must not be undone by a touch under way; the other one is told by the version.
  if (!write && !requested.renew) {
    return { operation: "touch", record, renewal };
  }
  return {
    operation: requested.regenerate ? "replace" : rotate ? "rotate" : "update",
    record: { ...record, version: old.version + 1 },
    renewal,
  };
}

/** A record with the lifetime that was asked for. */
export function withLifetime(record: SessionRecord, { maxAge, browser }: Requested): SessionRecord {
  const { maxAge: oldMaxAge, browser: oldBrowser, ...rest } = record;
  const seconds = maxAge ?? oldMaxAge;
  return {
    ...rest,
    ...(seconds === undefined ? {} : { maxAge: seconds }),
    ...(browser ?? oldBrowser ? { browser: true } : {}),
  };
}

/** A record of the subject that was asked for. */
export function withSubject(
  record: SessionRecord,
  { subject }: Requested,
  now: number,
): SessionRecord {
  if (subject === undefined) return record;
  const { subject: _, subjectAt: __, ...rest } = record;
  return subject === null ? rest : { ...rest, subject, subjectAt: now };
}

/** Whether another subject was asked for. */
export function isOtherSubject({ subject }: Requested, record: SessionRecord): boolean {
  return subject !== undefined && subject !== (record.subject ?? null);
}
