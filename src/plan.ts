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
  /** Whether the client must be sent its token again. */
  readonly deliver: boolean;
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
  const moved = keepChanges && isDifferent(requested, old);
  const changed = moved || store.outdated(old) || !sameContents(contents, theirs);
  const newToken = rotate || requested.regenerate === true;
  const write = changed || newToken;
  const renewal = keepChanges &&
    (requested.renew === true || isRenewalDue(expiry, old, { now, write }));
  if (!write && !renewal) return undefined;

  const { flash: _, ...rest } = moved ? withRequested(old, requested, now) : old;
  const record: SessionRecord = {
    ...rest,
    ...contentsToRecord(contents),
    ...(renewal ? renewed(expiry, rest, now) : { lastSeenAt: seen(old, now) }),
    ...(newToken && rotation ? { tokenAt: now } : {}),
  };
  const deliver = renewal || keepChanges && isOtherCookie(requested, old);
  // What was asked for must not be undone by a touch under way; the other one is told by the version.
  if (!write && !requested.renew) {
    return { operation: "touch", record, renewal, deliver };
  }
  return {
    operation: requested.regenerate ? "replace" : rotate ? "rotate" : "update",
    record: { ...record, version: old.version + 1 },
    renewal,
    deliver,
  };
}

/** A record with the lifetime, the subject and the cookie that were asked for. */
export function withRequested(
  record: SessionRecord,
  requested: Requested,
  now: number,
): SessionRecord {
  const { maxAge, browser, subject, subjectAt, cookie, ...rest } = record;
  const seconds = requested.maxAge ?? maxAge;
  const other = isOtherSubject(requested, record);
  const subjectText = other ? requested.subject : subject;
  const since = other ? now : subjectAt;
  const changes = requested.cookie === undefined ? cookie : requested.cookie;
  return {
    ...rest,
    ...(seconds === undefined ? {} : { maxAge: seconds }),
    ...(requested.browser ?? browser ? { browser: true } : {}),
    ...(subjectText ? { subject: subjectText } : {}),
    ...(subjectText && since !== undefined ? { subjectAt: since } : {}),
    ...(changes ? { cookie: changes } : {}),
  };
}

/** Whether what was asked for is not what the record holds. */
export function isDifferent(requested: Requested, record: SessionRecord): boolean {
  return "maxAge" in requested || "browser" in requested || isOtherSubject(requested, record) ||
    isOtherCookie(requested, record);
}

/** Whether another cookie was asked for. */
export function isOtherCookie({ cookie }: Requested, record: SessionRecord): boolean {
  return cookie !== undefined && cookie !== (record.cookie ?? null);
}

function isOtherSubject({ subject }: Requested, record: SessionRecord): boolean {
  return subject !== undefined && subject !== (record.subject ?? null);
}
