import type { FormerCookieScope } from "../http/cookie_attributes.ts";
import type { AdoptConfig } from "../request/config.ts";
import type { SessionData } from "../session/session.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { LONGEST_COOKIE } from "../util/cookie_limits.ts";
import { refuseRange } from "../util/option_errors.ts";

/**
 * A session of another library or store, as `adopt.read` returns it.
 *
 * @example Usage
 * ```ts
 * import type { AdoptedSession } from "@x/hono-session";
 *
 * const adopted: AdoptedSession<{ theme?: string }> = {
 *   data: { theme: "dark" },
 *   subject: "user:42",
 *   expiresAt: new Date(Date.now() + 3_600_000),
 * };
 * console.assert(adopted.subject === "user:42");
 * ```
 */
export interface AdoptedSession<Data extends object = SessionData> {
  /** Its data. They override those of the option `initial`. */
  data: Partial<Data>;
  /** The owner of the session, see `session.subject`. */
  subject?: string | undefined;
  /** The limit of the new session, which no renewal exceeds. None when absent. */
  expiresAt?: Date | undefined;
}

/**
 * Options for the sessions of another library, or of another store: their users stay logged in.
 *
 * @example Sessions of an application that kept them in a database
 * ```ts
 * import { type AdoptOptions, session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals, assertMatch } from "@std/assert";
 *
 * const rows = new Map([["a-token-of-the-other-library", { userId: "42" }]]);
 * const adopt: AdoptOptions<{ userId?: string }> = {
 *   cookie: "connect.sid",
 *   until: new Date(Date.now() + 30 * 86_400_000),
 *   read(value) {
 *     const row = rows.get(value);
 *     return row && { data: row, subject: `user:${row.userId}` };
 *   },
 * };
 * const app = new Hono()
 *   .use(session<{ userId?: string }>({ store: new MapStore(), adopt }))
 *   .get("/me", (c) => c.text(c.var.session.userId ?? "nobody"));
 *
 * const headers = { cookie: "connect.sid=a-token-of-the-other-library" };
 * const response = await app.request("/me", { headers });
 * assertEquals(await response.text(), "42");
 * const [ours, theirs] = response.headers.getSetCookie();
 * assertMatch(ours!, /^sid=/);
 * assertMatch(theirs!, /^connect\.sid=; Max-Age=0;/);
 * ```
 */
export interface AdoptOptions<Data extends object = SessionData> {
  /** The name of the cookie of the other library, with its prefix. */
  cookie: string;
  /**
   * The scope of that cookie: its `domain`, `path` and `partitioned`. Browsers clear it only if they match.
   *
   * @default {{ path: "/" }}
   */
  cookieOptions?: FormerCookieScope;
  /** From this time on the cookie is ignored. 400 days from now at most. */
  until: Date;
  /**
   * Reads the session of a cookie. It is called only if the request has no session of this library or ends it, and
   * once per cookie: later the cookie leads to the session that was adopted for it.
   *
   * A logout ends the session that was adopted for this value. After it, this exact value is not adopted again. Read
   * nothing but the value, and reject equivalent spellings of it, such as one with another prefix: an altered copy of
   * the cookie would log in again. If a request has several cookies of this name with different values, none is read.
   *
   * When it throws, the other store counts as failed, see `onStoreError`. With a `SyntaxError` or a `URIError`, the
   * cookie is rejected.
   *
   * @param value The decoded value of the cookie, 4,096 characters at most. It comes from the client.
   * @param c The Hono context.
   * @returns The session; `undefined` when the cookie is rejected.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context.
  read: (value: string, c: any) => Awaitable<AdoptedSession<Data> | undefined>;
}

/** @throws {RangeError} When `until` is too far away. */
export function checkAdopt({ until }: AdoptConfig, now: number): void {
  if (until <= now + LONGEST_COOKIE * 1000) return;
  refuseRange(
    "adopt.until",
    `${new Date(until).toISOString()}, at most 400 days from now are allowed`,
  );
}
