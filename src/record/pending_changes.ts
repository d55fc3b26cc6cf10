import type { CachedPromise } from "../util/awaitable.ts";
import { definedOf } from "../util/property.ts";
import { isSameJson } from "./deep_equal.ts";
import { LONGEST_LIFE } from "./expiry.ts";
import type { SessionRecord } from "./record.ts";

/** A login that is not committed yet. */
export interface PendingLogin {
  readonly name: string;
  /** The moment, in epoch milliseconds. */
  readonly at: number;
  /** The generation of the subject's sessions at that moment. */
  readonly generation: CachedPromise<number>;
}

/** Changes of a session since its last commit, beside those of its data. */
export interface PendingChanges {
  readonly regenerate?: true;
  readonly renew?: true;
  /** Seconds. */
  readonly maxAge?: number;
  readonly browser?: boolean;
  /** `null` to clear it. */
  readonly subject?: PendingLogin | null;
  /** Its JSON text, `null` to clear it. */
  readonly meta?: string | null;
  /** The JSON text of what is changed of the cookie, `null` for nothing. */
  readonly cookie?: string | null;
}

/** Nothing is pending. */
export const NOTHING_PENDING: PendingChanges = {};

/**
 * The pending changes of a renewal.
 *
 * @throws {RangeError} When the lifetime is none.
 */
export function pendingRenewal(maxAge: number | "browser" | undefined): PendingChanges {
  if (maxAge === undefined) return { renew: true };
  if (maxAge === "browser") return { renew: true, browser: true };
  if (typeof maxAge === "number" && maxAge > 0 && maxAge <= LONGEST_LIFE) {
    return { renew: true, maxAge: Math.ceil(maxAge), browser: false };
  }
  throw new RangeError(
    `Cannot renew session: maxAge is ${maxAge}, a number of seconds up to ${LONGEST_LIFE} is needed`,
  );
}

/** A record with pending changes: of the lifetime, the subject, the description in lists and the cookie. */
export function withPendingChanges(record: SessionRecord, pending: PendingChanges): SessionRecord {
  if (pending === NOTHING_PENDING) return record;
  const { subject, subjectAt, generation } = changesSubject(pending, record)
    ? bindingOf(pending)
    : record;
  const {
    maxAge = record.maxAge,
    browser = record.browser,
    meta = record.meta,
    cookie = record.cookie,
  } = pending;
  return definedOf<SessionRecord>({
    ...record,
    maxAge,
    browser: browser || undefined,
    subject,
    subjectAt,
    generation: generation || undefined,
    meta: meta ?? undefined,
    cookie: cookie ?? undefined,
  });
}

/** A record that is its subject's since another moment, if there is one. */
export function withSubjectAt(record: SessionRecord, at: number | undefined): SessionRecord {
  return at === undefined ? record : { ...record, subjectAt: at };
}

/** What a record holds of the subject that was asked for. */
function bindingOf(
  { subject }: PendingChanges,
): Pick<Partial<SessionRecord>, "subject" | "subjectAt" | "generation"> {
  if (!subject) return {};
  const { name, at, generation } = subject;
  // One that has not come was not waited for. Without it the record is of the oldest there is.
  return { subject: name, subjectAt: at, generation: generation.value ?? 0 };
}

/** Whether pending changes make a difference to a record. */
export function changesRecord(pending: PendingChanges, record: SessionRecord): boolean {
  return "maxAge" in pending || "browser" in pending || changesSubject(pending, record) ||
    changesCookie(pending, record) || isOther(pending.meta, record.meta);
}

/** Whether pending changes make a difference to the cookie of a record. */
export function changesCookie({ cookie }: PendingChanges, record: SessionRecord): boolean {
  return isOther(cookie, record.cookie);
}

/** Whether another JSON text was asked for than the one that is there. */
function isOther(pending: string | null | undefined, text: string | undefined): boolean {
  return pending !== undefined && !isSameJson(pending ?? undefined, text);
}

/** Whether pending changes make a difference to the subject of a record. */
export function changesSubject({ subject }: PendingChanges, record: SessionRecord): boolean {
  return subject !== undefined && (subject?.name ?? null) !== (record.subject ?? null);
}
