import {
  absoluteDeadline,
  CLOCK_SKEW,
  deadline,
  type ExpiryPolicy,
  lastSeen,
  lifetime,
  type Lived,
} from "./expiry.ts";
import type { SessionTimes } from "./record.ts";

/** How much sooner than a touch a write renews at most, in milliseconds: for clocks that differ, and its own time. */
const WRITE_AHEAD = CLOCK_SKEW + 5_000;

/** The longest that a store keeps a session beyond its end, in seconds. */
const LONGEST_HOLD = 3600;

/**
 * Whether the client gets the cookies of an answer: an upgrade has no headers to change, and what answers a conditional
 * request with 304 may drop them.
 */
export type CookieDelivery = "sure" | "doubtful" | "none";

/** A request whose answer may renew a session. */
export interface RenewingRequest {
  /** Whether the client gets the cookies of the answer. */
  readonly cookieDelivery: CookieDelivery;
}

/**
 * The times of a session that is renewed now.
 *
 * @param options.isSent Whether the client is sent the cookie. Without it the session is renewed only so far that the
 * next request renews it again.
 */
export function renewedTimes(
  policy: ExpiryPolicy,
  record: Lived,
  { now, isSent = true }: { now: number; isSent?: boolean },
): SessionTimes {
  const at = lastSeen(record, now);
  const life = lifetime(policy, record);
  const end = absoluteDeadline(policy, record.createdAt);
  const renewedAt = isSent ? at : Math.max(
    Math.floor(Math.min(at - throttle(policy, life) * 1000, end - life * 1000 - 1)),
    record.renewedAt,
  );
  const hold = policy.onServer && policy.rolling ? Math.min(life, LONGEST_HOLD) : 0;
  return {
    lastSeenAt: at,
    renewedAt,
    expiresAt: Math.ceil(Math.min(renewedAt + (life + hold) * 1000, end)),
  };
}

/** After how many seconds a rolling session is renewed. */
function throttle({ rolling }: ExpiryPolicy, life: number): number {
  const { after = life / 10 } = rolling || { after: 0 };
  // A session with a shorter life of its own is not to end for want of a renewal.
  return after < life ? after : life / 10;
}

/**
 * Whether a rolling session should be renewed now: at most once per tenth of its life, unless set. A write renews
 * somewhat sooner, or it could undo the touch of a request that comes while it is under way. Where the client may
 * not get the cookie, it is left to a later request while there is time for one.
 */
export function isRenewalDue(
  policy: ExpiryPolicy,
  record: Lived,
  { now, write = false, request }: { now: number; write?: boolean; request: RenewingRequest },
): boolean {
  if (!policy.rolling) return false;
  const life = lifetime(policy, record);
  const after = throttle(policy, life);
  const ahead = write ? Math.min(WRITE_AHEAD, after * 500) : 0;
  const age = now + ahead - record.renewedAt;
  if (
    age < after * 1000 || absoluteDeadline(policy, record.createdAt) <= deadline(policy, record)
  ) {
    return false;
  }
  const { cookieDelivery } = request;
  if (cookieDelivery === "sure") return true;
  // A session that the client holds itself can't be renewed without it.
  return (policy.onServer || cookieDelivery !== "none") && age >= (after + life) * 500;
}
