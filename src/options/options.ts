import type { SessionEncoder } from "../crypto/encoder.ts";
import type { SecretOption } from "../crypto/secrets.ts";
import type { Logger, SessionEvents } from "../events.ts";
import type { SessionCookieOptions } from "../http/cookie_attributes.ts";
import type { StandardSchema } from "../record/schema.ts";
import type { Session, SessionData } from "../session/session.ts";
import type { KeyValueStore, SessionStore } from "../store/contract.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";

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
   * Where sessions are kept: a store of this package or of your own, a bare `Map`, or anything with `get`,
   * `set` and `delete`.
   *
   * @default {DenoKvStore where there is Deno KV, else SealedCookieStore}
   */
  store?: SessionStore | KeyValueStore;
  /**
   * One secret of at least 32 characters, or several: the first writes, all read. Or a function that finds
   * them for a request, for runtimes that hand secrets out with requests only. With a store on the server it
   * signs the token in the cookie, so that a forged one costs no store call; where the sealed cookie is the
   * default store, it seals it. A cookie store that you make takes its own.
   */
  secret?: SecretOption;
  /**
   * Takes the place of iron in the sealed cookie, which it makes the default store.
   *
   * @default {iron-webcrypto}
   */
  encoder?: SessionEncoder;
  /**
   * How long a session lives after its creation or its last renewal (ASVS 5.0, 7.3.1).
   *
   * @default {86400}
   */
  maxAge?: number;
  /**
   * Whether use renews a session: at most once per tenth of its lifetime with `true`, at most once per
   * `after` seconds with an object. A session that is written anyway is renewed up to 65 seconds sooner.
   *
   * @default {false}
   */
  rolling?: boolean | {
    /** The least time between two renewals. */
    after: number;
  };
  /**
   * Whether the cookie is a persistent one. `false`: it ends with the browser (without `Max-Age`), while the server keeps
   * `maxAge`, but for sessions that `renew(seconds)` gave a lifetime of their own ("remember me").
   *
   * @default {true}
   */
  persistent?: boolean;
  /** How long a session lives at most, however often it is renewed (ASVS 5.0, 7.3.2). No limit when absent. */
  absoluteMaxAge?: number;
  /**
   * Gives a session a new token now and then, so that a copied one is worth little (ASVS 5.0, 7.2.4). The old token is
   * accepted until a client has come back with the new one, as the answer with it may have got lost, and for `grace`
   * seconds more. From then on it is rejected as `reuse`. The next rotation waits for the end of the grace. Requires a
   * store that is atomic. Off when absent.
   */
  rotate?: {
    /** The age of a token from which the next request gets another. `0`: as often as `grace` allows. */
    every: number;
    /**
     * How long the old token is accepted once the new one has come back, for requests at the same time.
     *
     * @default {30}
     */
    grace?: number;
    /**
     * How long after that its reuse is noticed. Each rotated token takes some 300 bytes in the store for so long, at the
     * longest until its session expires. `0` saves them: an old token is then rejected as `unknown`.
     *
     * @default {3600}
     */
    remember?: number;
  };
  /**
   * The name of the cookie. `false`: there is none, sessions are opened by `token` alone.
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
   * The name of a second cookie, `1`, that is written and deleted with the session's and that scripts can read: where
   * it is missing, nobody is logged in. Off when absent.
   */
  existsCookieName?: string;
  /**
   * What differs from `cookieOptions` in the attributes of the second cookie, as the domain of a page that is not the
   * server's. Scripts can always read it, and it takes no prefix over.
   *
   * @default {{}}
   */
  existsCookieOptions?: Omit<SessionCookieOptions, "httpOnly">;
  /**
   * Also opens sessions by a signed token, for clients that keep no cookies: `c.get("sessionToken")` gives it. Takes a
   * store on the server. Off when absent.
   */
  token?: SessionTokenOptions<Data>;
  /**
   * The data that a new session starts with, or a function that makes them, without parameters and at once. Every visitor gets a
   * copy, and they alone are no reason to store anything. What `startSession` or an assigned object gives goes over them.
   *
   * @default {{}}
   */
  initial?: Partial<Data> | (() => Partial<Data>);
  /**
   * Checks the data of a session that is loaded, and may change them. Where they don't fit, the client gets a fresh session.
   * None when absent.
   */
  schema?: StandardSchema<Data>;
  /**
   * Brings the data of an older session up to date when it is loaded, before `schema` checks them. `undefined` as an
   * answer gives the client a fresh session. What it changes is stored with the request. None when absent.
   *
   * @param data The data as they are stored, a copy.
   * @param c The Hono context.
   */
  // deno-lint-ignore no-explicit-any -- Older data are whatever they were, and only the application knows its context.
  migrate?: (data: any, c: any) => Awaitable<Data | undefined>;
  /**
   * Where a session lives: it opens nothing in another scope. `"host"`: the host name of the request; or a function
   * that names the scope, the tenant for example. Everywhere when absent.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context: `(c) => c.var.tenant`.
  scope?: "host" | ((c: any) => string);
  /**
   * How many sessions a subject (`session.subject`) may have, and what happens when it begins another one: its oldest ends, or the
   * new one is refused with a {@linkcode SessionLimitError} (ASVS 5.0, 7.1.2). Of those that begin at the same time the newest stays, and the
   * others are answered 409. Those of all cookies and scopes of the store count. Requires a store with an index. No limit when absent.
   */
  maxSessions?: {
    /** The most sessions, an integer of at least 1. */
    limit: number;
    /**
     * What happens to one more. Either takes one list of the subject's sessions before a login is stored, and one after
     * it; of more logins at the same time than there is room for, some are answered 409, or 403 with `"reject"`.
     *
     * @default {"evict-oldest"}
     */
    policy?: "evict-oldest" | "reject";
  };
  /**
   * Whether `startSession` may end a live session to begin another one. `false` makes it throw a
   * {@linkcode SessionExistsError}.
   *
   * @default {true}
   */
  allowOverwrite?: boolean;
  /**
   * Whether changes are kept although the answer has a status of 500 or above. Below that they are, thrown or
   * returned. Ending a session and giving it a new token always are.
   *
   * @default {false}
   */
  commitOnError?: boolean;
  /**
   * What happens when a session can't be loaded: `"error"` answers 503; `"anonymous"` goes on with an empty
   * session that refuses changes.
   *
   * @default {"error"}
   */
  onStoreError?: "error" | "anonymous";
  /**
   * How long one operation of the store may take, and how long a change is tried again when other requests were faster. Then
   * it is refused with a {@linkcode SessionConflictError} (409).
   *
   * @default {5}
   */
  storeTimeout?: number;
  /**
   * Whether responses that depend on a session tell shared caches: `Vary: Cookie` and `private`, and
   * `no-store` when they carry its cookie. Turn it off only where another part of the application does it.
   *
   * @default {true}
   */
  cacheControl?: boolean;
  /**
   * The name of the session on the context: `c.get("session")`, `c.var.session`, `c.session`. With another
   * name and another cookie an application can have several. What belongs to it is named after it:
   * `c.get("sessionCookie")`, `c.get("sessionToken")`.
   *
   * @default {"session"}
   */
  // deno-lint-ignore ban-types -- Any name, but one that is known is inferred.
  contextKey?: Key | (string & {});
  /**
   * Whether to wait with loading until `await getSession(c)`. Until then the session can be neither read nor changed. Caches are
   * told of a session that is asked for before the response is returned, not of one that a stream asks for later.
   *
   * @default {false}
   */
  lazy?: boolean;
  /** Callbacks for what happens to sessions. */
  events?: SessionEvents;
  /**
   * Where failures are reported that no response can tell of.
   *
   * @default {console}
   */
  logger?: Logger;
  /**
   * Tells the time, for tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/**
 * Options of tokens for clients that keep no cookies: JWTs (RFC 7519) signed with HMAC-SHA256. A client gives one as
 * `Authorization: Bearer …` or in the query; the one in the query counts first, and both before a cookie. One that
 * opens nothing is passed over.
 *
 * A token is dead when its session has ended or was given another one by `regenerate()`. What is in the query ends up in logs
 * and histories: close it where you can (RFC 6750, 2.3).
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
  /** How long a token can be used after it was made, in seconds. It opens nothing when the session ends before. */
  maxAge: number;
  /**
   * The query parameter that may hold a token. `false`: none.
   *
   * @default {"token"}
   */
  queryParam?: string | false;
  /**
   * The header that may hold a token. In one of another name the word `Bearer` may be left out.
   *
   * @default {"Authorization"}
   */
  header?: string;
  /**
   * Whom tokens are for: their `aud` claim. A token with another one, or none, is not accepted. None when absent.
   */
  audience?: string;
  /**
   * Further claims for whoever reads the token. `sid`, `exp` and `aud` are not among them.
   *
   * @param session The session.
   */
  payload?: (session: Session<Data>) => object | Promise<object>;
}
