import type { SessionRecord } from "../../src/record/record.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";

/**
 * The cookie that a format seals for: a value is worth nothing in a cookie of another name.
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
  /** The Hono context of the request, `undefined` outside of one. */
  readonly c: unknown;
}

/**
 * What a format found in the value of a cookie.
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
  /** Whether it is to be written again, because it lies under an older key. */
  readonly outdated: boolean;
}

/**
 * How a session becomes the value of a cookie and back.
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
   * Whether nobody is believed to be anybody: its sessions have no subject, and are not listed.
   *
   * @default {false}
   */
  readonly anonymous?: boolean;

  /**
   * What seals and opens now: the same object as long as the keys are the same.
   *
   * @param c The Hono context.
   * @throws {TypeError | RangeError} When the secrets of this request are no good.
   */
  keys(c: unknown): object;

  /**
   * The value of the cookie.
   *
   * @param record The record. `open` gives back every member of it, those included that the format does not know.
   * @param context The cookie.
   */
  seal(record: SessionRecord, context: CookieContext): Awaitable<string>;

  /**
   * What a value holds; `undefined` when it is damaged, forged or foreign. Nothing that a client can send
   * makes it throw.
   *
   * @param value The value of the cookie.
   * @param context The cookie.
   */
  open(value: string, context: CookieContext): Awaitable<OpenedCookie | undefined>;
}
