import { type Contents, sameContents, withContents } from "../record/contents.ts";
import { isRenewalDue, renewed, seen } from "../record/expiry.ts";
import { isDifferent, isOtherCookie, withRequested } from "../record/pending_changes.ts";
import type { SessionRecord, Stored } from "../record/record.ts";
import { definedOf } from "../util/property.ts";
import type { CommitContext } from "./context.ts";
import { isRotating, type RotationPolicy, withUsedToken } from "./rotation.ts";

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
  { config: { expiry, store, rotation }, state, options, requested }: CommitContext,
  { current, contents, theirs, now }: {
    current: Stored;
    contents: Contents;
    theirs: Contents;
    now: number;
  },
): Plan | undefined {
  const { keepChanges } = options;
  const request = options.reach ? { reach: options.reach } : state;
  const old = current.record;
  const rotate = isRotating(rotation, current, { options, now });
  const moved = keepChanges && isDifferent(requested, old);
  const used = state.hasMoved ? old : withUsedToken(old, { rotation, now });
  const newToken = rotate || requested.regenerate === true;
  // The value of a transaction counts only if nobody has written since it was read.
  const write = newToken || moved || used !== old || options.change !== undefined ||
    store.outdated(old) || !sameContents(contents, theirs);
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
function withNewToken(
  record: SessionRecord,
  { current, rotation, rotate, now }: {
    current: Stored;
    rotation: RotationPolicy | undefined;
    rotate: boolean;
    now: number;
  },
): SessionRecord {
  return definedOf<SessionRecord>({
    ...record,
    version: current.record.version + 1,
    tokenAt: rotation ? now : record.tokenAt,
    predecessor: rotate ? current.key : undefined,
    graceUntil: undefined,
  });
}
