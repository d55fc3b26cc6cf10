import type { SessionRecord } from "../../src/record/record.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";

/**
 * The cookie for which a format seals: a value is invalid in a cookie of another name.
 *
 * @example Usage
 * ```ts
 * import type { CookieContext } from "@x/hono-session/stores/cookie";
 *
 * const context: CookieContext = { cookieName: "sid", c: undefined };
 * console.assert(context.cookieName === "sid");
 * ```
 */
export interface CookieContext {
  /** The name of the cookie, with its prefix. */
  readonly cookieName: string;
  /** The Hono context of the request; `undefined` outside of one. */
  readonly c: unknown;
}

/**
 * The result of opening the value of a cookie.
 *
 * @example Usage
 * ```ts
 * import type { OpenedCookie } from "@x/hono-session/stores/cookie";
 *
 * const isFresh = (opened: OpenedCookie) => !opened.outdated;
 * console.assert(typeof isFresh === "function");
 * ```
 */
export interface OpenedCookie {
  /** The record. */
  readonly record: SessionRecord;
  /** Whether it must be written again because it was sealed with an older key. */
  readonly outdated: boolean;
}

/**
 * The format of a session in a cookie.
 *
 * @example Usage
 * ```ts
 * import type { CookieFormat } from "@x/hono-session/stores/cookie";
 *
 * const describe = (format: CookieFormat) => typeof format.seal;
 * console.assert(typeof describe === "function");
 * ```
 */
export interface CookieFormat {
  /**
   * Whether clients can forge values, so that sessions have no subject and are not listed.
   *
   * @default {false}
   */
  readonly anonymous?: boolean;

  /**
   * Returns an object that represents the current keys: the same object as long as the keys are the same.
   *
   * @param c The Hono context.
   * @throws {TypeError | RangeError} When the secrets of this request are invalid.
   */
  keys(c: unknown): object;

  /**
   * Returns the value of a cookie.
   *
   * @param record The record. `open` must return every member of it, including members that the format does not
   * know.
   * @param context The cookie.
   */
  seal(record: SessionRecord, context: CookieContext): Awaitable<string>;

  /**
   * Opens a value; returns `undefined` when it is damaged, forged or foreign. It must not throw for any input
   * of a client.
   *
   * @param value The value of the cookie.
   * @param context The cookie.
   */
  open(value: string, context: CookieContext): Awaitable<OpenedCookie | undefined>;
}
