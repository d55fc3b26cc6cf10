import type { SessionRecord, SessionTimes } from "./record.ts";

/** How far clocks may differ, in milliseconds, before a time in the future is not believed. */
const CLOCK_SKEW = 60_000;

/** How much sooner than a touch a write renews at most, in milliseconds: for clocks that differ, and its own time. */
const WRITE_AHEAD = CLOCK_SKEW + 5_000;

/** The longest life of a session, in seconds: a hundred years. */
export const LONGEST_LIFE = 3_155_760_000;

/** The longest life of a cookie, in seconds: 400 days (RFC 6265bis, 5.6.2). */
export const LONGEST_COOKIE = 34_560_000;

/** How long sessions live. All durations are seconds. */
export interface ExpiryPolicy {
  readonly maxAge: number;
  readonly absoluteMaxAge: number | undefined;
  readonly rolling: false | { readonly after: number | undefined };
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
export function seen(record: Lived, now: number): number {
  return record.lastSeenAt <= now + CLOCK_SKEW ? Math.max(record.lastSeenAt, now) : now;
}

/** The times of a session that is renewed now. */
export function renewed(policy: ExpiryPolicy, record: Lived, now: number): SessionTimes {
  const at = seen(record, now);
  return {
    lastSeenAt: at,
    renewedAt: at,
    expiresAt: Math.ceil(Math.min(
      at + lifetime(policy, record) * 1000,
      absoluteDeadline(policy, record.createdAt),
    )),
  };
}

/**
 * Whether a rolling session should be renewed now: at most once per tenth of its life, unless set. A write renews
 * somewhat sooner, or it could undo the touch of a request that begins while it is under way.
 */
export function isRenewalDue(
  policy: ExpiryPolicy,
  record: Lived,
  { now, write = false }: { now: number; write?: boolean },
): boolean {
  if (!policy.rolling) return false;
  const life = lifetime(policy, record);
  const { after = life / 10 } = policy.rolling;
  // A session with a shorter life of its own is not to end for want of a renewal.
  const throttle = after < life ? after : life / 10;
  const ahead = write ? Math.min(WRITE_AHEAD, throttle * 500) : 0;
  return now + ahead - record.renewedAt >= throttle * 1000 &&
    renewed(policy, record, now).expiresAt > deadline(policy, record);
}

/** The Max-Age of the cookie of a session in whole seconds, rounded up. */
export function cookieMaxAge(expiresAt: number, now: number): number {
  return Math.min(Math.max(Math.ceil((expiresAt - now) / 1000), 0), LONGEST_COOKIE);
}
