import type { SessionRecord, SessionTimes } from "./record.ts";

/** The tolerated difference of clocks in milliseconds. A time further in the future is not trusted. */
export const CLOCK_SKEW = 60_000;

/** The longest lifetime of a session, in seconds: a hundred years. */
export const LONGEST_LIFE = 3_155_760_000;

/** The lifetimes of sessions. All durations are seconds. */
export interface ExpiryPolicy {
  readonly maxAge: number;
  readonly absoluteMaxAge: number | undefined;
  readonly rolling: false | { readonly after: number | undefined };
  /**
   * Whether a store on the server holds the sessions. It keeps rolling sessions beyond their expiry, so that a
   * request that arrived in time can still renew one at its end.
   */
  readonly onServer: boolean;
  /** Whether cookies are persistent, unless sessions override it. */
  readonly persistent: boolean;
}

/** The members of a record that determine its expiry. */
export type Lived = Pick<SessionRecord, keyof SessionTimes | keyof Begun>;

/** The members of a record that limit its renewals. */
type Begun = Pick<SessionRecord, "createdAt" | "maxAge" | "endsAt">;

/** Returns the lifetime of a session in seconds: its own, or that of the policy. */
export function lifetime(policy: ExpiryPolicy, record: Pick<SessionRecord, "maxAge">): number {
  return record.maxAge ?? policy.maxAge;
}

/** Returns the limit of all renewals, in epoch milliseconds. */
export function absoluteDeadline(
  { absoluteMaxAge }: ExpiryPolicy,
  { createdAt, endsAt = Infinity }: Pick<Begun, "createdAt" | "endsAt">,
): number {
  return absoluteMaxAge === undefined
    ? endsAt
    : Math.min(endsAt, createdAt + absoluteMaxAge * 1000);
}

/**
 * Returns the expiry of a session in epoch milliseconds. The current policy can only shorten the expiry in the
 * record, so that a smaller `maxAge` also ends sessions that were created with a larger one.
 */
export function deadline(policy: ExpiryPolicy, record: Lived): number {
  return Math.min(
    record.expiresAt,
    record.renewedAt + lifetime(policy, record) * 1000,
    absoluteDeadline(policy, record),
  );
}

/**
 * Returns the expiry of a session that is renewed now, in epoch milliseconds, optionally with another lifetime
 * in seconds.
 */
export function nextDeadline(
  policy: ExpiryPolicy,
  { maxAge, record, now }: {
    maxAge: number | undefined;
    record: Begun | undefined;
    now: number;
  },
): number {
  const life = maxAge ?? record?.maxAge ?? policy.maxAge;
  return Math.min(now + life * 1000, absoluteDeadline(policy, record ?? { createdAt: now }));
}

/** Checks whether a session is live at a time. At its expiry it is not. */
export function isLive(policy: ExpiryPolicy, record: Lived, now: number): boolean {
  return now < deadline(policy, record);
}

/** Returns the new `lastSeenAt` of a session. It never goes back, whatever the clocks of other servers say. */
export function lastSeen(record: Lived, now: number): number {
  return record.lastSeenAt <= now + CLOCK_SKEW ? Math.max(record.lastSeenAt, now) : now;
}

/**
 * Checks whether a session is live for a request that arrived at a time. A rolling session that expires during
 * the request remains live for it, unless it was ended.
 */
export function isLiveFor(
  policy: ExpiryPolicy,
  record: Lived,
  { now, receivedAt }: { now: number; receivedAt: number },
): boolean {
  const isRenewable = policy.rolling && now < absoluteDeadline(policy, record);
  return isLive(policy, record, isRenewable ? Math.min(receivedAt, now) : now);
}

/** Checks whether the cookie of a session is persistent: a session with its own lifetime has a persistent cookie. */
export function isPersistent(
  policy: ExpiryPolicy,
  { browser, maxAge }: { browser?: boolean; maxAge?: number },
): boolean {
  return browser === undefined ? policy.persistent || maxAge !== undefined : !browser;
}
