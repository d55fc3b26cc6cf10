import { LONGEST_COOKIE } from "../util/cookie_limits.ts";
import type { SessionRecord, SessionTimes } from "./record.ts";

/** How far clocks may differ, in milliseconds, before a time in the future is not believed. */
const CLOCK_SKEW = 60_000;

/** How much sooner than a touch a write renews at most, in milliseconds: for clocks that differ, and its own time. */
const WRITE_AHEAD = CLOCK_SKEW + 5_000;

/** The longest life of a session, in seconds: a hundred years. */
export const LONGEST_LIFE = 3_155_760_000;

/** How long sessions live. All durations are seconds. */
export interface ExpiryPolicy {
  readonly maxAge: number;
  readonly absoluteMaxAge: number | undefined;
  readonly rolling: false | { readonly after: number | undefined };
  /**
   * Whether a store on the server keeps the sessions. It keeps rolling ones beyond their end, so that a request that
   * came in time can still renew one when it is answered.
   */
  readonly onServer: boolean;
  /** Whether cookies outlive the browser, unless sessions say otherwise. */
  readonly persistent: boolean;
}

/** The longest that a store keeps a session beyond its end, in seconds. */
const LONGEST_HOLD = 3600;

/** A request whose answer may renew a session. */
export interface RenewingRequest {
  /** Whether the client gets the cookies of the answer. */
  readonly cookieDelivery: CookieDelivery;
}

type Lived = Pick<SessionRecord, keyof SessionTimes | "createdAt" | "maxAge">;

function lifetime(policy: ExpiryPolicy, record: Pick<SessionRecord, "maxAge">): number {
  return record.maxAge ?? policy.maxAge;
}

function absoluteDeadline(policy: ExpiryPolicy, createdAt: number): number {
  return policy.absoluteMaxAge === undefined ? Infinity : createdAt + policy.absoluteMaxAge * 1000;
}

/**
 * When a session ends, in epoch milliseconds. The record says it; the policy in force can only
 * shorten it, so that a smaller `maxAge` also ends the sessions that were made under a larger one.
 */
export function deadline(policy: ExpiryPolicy, record: Lived): number {
  return Math.min(
    record.expiresAt,
    record.renewedAt + lifetime(policy, record) * 1000,
    absoluteDeadline(policy, record.createdAt),
  );
}

/** When a session would end that is renewed now, in epoch milliseconds, with another lifetime in seconds if one is given. */
export function nextDeadline(
  policy: ExpiryPolicy,
  { maxAge, record, now }: {
    maxAge: number | undefined;
    record: Pick<SessionRecord, "createdAt" | "maxAge"> | undefined;
    now: number;
  },
): number {
  const life = maxAge ?? record?.maxAge ?? policy.maxAge;
  return Math.min(now + life * 1000, absoluteDeadline(policy, record?.createdAt ?? now));
}

/** Whether a session lives at a time. The end itself is outside of its life. */
export function isLive(policy: ExpiryPolicy, record: Lived, now: number): boolean {
  return now < deadline(policy, record);
}

/** The times of a session that is seen now: they never go back, whatever another machine's clock says. */
export function lastSeen(record: Lived, now: number): number {
  return record.lastSeenAt <= now + CLOCK_SKEW ? Math.max(record.lastSeenAt, now) : now;
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

/** Whether a session lives for a request that came at some time: a rolling one waits for it, while nobody ended it. */
export function isLiveFor(
  policy: ExpiryPolicy,
  record: Lived,
  { now, receivedAt }: { now: number; receivedAt: number },
): boolean {
  const isRenewable = policy.rolling && now < absoluteDeadline(policy, record.createdAt);
  return isLive(policy, record, isRenewable ? Math.min(receivedAt, now) : now);
}

/** Whether the cookie of a session outlives the browser: one with a lifetime of its own does. */
export function isPersistent(
  policy: ExpiryPolicy,
  { browser, maxAge }: { browser?: boolean; maxAge?: number },
): boolean {
  return browser === undefined ? policy.persistent || maxAge !== undefined : !browser;
}

/** The Max-Age of the cookie of a session in whole seconds, rounded up. */
export function cookieMaxAge(expiresAt: number, now: number): number {
  return Math.min(Math.max(Math.ceil((expiresAt - now) / 1000), 0), LONGEST_COOKIE);
}
/**
 * Whether the client gets the cookies of an answer: an upgrade has no headers to change, and what answers a conditional
 * request with 304 may drop them.
 */
export type CookieDelivery = "sure" | "doubtful" | "none";
