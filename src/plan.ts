import type { Committing } from "./committing.ts";
import { type Contents, sameContents, withContents } from "./contents.ts";
import { isRenewalDue, renewed, seen } from "./expiry.ts";
import type { SessionRecord } from "./record.ts";
import { isDifferent, isOtherCookie, type Requested, withRequested } from "./requested.ts";
import type { Stored } from "./session_state.ts";

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
export interface WriteOptions extends CommitOptions {
  readonly requested: Requested;
  /** What the session holds, if that was looked at just now. */
  readonly held: Contents | undefined;
}

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

  const rest = moved ? withRequested(old, requested) : old;
  const record: SessionRecord = {
    ...withContents(rest, contents),
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
