/** The last moment of a `Date`, in epoch milliseconds. */
const LATEST_TIME = 8.64e15;

/**
 * The times of a session that its use moves, in epoch milliseconds.
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
  /** When the session was last written or renewed. */
  readonly lastSeenAt: number;
  /** When the lifetime last began: at creation or at the last renewal. */
  readonly renewedAt: number;
  /** When the session ends. From this moment on no store may return it. */
  readonly expiresAt: number;
}

/**
 * What a store holds of one session: a flat object of strings, whole numbers and booleans, so that every
 * backend can hold it natively. Absent members are absent, never `undefined`.
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
  /** The version of this layout. */
  readonly format: 1;
  /** The public handle of the session, stable over `regenerate()`. It opens nothing. */
  readonly sid: string;
  /** Counts the writes of data: 1 at creation, one more with every update. */
  readonly version: number;
  /** The cookie that the session was made for: in one of another name its token opens nothing. */
  readonly cookieName?: string;
  /** The scope that the session lives in: in another one its token opens nothing. */
  readonly scope?: string;
  /** What the session changed of its cookie: the JSON text of an object of attributes. */
  readonly cookie?: string;
  /** The data: the JSON text of an object. */
  readonly data: string;
  /** The flashed values: the JSON text of an object. */
  readonly flash?: string;
  /** When the session was created, in epoch milliseconds. */
  readonly createdAt: number;
  /** The lifetime that `renew(maxAge)` gave this session, in seconds, rounded up. */
  readonly maxAge?: number;
  /** Whose session it is. */
  readonly subject?: string;
  /** Since when it is the subject's, in epoch milliseconds by the clock of whoever made it so: for order alone. */
  readonly subjectAt?: number;
  /**
   * The generation of its subject's sessions that it became one of, as `generation` of the store told it when the login
   * began. Absent for 0.
   */
  readonly generation?: number;
  /** What lists of the subject's sessions show of it: the JSON text of an object. */
  readonly meta?: string;
  /** `true` when `renew("browser")` made its cookie end with the browser. */
  readonly browser?: boolean;
  /** Since when its token is the one that it has, in epoch milliseconds; from its creation when absent. */
  readonly tokenAt?: number;
  /** The key of the token before, until a client has come back with the present one. */
  readonly predecessor?: string;
  /**
   * Why the token of this key identifies no session of its own any more. Such a record is a trace: it holds no data
   * and belongs to no subject.
   */
  readonly trace?: Trace;
  /** In the trace of a rotated token: the token that follows it, encrypted under the rotated one. */
  readonly successor?: string;
  /**
   * Until when the token before the present one is accepted, in epoch milliseconds. Absent while nobody has come back
   * with the present one.
   */
  readonly graceUntil?: number;
  /**
   * Within a store whose sessions the client holds, where another one knows which cookies are valid: counts those that
   * were left behind, by a new token or another subject. 0 when absent. The store keeps it to itself.
   */
  readonly epoch?: number;
}

/**
 * Why a token identifies no session of its own any more: `rotated` by the option `rotate`, `replaced` by
 * `regenerate()`, or its session has `ended`.
 *
 * @example Usage
 * ```ts
 * import type { Trace } from "@x/hono-session";
 *
 * const trace: Trace = "rotated";
 * console.assert(trace === "rotated");
 * ```
 */
export type Trace = "rotated" | "replaced" | "ended";

const TRACES: readonly unknown[] = ["rotated", "replaced", "ended"] satisfies Trace[];

/** The members of a JSON object: a JSON text per key. */
export type Members = Map<string, string>;

/** Whether a value from a backend is a record that this version can read. */
export function isSessionRecord(value: unknown): value is SessionRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Record<keyof SessionRecord, unknown>;
  return record.format === 1 &&
    typeof record.sid === "string" &&
    typeof record.data === "string" &&
    Number.isSafeInteger(record.version) &&
    isTime(record.createdAt) &&
    isTime(record.lastSeenAt) &&
    isTime(record.renewedAt) &&
    isTime(record.expiresAt) &&
    isText(record.cookieName) &&
    isText(record.scope) &&
    isText(record.cookie) &&
    isText(record.flash) &&
    isText(record.meta) &&
    isText(record.subject) &&
    isText(record.predecessor) &&
    isText(record.successor) &&
    (record.trace === undefined || TRACES.includes(record.trace)) &&
    (record.subjectAt === undefined || isTime(record.subjectAt)) &&
    (record.generation === undefined || Number.isSafeInteger(record.generation)) &&
    (record.maxAge === undefined || Number.isFinite(record.maxAge)) &&
    (record.browser === undefined || typeof record.browser === "boolean") &&
    (record.tokenAt === undefined || isTime(record.tokenAt)) &&
    (record.graceUntil === undefined || isTime(record.graceUntil)) &&
    (record.epoch === undefined || isCount(record.epoch));
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && value as number >= 0;
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

/** Whether a value is a time that a `Date` can hold. */
function isTime(value: unknown): boolean {
  return typeof value === "number" && Math.abs(value) <= LATEST_TIME;
}

/**
 * The object that a JSON text stands for.
 *
 * @throws {SyntaxError} When the text is not the JSON of an object.
 */
export function parseObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("Cannot parse session: its data are not an object");
  }
  return value as Record<string, unknown>;
}

/** The members of the object that a JSON text stands for. */
export function parseMembers(text: string): Members {
  const members: Members = new Map();
  for (const [key, value] of Object.entries(parseObject(text))) {
    members.set(key, JSON.stringify(value));
  }
  return members;
}

/** The JSON text of an object with these members. */
export function joinMembers(members: Members): string {
  let text = "";
  for (const [key, value] of members) {
    text += `${text && ","}${JSON.stringify(key)}:${value}`;
  }
  return `{${text}}`;
}
/** A session as a store holds it, and the token that identifies it. */
export interface StoredSession {
  /** Unknown where an access token leads to the session. */
  readonly token: string | undefined;
  readonly key: string;
  readonly record: SessionRecord;
}
