import { isObject } from "./plain_object.ts";

/** The last time of a `Date`, in epoch milliseconds. */
const LATEST_TIME = 8.64e15;

/**
 * The times of a session that change with its use, in epoch milliseconds.
 *
 * @example Usage
 * ```ts
 * import type { SessionTimes } from "@x/hono-session";
 * import { assert } from "@std/assert";
 *
 * const times: SessionTimes = { lastSeenAt: 1000, renewedAt: 1000, expiresAt: 61_000 };
 * assert(times.expiresAt > times.renewedAt);
 * ```
 */
export interface SessionTimes {
  /** The time of the last write or renewal. */
  readonly lastSeenAt: number;
  /** The start of the current lifetime: creation or the last renewal. */
  readonly renewedAt: number;
  /** The expiry. From this time on a store must not return the record. */
  readonly expiresAt: number;
}

/**
 * The stored form of a session: a flat object of strings, integers and booleans, which every backend can hold
 * natively. Optional members are absent, never `undefined`.
 *
 * @example Usage
 * ```ts
 * import type { SessionRecord } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const record: SessionRecord = {
 *   format: 1,
 *   sid: "pXo9tUjcNKQGL1lXUmT0Nw",
 *   version: 1,
 *   data: '{"userId":"42"}',
 *   createdAt: 1000,
 *   lastSeenAt: 1000,
 *   renewedAt: 1000,
 *   expiresAt: 86_401_000,
 * };
 * assertEquals(JSON.parse(JSON.stringify(record)), record);
 * ```
 */
export interface SessionRecord extends SessionTimes {
  /** The version of this format. */
  readonly format: 1;
  /** The public identifier of the session, stable over `regenerate()`. It is not a credential. */
  readonly sid: string;
  /** The version of the record: 1 at creation, incremented by every update. */
  readonly version: number;
  /** The name of the session's cookie. In a cookie of another name its token is rejected. */
  readonly cookieName?: string;
  /** The scope of the session. In another scope its token is rejected. */
  readonly scope?: string;
  /** The attributes of the cookie that the session has changed: the JSON text of an object. */
  readonly cookie?: string;
  /** The data: the JSON text of an object. */
  readonly data: string;
  /** The flashed values: the JSON text of an object. */
  readonly flash?: string;
  /** The time of creation, in epoch milliseconds. */
  readonly createdAt: number;
  /** The lifetime that `renew(maxAge)` has set, in seconds, rounded up. */
  readonly maxAge?: number;
  /** The limit of all renewals, in epoch milliseconds: the end of the session from which it was adopted. */
  readonly endsAt?: number;
  /** The owner of the session. */
  readonly subject?: string;
  /**
   * When it was bound to the subject, in epoch milliseconds by the clock of that server. It only defines the
   * order of lists.
   */
  readonly subjectAt?: number;
  /**
   * The generation of the subject's sessions when the login started, as returned by `generation` of the store.
   * Absent for 0.
   */
  readonly generation?: number;
  /**
   * The generation of all sessions of the store in which it was created, with the option `revokeEverything`.
   * Absent for 0.
   */
  readonly storeGeneration?: number;
  /** Its binding to the device of the browser (option `device`): algorithm, public key and times, joined by dots. */
  readonly device?: string;
  /** Its description in lists of the subject's sessions: the JSON text of an object. */
  readonly meta?: string;
  /**
   * When it was confirmed, in epoch milliseconds by method: the JSON text of an object. Only `confirm()` changes it,
   * and another subject removes it.
   */
  readonly confirmed?: string;
  /** The session at the identity provider from which it comes: the JSON text of a `SessionProvider`. */
  readonly provider?: string;
  /** `true` after `renew("browser")`: browsers drop its cookie when they close. */
  readonly browser?: boolean;
  /** When it got its current token, in epoch milliseconds; at its creation when absent. */
  readonly tokenAt?: number;
  /** The key of the previous token, until a client has presented the current token. */
  readonly predecessor?: string;
  /**
   * Why the token of this key does not identify a session itself. Such a record is a trace: it has no data
   * and no subject.
   */
  readonly trace?: Trace;
  /** In the trace of a rotated or adopted token: its successor, encrypted with that token. */
  readonly successor?: string;
  /**
   * Until when the previous token is accepted, in epoch milliseconds. Absent until a client has presented the
   * current token.
   */
  readonly graceUntil?: number;
  /**
   * Used by cookie stores that track revoked cookies: counts the cookies of the session that were replaced by a
   * new token or another subject. 0 when absent. It never leaves the store.
   */
  readonly epoch?: number;
}

/**
 * Why a token does not identify a session itself: it was `rotated` by the option `rotate`, `replaced` by
 * `regenerate()`, or `adopted` from another library, or its session has `ended`.
 *
 * @example Usage
 * ```ts
 * import type { Trace } from "@x/hono-session";
 *
 * const trace: Trace = "rotated";
 * console.assert(trace === "rotated");
 * ```
 */
export type Trace = "rotated" | "replaced" | "adopted" | "ended";

const TRACES: readonly unknown[] = ["rotated", "replaced", "adopted", "ended"] satisfies Trace[];

/** The members of a JSON object, each as a JSON text. */
export type Members = Map<string, string>;

/** Checks whether a value from a backend is a record that this version can read. */
export function isSessionRecord(value: unknown): value is SessionRecord {
  if (!isObject(value)) return false;
  const record = value as Record<keyof SessionRecord, unknown>;
  return record.format === 1 &&
    typeof record.sid === "string" &&
    typeof record.data === "string" &&
    Number.isSafeInteger(record.version) &&
    isTime(record.createdAt) &&
    isTime(record.lastSeenAt) &&
    isTime(record.renewedAt) &&
    isTime(record.expiresAt) &&
    isTextIfAny(record.cookieName) &&
    isTextIfAny(record.scope) &&
    isTextIfAny(record.cookie) &&
    isTextIfAny(record.flash) &&
    isTextIfAny(record.meta) &&
    isTextIfAny(record.confirmed) &&
    isTextIfAny(record.provider) &&
    isTextIfAny(record.device) &&
    isTextIfAny(record.subject) &&
    isTextIfAny(record.predecessor) &&
    isTextIfAny(record.successor) &&
    (record.trace === undefined || TRACES.includes(record.trace)) &&
    isTimeIfAny(record.subjectAt) &&
    isTimeIfAny(record.endsAt) &&
    isTimeIfAny(record.tokenAt) &&
    isTimeIfAny(record.graceUntil) &&
    isTimeIfAny(record.maxAge) &&
    (record.generation === undefined || Number.isSafeInteger(record.generation)) &&
    isCountIfAny(record.storeGeneration) &&
    isCountIfAny(record.epoch) &&
    (record.browser === undefined || typeof record.browser === "boolean");
}

function isTextIfAny(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isTimeIfAny(value: unknown): boolean {
  return value === undefined || isTime(value);
}

function isCountIfAny(value: unknown): boolean {
  return value === undefined || Number.isSafeInteger(value) && value as number >= 0;
}

/** Checks whether a value is a time that a `Date` can hold. */
function isTime(value: unknown): boolean {
  return typeof value === "number" && Math.abs(value) <= LATEST_TIME;
}

/**
 * Parses the JSON text of an object.
 *
 * @throws {SyntaxError} When the text is not the JSON of an object.
 */
export function parseObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new SyntaxError("Cannot parse session: its data are not an object");
  return value;
}

/** Parses the JSON text of an object; `undefined` when there is none, or it is damaged. */
export function parseObjectIfAny(text: string | undefined): Record<string, unknown> | undefined {
  try {
    return text === undefined ? undefined : parseObject(text);
  } catch {
    return undefined;
  }
}

/** Parses the JSON text of an object into its members. */
export function parseMembers(text: string): Members {
  const entries = Object.entries(parseObject(text));
  return new Map(entries.map(([key, value]) => [key, JSON.stringify(value)]));
}

/** Returns the JSON text of an object with these members. */
export function joinMembers(members: Members): string {
  const texts = [...members].map(([key, value]) => `${JSON.stringify(key)}:${value}`);
  return `{${texts.join()}}`;
}

/** A stored session and its token. */
export interface StoredSession {
  /** Unknown when an access token identified the session. */
  readonly token: string | undefined;
  readonly key: string;
  readonly record: SessionRecord;
}
