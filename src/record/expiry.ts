import type { SessionRecord, SessionTimes } from "./record.ts";

/** How far clocks may differ, in milliseconds, before a time in the future is not believed. */
export const CLOCK_SKEW = 60_000;

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

/** What decides on the end of a session. */
export type Lived = Pick<SessionRecord, keyof SessionTimes | "createdAt" | "maxAge">;

/** The lifetime of a session in seconds, its own or that of the policy. */
export function lifetime(policy: ExpiryPolicy, record: Pick<SessionRecord, "maxAge">): number {
  return record.maxAge ?? policy.maxAge;
}

/** The limit that no renewal exceeds, in epoch milliseconds. */
export function absoluteDeadline(policy: ExpiryPolicy, createdAt: number): number {
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
