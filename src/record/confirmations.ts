import { CLOCK_SKEW } from "./expiry.ts";
import { parseObjectIfAny, type SessionRecord } from "./record.ts";

/** When a session was confirmed by each method, in epoch milliseconds. */
export type Confirmations = ReadonlyMap<string, number>;

/** Confirmations that are not committed yet. */
export interface PendingConfirmations {
  /** The subject that the session had when it was confirmed. */
  readonly subject: string | undefined;
  readonly times: Confirmations;
}

/** The largest number of methods that a session keeps. */
const MOST_METHODS = 8;

/** The name of a method, such as those of RFC 8176. */
const METHOD_REGEXP = /^[A-Za-z0-9][\w.-]{0,31}$/;

/** Checks whether a value is the name of a method. */
export function isMethod(value: unknown): value is string {
  return typeof value === "string" && METHOD_REGEXP.test(value);
}

/** The values on which a confirmation depends. */
interface ConfirmationContext {
  /** The time that the application knows, in seconds. */
  readonly options: { readonly at: number } | undefined;
  /** The earlier confirmations of the session. */
  readonly known: Confirmations;
  /** In epoch milliseconds. */
  readonly now: number;
}

/**
 * Makes the confirmation by a method.
 *
 * @throws {TypeError} When the method is not a name, or the time not a number of seconds.
 * @throws {RangeError} When there are too many methods, or the time is in the future.
 */
export function makeConfirmation(
  method: string,
  { options, known, now }: ConfirmationContext,
): Confirmations {
  if (!isMethod(method)) {
    throw new TypeError(
      'Cannot confirm session: the method is not a name of 1 to 32 letters, digits, ".", "_" and "-"; ' +
        'use one such as "password"',
    );
  }
  if (!known.has(method) && known.size >= MOST_METHODS) {
    throw new RangeError(
      `Cannot confirm session: it has ${MOST_METHODS} methods; use names that don't depend on the request`,
    );
  }
  return new Map([[method, options === undefined ? now : timeOf(options?.at, now)]]);
}

/** Returns the time of a confirmation, in epoch milliseconds. */
function timeOf(at: unknown, now: number): number {
  if (typeof at !== "number" || !(at >= 0)) {
    throw new TypeError(
      "Cannot confirm session: at is not a number of seconds since 1970; request the claim auth_time",
    );
  }
  const time = Math.floor(at * 1000);
  if (time <= now + CLOCK_SKEW) return Math.min(time, now);
  throw new RangeError(
    "Cannot confirm session: at is in the future; pass seconds, not milliseconds, and check the clocks",
  );
}

/** Adds later pending confirmations to earlier ones, unless the subject has changed in between. */
export function joinConfirmations(
  earlier: PendingConfirmations | undefined,
  later: PendingConfirmations,
): PendingConfirmations {
  if (!earlier || earlier.subject !== later.subject) return later;
  return { subject: later.subject, times: latest(earlier.times, later.times) };
}

/** Parses the confirmations of a record. Damaged confirmations are left out. */
export function parseConfirmations(text: string | undefined): Map<string, number> {
  const times = new Map<string, number>();
  for (const [method, time] of Object.entries(parseObjectIfAny(text) ?? {})) {
    if (typeof time === "number") times.set(method, time);
  }
  return times;
}

/** Returns the later confirmation by each method; of too many methods, only the latest confirmations. */
function latest(one: Confirmations, other: Confirmations): Confirmations {
  const inOrder = (times: Iterable<[string, number]>) =>
    [...times].sort(([, one], [, other]) => one - other);
  const times = new Map(inOrder([...one, ...other]));
  return new Map(inOrder(times).slice(-MOST_METHODS));
}

/**
 * Returns the confirmations of a record with pending ones, as JSON text. A confirmation counts for the subject that
 * the session had: not for the next one, and not for one to which a concurrent request has changed it.
 *
 * @param subject The subject of the record with all pending changes.
 */
export function confirmedWith(
  record: Pick<SessionRecord, "subject" | "confirmed">,
  { pending, subject }: {
    pending: PendingConfirmations | undefined;
    subject: string | undefined;
  },
): string | undefined {
  const kept = subject === record.subject ? record.confirmed : undefined;
  if (!pending || pending.subject !== subject) return kept;
  const times = latest(parseConfirmations(kept), pending.times);
  return JSON.stringify(Object.fromEntries(times));
}

/** Returns the confirmations as the application reads them. */
export function toDates(times: Confirmations): Readonly<Record<string, Date | undefined>> {
  const dates: Record<string, Date | undefined> = Object.create(null);
  for (const [method, time] of times) dates[method] = new Date(time);
  return Object.freeze(dates);
}
