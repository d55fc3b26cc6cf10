import { sameContents, withFlash } from "../record/contents.ts";
import { lastSeen } from "../record/expiry.ts";
import { isRenewalDue, renewedTimes } from "../record/renewal.ts";
import { changesCookie, changesRecord, withPendingChanges } from "../record/pending_changes.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import { definedOf } from "../util/property.ts";
import type { CommitContext, Plan } from "./context.ts";
import { isRotating, withUsedToken } from "./rotation.ts";

/**
 * A record under construction. Its optional members exist from the start: setting them is fast and allocates
 * nothing.
 */
type Draft<Made> = { -readonly [Key in keyof Made]: Made[Key] };

/** Plans the write over a stored record; `undefined` when none is necessary. */
export function plan(
  { config, state, options, pending, contents, theirs }: CommitContext,
  current: StoredSession,
): Plan | undefined {
  const { expiry, store, rotation } = config;
  const { onlyToken, request = state } = options;
  const now = config.clock();
  const old = current.record;
  const rotate = rotation !== undefined && isRotating(rotation, current, { options, now });
  const moved = changesRecord(pending, old);
  const isUsed = old.predecessor !== undefined && !state.wasRotated;
  const used = isUsed ? withUsedToken(old, { rotation, now }) : old;
  const newToken = rotate || pending.regenerate === true;
  // The value of a transaction is valid only if the record has not changed since it was read.
  const write = newToken || moved || isUsed || options.change !== undefined ||
    store.outdated(old) || !sameContents(contents, theirs);
  const renew = pending.renew === true;
  const renewal = renew ||
    !onlyToken && expiry.rolling !== false && isRenewalDue(expiry, old, { now, write, request });
  if (!write && !renewal) return undefined;

  const rest = moved ? withPendingChanges(used, pending) : used;
  const times = renewal
    ? renewedTimes(expiry, rest, { now, isSent: renew || request.cookieDelivery === "sure" })
    : undefined;
  // A touch of another request must not undo an explicit renewal: the new version prevents it.
  const isTouch = !write && !pending.renew && now < old.expiresAt;
  const copy: Draft<SessionRecord> = { ...rest };
  if (!isTouch) copy.version = old.version + 1;
  copy.data = contents.data.text;
  copy.lastSeenAt = lastSeen(old, now);
  if (times) Object.assign(copy, times);
  const record = withFlash(copy, contents.flash);
  const operation = pending.regenerate ? "replace" : rotate ? "rotate" : "update";
  const isRotation = operation === "rotate";
  return {
    operation: isTouch ? "touch" : operation,
    record: newToken
      ? definedOf<SessionRecord>({
        ...record,
        tokenAt: rotation ? now : record.tokenAt,
        // After a rotation the previous token leads to the record.
        predecessor: isRotation ? current.key : undefined,
        // After a login, a browser binds the new token.
        device: isRotation ? record.device : undefined,
        graceUntil: undefined,
      })
      : record,
    renewal,
    sendsCookie: renew || renewal && request.cookieDelivery !== "none" ||
      changesCookie(pending, old),
    graceUntil: isUsed ? used.graceUntil : undefined,
  };
}
