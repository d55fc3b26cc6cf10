import {
  absoluteDeadline,
  CLOCK_SKEW,
  deadline,
  type ExpiryPolicy,
  lastSeen,
  lifetime,
  type Lived,
} from "./expiry.ts";
import type { SessionRecord, SessionTimes } from "./record.ts";

/**
 * How much earlier a write may renew than a touch, in milliseconds: the tolerated difference of clocks plus its
 * own duration.
 */
const WRITE_AHEAD = CLOCK_SKEW + 5_000;

/** The longest time that a store keeps a session beyond its expiry, in seconds. */
export const LONGEST_HOLD = 3600;

/**
 * Whether the client receives the cookies of a response. An upgrade has no headers to change, and a server that
 * answers a conditional request with 304 may drop them.
 */
export type CookieDelivery = "sure" | "doubtful" | "none";

/** A request that may renew its session. */
export interface RenewingRequest {
  /** Whether the client receives the cookies of the response. */
  readonly cookieDelivery: CookieDelivery;
}

/**
 * Returns the times of a session that is renewed now.
 *
 * @param options.isSent Whether the cookie is sent to the client. Without the cookie the session is renewed
 * only so far that the next request renews it again, also in a process whose clock is behind.
 */
export function renewedTimes(
  policy: ExpiryPolicy,
  record: Lived,
  { now, isSent = true }: { now: number; isSent?: boolean },
): SessionTimes {
  const at = lastSeen(record, now);
  const life = lifetime(policy, record);
  const end = absoluteDeadline(policy, record);
  const after = throttle(policy, life);
  // The tolerated difference of clocks, which is less than the time that this renewal gains.
  const behind = Math.min(CLOCK_SKEW, (life - after) * 100);
  const due = at - after * 1000 - behind;
  const renewedAt = isSent ? at : Math.max(
    Math.floor(Math.min(due, end - life * 1000 - 1)),
    record.renewedAt,
  );
  const hold = policy.onServer && policy.rolling ? Math.min(life, LONGEST_HOLD) : 0;
  return {
    lastSeenAt: at,
    renewedAt,
    expiresAt: Math.ceil(Math.min(renewedAt + (life + hold) * 1000, end)),
  };
}

/** Returns the seconds after which a rolling session is renewed. */
function throttle({ rolling }: ExpiryPolicy, life: number): number {
  const { after = life / 10 } = rolling || { after: 0 };
  // A session with a shorter lifetime of its own must be renewed before it expires.
  return after < life ? after : life / 10;
}

/**
 * Checks whether a rolling session is due for renewal: at most once per tenth of its lifetime, unless set
 * otherwise. A write renews somewhat earlier, because it could undo the touch of a concurrent request. If the
 * client may not receive the cookie, the renewal is left to a later request while there is time.
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
    age < after * 1000 || absoluteDeadline(policy, record) <= deadline(policy, record)
  ) {
    return false;
  }
  const { cookieDelivery } = request;
  if (cookieDelivery === "sure") return true;
  // A session in a cookie can't be renewed without sending the cookie.
  return (policy.onServer || cookieDelivery !== "none") && age >= (after + life) * 500;
}

/** Returns the times of a record. */
export function timesOf({ lastSeenAt, renewedAt, expiresAt }: SessionRecord): SessionTimes {
  return { lastSeenAt, renewedAt, expiresAt };
}
