import { type Contents, sameContents, withFlash } from "../record/contents.ts";
import { lastSeen } from "../record/expiry.ts";
import { isRenewalDue, renewedTimes } from "../record/renewal.ts";
import { changesCookie, changesRecord, withPendingChanges } from "../record/pending_changes.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import { definedOf } from "../util/property.ts";
import type { CommitContext } from "./context.ts";
import { isRotating, type RotationPolicy, withUsedToken } from "./rotation.ts";

/**
 * A record under construction. Its optional members exist from the start: setting them is fast and allocates
 * nothing.
 */
type Draft<Made> = { -readonly [Key in keyof Made]: Made[Key] };

/** One write over a stored record. */
export interface Plan {
  readonly operation: "update" | "replace" | "rotate" | "touch";
  readonly record: SessionRecord;
  readonly renewal: boolean;
  /** Whether the token must be sent to the client again. */
  readonly sendsCookie: boolean;
  /** The previous token, whose grace period starts. */
  readonly grace?: { readonly key: string; readonly graceUntil: number } | undefined;
}

/** Plans the write over the stored record; `undefined` when none is necessary. */
export function plan(
  { config: { expiry, store, rotation }, state, options, pending }: CommitContext,
  { current, contents, theirs, now }: {
    current: StoredSession;
    contents: Contents;
    theirs: Contents;
    now: number;
  },
): Plan | undefined {
  const { keepChanges } = options;
  const request = options.cookieDelivery ? { cookieDelivery: options.cookieDelivery } : state;
  const old = current.record;
  const rotate = rotation !== undefined && isRotating(rotation, current, { options, now });
  const moved = keepChanges && changesRecord(pending, old);
  const isUsed = old.predecessor !== undefined && !state.wasRotated;
  const used = isUsed ? withUsedToken(old, { rotation, now }) : old;
  const newToken = rotate || pending.regenerate === true;
  // The value of a transaction is valid only if the record has not changed since it was read.
  const write = newToken || moved || used !== old || options.change !== undefined ||
    store.outdated(old) || !sameContents(contents, theirs);
  const renew = keepChanges && pending.renew === true;
  const renewal = renew ||
    keepChanges && expiry.rolling !== false && isRenewalDue(expiry, old, { now, write, request });
  if (!write && !renewal) return undefined;

  const rest = moved ? withPendingChanges(used, pending) : used;
  const times = renewal
    ? renewedTimes(expiry, rest, { now, isSent: renew || request.cookieDelivery === "sure" })
    : undefined;
  // A touch of another request must not undo an explicit renewal: the new version prevents it.
  const isTouch = !write && !pending.renew && now < old.expiresAt;
  const version = isTouch ? rest.version : old.version + 1;
  const copy: Draft<SessionRecord> = { ...rest };
  copy.version = version;
  copy.data = contents.data.text;
  copy.lastSeenAt = lastSeen(old, now);
  if (times) Object.assign(copy, times);
  const record = withFlash(copy, contents.flash);
  const sendsCookie = renew || renewal && request.cookieDelivery !== "none" ||
    keepChanges && changesCookie(pending, old);
  if (isTouch) return { operation: "touch", record, renewal, sendsCookie };
  return {
    operation: pending.regenerate ? "replace" : rotate ? "rotate" : "update",
    record: newToken
      ? withNewToken(record, { current, rotation, rotate: rotate && !pending.regenerate, now })
      : record,
    renewal,
    sendsCookie,
    grace: used === old ? undefined : { key: old.predecessor!, graceUntil: used.graceUntil! },
  };
}

/** Returns the record under a new token. After a rotation the previous token leads to it. */
function withNewToken(
  record: SessionRecord,
  { current, rotation, rotate, now }: {
    current: StoredSession;
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
    // A browser binds the new token anew.
    device: rotate ? record.device : undefined,
    graceUntil: undefined,
  });
}
