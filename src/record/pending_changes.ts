import { type Awaitable, Later, orElse } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";
import { definedOf } from "../util/property.ts";
import { isSameJson } from "./deep_equal.ts";
import { LONGEST_LIFE } from "./expiry.ts";
import type { SessionRecord } from "./record.ts";

/** A login, as it was asked for. */
export interface RequestedSubject {
  readonly name: string;
  /** The moment, in epoch milliseconds. */
  readonly at: number;
  /** The generation of the subject's sessions at that moment. */
  readonly generation: Later<number>;
}

/** What a login needs of whoever keeps the session. */
export interface LoginKeeper {
  readonly config: { readonly instant: Clock };
  /** The generation of a subject's sessions now. */
  generationOf(subject: string): Awaitable<number>;
}

/** A login that begins now, not with its commit: all sessions of the subject may be ended in between. */
export function beginLogin(
  keeper: LoginKeeper,
  { subject, record }: { subject: string; record: SessionRecord | undefined },
): RequestedSubject {
  const generation = record?.subject === subject
    ? record.generation ?? 0
    : orElse(() => keeper.generationOf(subject), (error) => Promise.reject(error));
  return { name: subject, at: keeper.config.instant(), generation: new Later(generation) };
}

/** What was asked of a session since its last commit, beside changes of its data. */
export interface Requested {
  readonly regenerate?: true;
  readonly renew?: true;
  /** Seconds. */
  readonly maxAge?: number;
  readonly browser?: boolean;
  /** `null` to clear it. */
  readonly subject?: RequestedSubject | null;
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
    return { renew: true, maxAge: Math.ceil(maxAge), browser: false };
  }
  throw new RangeError(
    `Cannot renew session: maxAge is ${maxAge}, a number of seconds up to ${LONGEST_LIFE} is needed`,
  );
}

/** A record with what was asked for: the lifetime, the subject, what lists show and the cookie. */
export function withRequested(record: SessionRecord, requested: Requested): SessionRecord {
  if (requested === NOTHING) return record;
  const { subject, subjectAt, generation } = isOtherSubject(requested, record)
    ? bindingOf(requested)
    : record;
  const {
    maxAge = record.maxAge,
    browser = record.browser,
    meta = record.meta,
    cookie = record.cookie,
  } = requested;
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
export function boundAt(record: SessionRecord, at: number | undefined): SessionRecord {
  return at === undefined ? record : { ...record, subjectAt: at };
}

/** What a record holds of the subject that was asked for. */
function bindingOf(
  { subject }: Requested,
): Pick<Partial<SessionRecord>, "subject" | "subjectAt" | "generation"> {
  if (!subject) return {};
  const { name, at, generation } = subject;
  // One that has not come was not waited for. Without it the record is of the oldest there is.
  return { subject: name, subjectAt: at, generation: generation.value ?? 0 };
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
