import { type Contents, sameContents, withContents } from "../record/contents.ts";
import { isRenewalDue, type Reach, renewed, seen } from "../record/expiry.ts";
import {
  isDifferent,
  isOtherCookie,
  type Requested,
  withRequested,
} from "../record/pending_changes.ts";
import type { SessionRecord, Stored } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { Committing } from "./context.ts";
import { type RotationPolicy, withUsedToken } from "./rotation.ts";

/** What a request within this one has made of its session. */
export type InnerCommit = Stored | "ended";

/** Who knows whether a request was answered by another one within it, as Hono's `methodOverride` does. */
export interface InnerCommits {
  innerCommit(): Awaitable<InnerCommit | undefined>;
}

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
  /** Whether the client gets the cookies of the answer, if the request does not say it. */
  readonly reach?: Reach;
  /** Tells what it is committed over, if that is not what was loaded. */
  readonly inner?: InnerCommits | undefined;
}

/** The same, and what was asked of the session. */
export interface WriteOptions extends Omit<CommitOptions, "inner"> {
  readonly requested: Requested;
  /** What the session holds, if that was looked at just now. */
  readonly held: Contents | undefined;
  readonly inner: InnerCommit | undefined;
}

/** One write over a record that is stored. */
export interface Plan {
  readonly operation: "update" | "replace" | "rotate" | "touch";
  readonly record: SessionRecord;
  readonly renewal: boolean;
  /** Whether the client must be sent its token again. */
  readonly deliver: boolean;
  /** The token before the present one, whose grace starts. */
  readonly grace?: { readonly key: string; readonly graceUntil: number };
}

/** What is to be written over the record that the store holds now; nothing when there is no need. */
export function plan(
  { expiry, store, rotation }: Committing,
  { state, current, contents, theirs, options, now, rotate }: {
    state: SessionState;
    current: Stored;
    contents: Contents;
    theirs: Contents;
    options: WriteOptions;
    now: number;
    rotate: boolean;
  },
): Plan | undefined {
  const { requested, keepChanges } = options;
  const request = options.reach ? { reach: options.reach } : state;
  const old = current.record;
  const moved = keepChanges && isDifferent(requested, old);
  const used = state.hasMoved ? old : withUsedToken(old, { rotation, now });
  const changed = moved || used !== old || store.outdated(old) || !sameContents(contents, theirs);
  const newToken = rotate || requested.regenerate === true;
  const write = changed || newToken;
  const renew = keepChanges && requested.renew === true;
  const renewal = renew ||
    keepChanges && isRenewalDue(expiry, old, { now, write, request });
  if (!write && !renewal) return undefined;

  const rest = moved ? withRequested(used, requested) : used;
  const record: SessionRecord = {
    ...withContents(rest, contents),
    ...(renewal
      ? renewed(expiry, rest, { now, isSent: renew || request.reach === "sure" })
      : { lastSeenAt: seen(old, now) }),
  };
  const deliver = renew || renewal && request.reach !== "none" ||
    keepChanges && isOtherCookie(requested, old);
  // What was asked for must not be undone by a touch under way; the other one is told by the version.
  if (!write && !requested.renew && now < old.expiresAt) {
    return { operation: "touch", record, renewal, deliver };
  }
  return {
    operation: requested.regenerate ? "replace" : rotate ? "rotate" : "update",
    record: newToken
      ? withNewToken(record, { current, rotation, rotate: rotate && !requested.regenerate, now })
      : { ...record, version: old.version + 1 },
    renewal,
    deliver,
    ...(used !== old && { grace: { key: old.predecessor!, graceUntil: used.graceUntil! } }),
  };
}

/** The record under a new token, which the token until now leads to if it is rotated. */
export function withNewToken(
  { predecessor: _, graceUntil: __, ...record }: SessionRecord,
  { current, rotation, rotate, now }: {
    current: Stored;
    rotation: RotationPolicy | undefined;
    rotate: boolean;
    now: number;
  },
): SessionRecord {
  const version = current.record.version + 1;
  return {
    ...record,
    version,
    ...(rotation && { tokenAt: now }),
    ...(rotate && { predecessor: current.key }),
  };
}
