import { isSameJson } from "./json_value.ts";
import { LONGEST_LIFE } from "./expiry.ts";
import type { SessionRecord } from "./record.ts";

/** What was asked of a session since its last commit, beside changes of its data. */
export interface Requested {
  readonly regenerate?: true;
  readonly renew?: true;
  /** Seconds. */
  readonly maxAge?: number;
  readonly browser?: boolean;
  /** With the moment at which it was asked for; `null` to clear it. */
  readonly subject?: { readonly name: string; readonly at: number } | null;
  /** Its JSON text, `null` to clear it. */
  readonly meta?: string | null;
  /** The JSON text of what is changed of the cookie, `null` for nothing. */
  readonly cookie?: string | null;
}

/** Nothing was asked of it. */
export const NOTHING: Requested = {};

/**
 * What a renewal asks for.
 *
 * @throws {RangeError} When the lifetime is none.
 */
export function renewalBy(maxAge: number | "browser" | undefined): Requested {
  if (maxAge === undefined) return { renew: true };
  if (maxAge === "browser") return { renew: true, browser: true };
  if (typeof maxAge === "number" && maxAge > 0 && maxAge <= LONGEST_LIFE) {
    return { renew: true, maxAge, browser: false };
  }
  throw new RangeError(
    `Cannot renew session: maxAge is ${maxAge}, a number of seconds up to ${LONGEST_LIFE} is needed`,
  );
}

/** A record with what was asked for: the lifetime, the subject, what lists show and the cookie. */
export function withRequested(record: SessionRecord, requested: Requested): SessionRecord {
  const {
    maxAge: _,
    browser: __,
    subject: ___,
    subjectAt: ____,
    meta: _____,
    cookie: ______,
    ...rest
  } = record;
  const maxAge = requested.maxAge ?? record.maxAge;
  const subject = isOtherSubject(requested, record) ? requested.subject?.name : record.subject;
  const subjectAt = isOtherSubject(requested, record) ? requested.subject?.at : record.subjectAt;
  const meta = requested.meta === undefined ? record.meta : requested.meta;
  const cookie = requested.cookie === undefined ? record.cookie : requested.cookie;
  return {
    ...rest,
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(requested.browser ?? record.browser ? { browser: true } : {}),
    ...(subject === undefined ? {} : { subject }),
    ...(subjectAt === undefined ? {} : { subjectAt }),
    ...(meta ? { meta } : {}),
    ...(cookie ? { cookie } : {}),
  };
}

/** Whether what was asked for is not what the record holds. */
export function isDifferent(requested: Requested, record: SessionRecord): boolean {
  return "maxAge" in requested || "browser" in requested || isOtherSubject(requested, record) ||
    isOtherCookie(requested, record) || isOther(requested.meta, record.meta);
}

/** Whether another cookie was asked for. */
export function isOtherCookie({ cookie }: Requested, record: SessionRecord): boolean {
  return isOther(cookie, record.cookie);
}

/** Whether another JSON text was asked for than the one that is there. */
function isOther(requested: string | null | undefined, text: string | undefined): boolean {
  return requested !== undefined && !isSameJson(requested ?? undefined, text);
}

/** Whether another subject was asked for. */
export function isOtherSubject({ subject }: Requested, record: SessionRecord): boolean {
  return subject !== undefined && (subject?.name ?? null) !== (record.subject ?? null);
}
