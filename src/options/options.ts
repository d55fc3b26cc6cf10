import type { SessionEncoder } from "../crypto/encoder.ts";
import type { SecretOption } from "../crypto/secrets.ts";
import type { Logger, SessionEvents } from "../events.ts";
import type { SessionCookieOptions } from "../http/cookie_attributes.ts";
import type { StandardSchema } from "../record/schema.ts";
import type { Session, SessionData } from "../session/session.ts";
import type { KeyValueStore, SessionStore } from "../store/contract.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";
import type { AdoptOptions } from "./adopt_options.ts";

/**
 * Options of {@linkcode session}. All durations are seconds.
 *
 * @example Idle for half an hour, twelve hours in all
 * ```ts
 * import { session, type SessionOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * const options: SessionOptions = {
 *   store: new MapStore(),
 *   maxAge: 30 * 60,
 *   rolling: true,
 *   absoluteMaxAge: 12 * 3600,
 *   cookieOptions: { prefix: "host", sameSite: "Strict" },
 * };
 * session(options);
 * ```
 */
export interface SessionOptions<
  Data extends object = SessionData,
  Key extends string = "session",
> {
  /**
   * The store of the sessions: one of this package, your own, a plain `Map`, or any object with `get`, `set`
   * and `delete`.
   *
   * @default {DenoKvStore where Deno KV is available, else SealedCookieStore}
   */
  store?: SessionStore | KeyValueStore;
  /**
   * One secret of at least 32 characters, or a list: the first is used to write, all are used to read. For
   * runtimes that provide secrets per request it is a function of the Hono context.
   *
   * - With a store on the server it signs the token in the cookie, so that a forged token costs no store call.
   * - With the sealed cookie as the default store it encrypts that cookie.
   * - A cookie store that you create has a `secret` option of its own.
   */
  secret?: SecretOption;
  /**
   * Your own encoding for the sealed cookie, instead of iron. With this option the sealed cookie is the default
   * store on every runtime.
   *
   * @default {iron-webcrypto}
   */
  encoder?: SessionEncoder;
  /**
   * The lifetime of a session after its creation or its last renewal, in seconds (ASVS 5.0, 7.3.1).
   *
   * @default {86400}
   */
  maxAge?: number;
  /**
   * Renews a session when it is used. `true`: at most once per tenth of its lifetime. `{ after }`: at most once
   * per `after` seconds. A request that writes the session anyway may renew it up to 65 seconds earlier.
   *
   * @default {false}
   */
  rolling?: boolean | {
    /** The shortest time between two renewals. */
    after: number;
  };
  /**
   * Sends a persistent cookie. `false`: the cookie has no `Max-Age`, so that browsers drop it when they close;
   * on the server the session keeps its `maxAge`. A session that got its own lifetime with `renew(seconds)`
   * ("remember me") has a persistent cookie in either case.
   *
   * @default {true}
   */
  persistent?: boolean;
  /** The longest life of a session, regardless of renewals (ASVS 5.0, 7.3.2). No limit when absent. */
  absoluteMaxAge?: number;
  /**
   * Replaces the token of a session at intervals, so that a copied token is soon worthless (ASVS 5.0, 7.2.4).
   * The response with the new token may get lost, so the old token is accepted until the client has presented
   * the new one, and for `grace` seconds after that. Then it is rejected as `reuse`. The next rotation waits
   * until the grace period is over. Requires an atomic store. Off when absent.
   */
  rotate?: {
    /** The age from which a token is replaced at the next request. `0`: as often as `grace` allows. */
    every: number;
    /**
     * How long the old token is accepted after the client has presented the new one, for concurrent requests.
     *
     * @default {30}
     */
    grace?: number;
    /**
     * How long after the grace period the reuse of an old token is detected. The store keeps about 300 bytes
     * per rotated token for that time, at most until the session expires. `0` keeps nothing: an old token is
     * then rejected as `unknown`.
     *
     * @default {3600}
     */
    remember?: number;
  };
  /**
   * The name of the cookie. `false`: no cookie is used, only the tokens of the option `token`.
   *
   * @default {"sid"}
   */
  cookieName?: string | false;
  /**
   * The attributes of the cookie.
   *
   * @default {{ httpOnly: true, secure: true, sameSite: "Lax", path: "/" }}
   */
  cookieOptions?: SessionCookieOptions;
  /**
   * The name of a second cookie with the value `1`. It is set and expired together with the session cookie, and
   * scripts can read it to see whether there is a session. Off when absent.
   */
  existsCookieName?: string;
  /**
   * The attributes of the second cookie that differ from `cookieOptions`, for example the `domain` of a page on
   * another host. The second cookie is never `HttpOnly` and does not inherit `prefix`.
   *
   * @default {{}}
   */
  existsCookieOptions?: Omit<SessionCookieOptions, "httpOnly">;
  /**
   * Binds sessions to the device of their browser, so that a copied cookie is worthless elsewhere after at most `every`
   * seconds (Device Bound Session Credentials). The response to a login with `regenerate()` or `startSession()` asks the browser
   * to create a key in the hardware of its device. From then on the session requires a second cookie, whose name has the suffix
   * `-device`. The browser receives it, and renews it, by proving that it has the key. The middleware answers these requests
   * itself. Sessions of browsers without support are not bound.
   *
   * A request without a proof has an empty session, like an anonymous visitor. It can't be changed, only replaced by a login, and
   * the response carries no cookie. Requires `secret` and a store on the server, and excludes `rotate`. Off when absent.
   *
   * @experimental
   */
  device?: boolean | SessionDeviceOptions;
  /**
   * Signed tokens that identify a session, for clients without cookies. `c.get("sessionToken")` returns the
   * token of a session. Requires a store on the server. Off when absent.
   */
  token?: SessionTokenOptions<Data>;
  /**
   * Adopts the sessions of another library, or of another store. A request with the old cookie gets a new session with
   * the data that `read` returns, under a new token. The response clears the old cookie. Off when absent.
   *
   * All requests with that cookie get the same session, in all processes, until the client has presented the new
   * cookie, and for `rotate.grace` (30) seconds more. The cookie is never adopted again, not even after a logout.
   * Stores that are not atomic, and cookie stores without `revocations`, may adopt it again.
   */
  adopt?: AdoptOptions<Data>;
  /**
   * The initial data of a new session, or a synchronous function without parameters that returns them. Every
   * session gets its own copy. A session that holds only its initial data is not stored. Data passed to
   * `startSession` or assigned to `c.session` override them.
   *
   * @default {{}}
   */
  initial?: Partial<Data> | (() => Partial<Data>);
  /**
   * Validates the data of a loaded session, and may transform them. When they are invalid, the client gets a
   * new session. None when absent.
   */
  schema?: StandardSchema<Data>;
  /**
   * Migrates the data of a session when it is loaded, before `schema` validates them. When it returns
   * `undefined`, the client gets a new session. Migrated data are stored when the request is committed. None
   * when absent.
   *
   * @param data A copy of the stored data.
   * @param c The Hono context.
   */
  // deno-lint-ignore no-explicit-any -- Older data are whatever they were, and only the application knows its context.
  migrate?: (data: any, c: any) => Awaitable<Data | undefined>;
  /**
   * The scope in which a session is valid: its token is rejected in any other scope. `"host"` is the host name
   * of the request; a function returns the name of the scope, such as the tenant. Valid everywhere when absent.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context: `(c) => c.var.tenant`.
  scope?: "host" | ((c: any) => string);
  /**
   * Limits the sessions of a subject (`session.subject`; ASVS 5.0, 7.1.2). A login beyond the limit either
   * evicts the oldest session or is refused with a {@linkcode SessionLimitError}. Of concurrent logins the
   * newest stays, and the others are answered with 409. The sessions of all cookies and scopes of the store
   * count. Requires a store with an index. No limit when absent.
   */
  maxSessions?: {
    /** The largest number of sessions, an integer of at least 1. */
    limit: number;
    /**
     * What happens at a login beyond the limit. Both policies list the subject's sessions once before a login
     * is stored, and once after. When more logins than the limit allows run concurrently, some are answered
     * with 409, or with 403 for `"reject"`.
     *
     * With `"reject"`, a session whose cookie the client has lost takes a place until it expires: let a user with the
     * right password end the other sessions with `revokeAll()`. A double click on "Log in" takes one place, if the
     * visitor already had a session and the second request finds it; otherwise the second may be answered with 403.
     *
     * @default {"evict-oldest"}
     */
    policy?: "evict-oldest" | "reject";
  };
  /**
   * Allows `revokeEverything()` of `createSessions()` to end all sessions of the store (ASVS 5.0, 7.4.5). Each
   * process then reads one more record at most once per `every` seconds, while it loads sessions. It can be turned
   * on right before the first call: older sessions end as well. Requires an atomic store on the server.
   *
   * @default {false}
   */
  revokeEverything?: boolean | {
    /**
     * The number of seconds for which a process may still accept a session that was ended, at most 50. With `0`
     * each operation reads the record. `revokeEverything()` returns after that time.
     *
     * @default {5}
     */
    every?: number;
  };
  /**
   * Allows `startSession` to replace a live session. With `false` it throws a {@linkcode SessionExistsError}
   * instead.
   *
   * @default {true}
   */
  allowOverwrite?: boolean;
  /**
   * Keeps changes when the response has a status of 500 or above. Below 500 they are always kept, whether the
   * response was returned or thrown. `destroy()` and `regenerate()` always take effect.
   *
   * @default {false}
   */
  commitOnError?: boolean;
  /**
   * What happens when a session can't be loaded. `"error"`: the response is a 503. `"anonymous"`: the request
   * continues with an empty session that can't be changed.
   *
   * @default {"error"}
   */
  onStoreError?: "error" | "anonymous";
  /**
   * The time limit of one store operation. It also limits how long a commit that conflicts with other requests
   * is retried before it fails with a {@linkcode SessionConflictError} (409).
   *
   * @default {5}
   */
  storeTimeout?: number;
  /**
   * Adds cache headers to responses that depend on a session: `Vary: Cookie` and `Cache-Control: private`, or
   * `no-store` when they set its cookie. Turn it off only when another part of the application adds them.
   *
   * @default {true}
   */
  cacheControl?: boolean;
  /**
   * The name of the session on the context: `c.get("session")`, `c.var.session`, `c.session`. With another name
   * and another cookie an application can have several sessions. The related variables are named after it:
   * `c.get("sessionCookie")`, `c.get("sessionToken")`.
   *
   * @default {"session"}
   */
  // deno-lint-ignore ban-types -- Any name, but one that is known is inferred.
  contextKey?: Key | (string & {});
  /**
   * Delays loading until `await getSession(c)`. Before that, the session can't be read or changed. Cache
   * headers are added when the session is loaded before the response is returned, not when a stream loads it
   * later.
   *
   * @default {false}
   */
  lazy?: boolean;
  /**
   * Options of `session.ended`. `every`: the longest delay, in seconds, after which it aborts when another
   * process has ended the session, 50 at most. The sessions whose `ended` is in use are read again at this
   * interval. Other sessions cost nothing.
   *
   * @default {{ every: 10 }}
   */
  live?: { every?: number };
  /** Callbacks for the events of sessions. */
  events?: SessionEvents;
  /**
   * Receives failures that can't be reported in a response.
   *
   * @default {console}
   */
  logger?: Logger;
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/**
 * Options of sessions that are bound to a device.
 *
 * @experimental
 *
 * @example A login asks the browser to bind the session
 * ```ts
 * import { session, type SessionDeviceOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertMatch } from "@std/assert";
 *
 * const device: SessionDeviceOptions = { every: 300 };
 * const secret = "a secret of thirty-two characters or more";
 * const app = new Hono()
 *   .use(session<{ userId?: string }>({ store: new MapStore(), secret, device }))
 *   .post("/login", async (c) => {
 *     await c.var.session.regenerate();
 *     c.var.session.userId = "42";
 *     return c.text("welcome");
 *   });
 *
 * const login = await app.request("/login", { method: "POST" });
 * const asked = login.headers.get("secure-session-registration")!;
 * assertMatch(asked, /^\(ES256 RS256\);path="\/_session\/device\/register\?r=.+";challenge=".+"$/);
 * ```
 */
export interface SessionDeviceOptions {
  /**
   * The path under which the middleware answers browsers: `POST` requests to `register` and `refresh` below it. It is the path
   * that browsers see. The middleware must be mounted there.
   *
   * @default {"/_session/device", with another `contextKey` followed by a slash and that key}
   */
  path?: string;
  /**
   * The lifetime of a proof in seconds, 300 to 86,400. For that time, copies of both cookies are accepted. A browser in use sends a
   * proof about as often.
   *
   * @default {600}
   */
  every?: number;
  /**
   * The hosts whose pages may make the browser prove its device: `"*"` for all, or names such as `"example.com"` and
   * `"*.example.com"`. A visitor who follows a link from another host after the proof has expired is an anonymous visitor for that
   * request. With `"*"`, other sites may find out by timing whether a browser has a session here.
   *
   * @default {["*"]}
   */
  initiators?: readonly string[];
}

/**
 * Options of access tokens for clients without cookies: JWTs (RFC 7519) signed with HMAC-SHA256. A client sends
 * one as `Authorization: Bearer …` or in the query. The query is tried first, then the header, then the cookie;
 * a token that is not accepted is skipped.
 *
 * A token becomes invalid when its session ends or is regenerated. Query strings end up in logs and browser
 * histories: disable `queryParam` where you can (RFC 6750, 2.3).
 *
 * @example Log in with a token
 * ```ts
 * import { session, type SessionTokenOptions, startSession } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const token: SessionTokenOptions<{ userId?: string }> = {
 *   secret: "a secret of thirty-two characters or more",
 *   maxAge: 3600,
 *   queryParam: false,
 *   payload: ({ userId }) => ({ userId }),
 * };
 * const app = new Hono()
 *   .use(session({ store: new MapStore(), cookieName: false, token }))
 *   .post("/login", async (c) => {
 *     await startSession(c, { userId: "42" });
 *     return c.text(c.get("sessionToken")!);
 *   })
 *   .get("/me", (c) => c.text(c.var.session.userId ?? "nobody"));
 *
 * const login = await app.request("/login", { method: "POST" });
 * const headers = { authorization: `Bearer ${await login.text()}` };
 * assertEquals(await (await app.request("/me", { headers })).text(), "42");
 * ```
 */
export interface SessionTokenOptions<Data extends object = SessionData> {
  /**
   * The secret that signs tokens, or several: the first signs, all verify.
   *
   * @default {the secret of the middleware}
   */
  secret?: SecretOption;
  /** The lifetime of a token, in seconds. The token is also rejected once its session has ended. */
  maxAge: number;
  /**
   * The query parameter that may carry a token. `false`: none.
   *
   * @default {"token"}
   */
  queryParam?: string | false;
  /**
   * The header that may carry a token. In any header but `Authorization` the word `Bearer` is optional.
   *
   * @default {"Authorization"}
   */
  header?: string;
  /**
   * The audience of the tokens: their `aud` claim. A token with another audience, or without one, is rejected.
   * No `aud` when absent.
   */
  audience?: string;
  /**
   * Returns further claims for readers of the token. It can't set `sid`, `exp` and `aud`.
   *
   * @param session The session.
   */
  payload?: (session: Session<Data>) => object | Promise<object>;
}
