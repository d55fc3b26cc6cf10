import type { CachedPromise } from "../util/awaitable.ts";
import { definedOf } from "../util/property.ts";
import { confirmedWith, type PendingConfirmations } from "./confirmations.ts";
import { hasSameMembers, isSameJson } from "./deep_equal.ts";
import { LONGEST_LIFE } from "./expiry.ts";
import type { SessionRecord } from "./record.ts";

/** A login that is not committed yet. */
export interface PendingLogin {
  readonly name: string;
  /** The time of the login, in epoch milliseconds. */
  readonly at: number;
  /** The generation of the subject's sessions at that time. */
  readonly generation: CachedPromise<number>;
}

/** A session at an identity provider that is not committed yet. */
export interface PendingProvider {
  /** Its JSON text. */
  readonly text: string;
  /** The ends at the provider as they were when the login started; `undefined` without a subject. */
  readonly ends: CachedPromise<readonly number[]> | undefined;
}

/** Changes of a session since its last commit, except those of its data. */
export interface PendingChanges {
  readonly regenerate?: true;
  readonly renew?: true;
  /** The lifetime, in seconds. */
  readonly maxAge?: number;
  readonly browser?: boolean;
  /** `null` clears it. */
  readonly subject?: PendingLogin | null;
  /** Its JSON text; `null` clears it. */
  readonly meta?: string | null;
  readonly confirmed?: PendingConfirmations;
  /** `null` clears it. */
  readonly provider?: PendingProvider | null;
  /** The changed attributes of the cookie, as JSON text; `null` resets them. */
  readonly cookie?: string | null;
}

/** No pending changes: compared by identity. */
export const NOTHING_PENDING: PendingChanges = {};

/**
 * Returns the pending changes of a renewal.
 *
 * @throws {RangeError} When the lifetime is invalid.
 */
export function pendingRenewal(maxAge: number | "browser" | undefined): PendingChanges {
  if (maxAge === undefined) return { renew: true };
  if (maxAge === "browser") return { renew: true, browser: true };
  if (typeof maxAge === "number" && maxAge > 0 && maxAge <= LONGEST_LIFE) {
    return { renew: true, maxAge: Math.ceil(maxAge), browser: false };
  }
  throw new RangeError(
    `Cannot renew session: maxAge is ${maxAge}, a number of seconds up to ${LONGEST_LIFE} is required`,
  );
}

/** Applies pending changes to a record: lifetime, subject, confirmations, provider, meta and cookie. */
export function withPendingChanges(record: SessionRecord, pending: PendingChanges): SessionRecord {
  if (pending === NOTHING_PENDING) return record;
  const { subject, subjectAt, generation } = changesSubject(pending, record)
    ? bindingOf(pending)
    : record;
  const { maxAge = record.maxAge, browser = record.browser } = pending;
  const confirmed = confirmedWith(record, { pending: pending.confirmed, subject });
  return definedOf<SessionRecord>({
    ...record,
    maxAge,
    browser: browser || undefined,
    subject,
    subjectAt,
    generation: generation || undefined,
    meta: changedText(pending.meta, record.meta),
    confirmed: changedText(confirmed ?? null, record.confirmed),
    provider: providerOf(pending, record),
    cookie: changedText(pending.cookie, record.cookie),
  });
}

/** Returns a pending JSON text, unless it represents the same value as the present one. */
function changedText(
  pending: string | null | undefined,
  text: string | undefined,
): string | undefined {
  if (pending === undefined || isSameJson(pending ?? undefined, text)) return text;
  return pending ?? undefined;
}

/** Returns the provider of a record after pending changes. Another subject clears it. */
export function providerOf(
  pending: PendingChanges,
  record: SessionRecord | undefined,
): string | undefined {
  const { provider } = pending;
  if (provider !== undefined) return provider?.text;
  return record && !changesSubject(pending, record) ? record.provider : undefined;
}

/** Returns the members of a record for a pending subject. */
function bindingOf(
  { subject }: PendingChanges,
): Pick<Partial<SessionRecord>, "subject" | "subjectAt" | "generation"> {
  if (!subject) return {};
  const { name, at, generation } = subject;
  // A generation that has not arrived was not needed. Without it the record belongs to the oldest generation.
  return { subject: name, subjectAt: at, generation: generation.value ?? 0 };
}

/** Checks whether pending changes change a record. */
export function changesRecord(pending: PendingChanges, record: SessionRecord): boolean {
  const changed = withPendingChanges(record, pending);
  return changed !== record && !hasSameMembers(record, changed);
}

/** Checks whether pending changes change the cookie of a record. */
export function changesCookie({ cookie }: PendingChanges, record: SessionRecord): boolean {
  return changedText(cookie, record.cookie) !== record.cookie;
}

/** Checks whether pending changes change the subject of a record. */
export function changesSubject({ subject }: PendingChanges, record: SessionRecord): boolean {
  return subject !== undefined && (subject?.name ?? null) !== (record.subject ?? null);
}
