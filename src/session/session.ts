import type { SessionDevice } from "../record/device.ts";
import type { SessionProvider } from "../record/provider.ts";

/**
 * The data of sessions. It is empty: an application can augment this interface once, in a file of its own, to
 * type all of its sessions. The reference shows how.
 *
 * @example Types for one middleware instead
 * ```ts
 * import { session, type SessionData } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * interface Shop extends SessionData {
 *   cart?: string[];
 * }
 * session<Shop>({ store: new MapStore() });
 * ```
 */
// deno-lint-ignore no-empty-interface
export interface SessionData {}

/**
 * Options of `session.confirm()`.
 *
 * @example A login at an identity provider
 * ```ts
 * import type { ConfirmOptions, Session } from "@x/hono-session";
 *
 * export function loggedIn(session: Session, claims: { sub: string; auth_time: number }): void {
 *   const options: ConfirmOptions = { at: claims.auth_time };
 *   session.subject = claims.sub;
 *   session.confirm("oidc", options);
 * }
 * ```
 */
export interface ConfirmOptions {
  /**
   * The time of the proof in seconds since 1970, like the claim `auth_time` of OpenID Connect. It is required: a provider that
   * omits the claim may not have asked the user for a proof. Request it with `max_age`. A time up to a minute in the future
   * counts as now.
   */
  readonly at: number;
}

/**
 * The members that every session has besides its data. Their names are reserved: using one as a key of the data
 * throws a `TypeError`.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono().use(session<{ userId?: string }>({ store: new MapStore() }));
 * app.post("/login", async (c) => {
 *   await c.var.session.regenerate();
 *   c.var.session.userId = "42";
 *   c.var.session.flash("notice", "Welcome back");
 *   return c.redirect("/");
 * });
 * app.get("/", (c) => c.json({ isNew: c.var.session.isNew, data: c.var.session }));
 *
 * const login = await app.request("/login", { method: "POST" });
 * const cookie = login.headers.getSetCookie()[0]!.split(";")[0]!;
 * const home = await app.request("/", { headers: { cookie } });
 * assertEquals(await home.json(), {
 *   isNew: false,
 *   data: { userId: "42", notice: "Welcome back" },
 * });
 * ```
 */
export interface SessionMembers<Data extends object = SessionData> {
  /** `true` until the session is stored for the first time. */
  readonly isNew: boolean;

  /**
   * `true` when the data differ from what was loaded or last saved. Nested changes count. Writing an equal
   * value doesn't count, nor does a different order of keys.
   *
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  readonly hasChanged: boolean;

  /**
   * A public identifier for lists and logs, stable over `regenerate()`. It is neither the token nor the key in
   * the store, and can't be used to log in (ASVS 5.0, 16.2.5).
   */
  readonly sid: string;

  /** The time at which the session expires unless it is renewed. */
  readonly expiresAt: Date;

  /**
   * A signal that aborts when the session ends: at logout, when it is revoked or evicted, and when it expires,
   * in this process or another. Its `reason` is a {@linkcode SessionEndReason}. The signal follows the session
   * over new tokens. An end in another process is detected within `live.every` seconds (10 by default), and
   * sooner if the store notifies its processes.
   *
   * The session is read again as long as the signal is in use: until the response is over if it is a stream, otherwise
   * while the signal has listeners. A WebSocket outlives its response: remove its listener when it closes.
   * Listeners that `AbortSignal.any` and `fetch` add are not visible. Therefore a signal that is read in a WebSocket,
   * after the response, or from `sessions.open()`, is in use until the session ends or its last listener is removed.
   * If the session is not stored, the signal aborts only when its request ends the session. If it is in a cookie without
   * `revocations`, the signal also aborts when the session expires.
   *
   * @example An event stream that ends with its session
   * ```ts
   * import { createSessions, requireSession } from "@x/hono-session";
   * import { MapStore } from "@x/hono-session/stores/map";
   * import { Hono } from "hono";
   * import { streamSSE } from "hono/streaming";
   * import { assertEquals } from "@std/assert";
   *
   * const sessions = createSessions({ store: new MapStore() });
   * const app = new Hono().use(sessions.middleware()).get("/events", requireSession(), (c) =>
   *   streamSSE(c, async (stream) => {
   *     const { ended } = c.var.session;
   *     const isOver = new Promise((resolve) => ended.addEventListener("abort", resolve));
   *     await stream.writeSSE({ data: "hello" });
   *     await isOver;
   *     await stream.writeSSE({ event: "ended", data: ended.reason });
   *   }));
   *
   * const { cookie } = await sessions.create({}, { subject: "user:42" });
   * const response = await app.request("/events", { headers: { cookie } });
   * await sessions.revokeAll("user:42");
   * assertEquals(await response.text(), "data: hello\n\nevent: ended\ndata: revoked\n\n");
   * ```
   */
  readonly ended: AbortSignal;

  /**
   * The owner of the session, such as `"user:42"`. Set it at login, so that all sessions of a user can be
   * listed and revoked, see {@linkcode createSessions}. It is committed with the data; `undefined` clears it. A
   * subject is global to a store, over all scopes and cookies: where two tenants can each have a user 42,
   * include the tenant in the name.
   *
   * Setting it starts the login. When all sessions of the subject are revoked before the login is stored, the
   * login is refused: `save()` rejects with a {@linkcode SessionEndedError}, and the response is a 409.
   *
   * @throws {TypeError} When it is set to anything but a string of 1 to 256 characters or `undefined`.
   * @throws {SessionEndedError} When it is set on a session that has ended.
   * @throws {SessionCommittedError} When the response has been sent and the change needs a cookie: the session
   * is new, or is stored in its cookie.
   */
  subject: string | undefined;

  /**
   * The session at the identity provider from which this session comes, so that a logout there ends it, see
   * {@linkcode backChannelLogout}. Set it at login, together with `subject`, which it requires. It is committed
   * with the data; `undefined` or another subject clears it. The object that is read is frozen.
   *
   * Setting it starts the login. When the provider ends its session before the login is stored, the login is
   * refused: `save()` rejects with a {@linkcode SessionEndedError}, and the response is a 409.
   *
   * @throws {TypeError} When `issuer` or `sid` is not a well-formed string of 1 to 512 characters; when the
   * session is committed, if it has no subject.
   * @throws {SessionEndedError} When it is set on a session that has ended.
   * @throws {SessionCommittedError} When the response has been sent and the change needs a cookie: the session
   * is new, or is stored in its cookie.
   */
  provider: SessionProvider | undefined;

  /**
   * A description of this session for the list of its subject's sessions, such as its device and place: a small
   * object of JSON values. It is committed with the data; `undefined` clears it. The object that is read is
   * frozen: assign a new one to change it. Truncate values that a client sends, such as a `User-Agent`: a long one
   * would make the login fail.
   *
   * @throws {TypeError} When it is set to anything but a plain object or `undefined`.
   * @throws {RangeError} When its JSON is longer than 2,048 characters.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   * @throws {SessionEndedError} When it is set on a session that has ended.
   * @throws {SessionCommittedError} When the response has been sent and the change needs a cookie: the session
   * is new, or is stored in its cookie.
   */
  get meta(): Readonly<Record<string, unknown>> | undefined;
  /** Changes or clears the description. */
  set meta(meta: object | undefined);

  /**
   * When the user last proved who they are, by method: the calls of {@linkcode SessionMembers.confirm}. The object and its
   * dates are a copy; without a confirmation it is empty.
   */
  readonly confirmations: Readonly<Record<string, Date | undefined>>;

  /**
   * Records that the user has just proved who they are, for `confirmed` of {@linkcode requireSession}. Call it at login and at
   * every later proof. It is committed with the data, and kept over `regenerate()`, `renew()` and `rotate`, which don't
   * move its time. Of concurrent calls with the same method, the later time counts.
   *
   * A confirmation counts for the present `subject`: set that first. Another subject removes all confirmations. A session
   * whose owner is only in its data keeps them when the owner changes: start such a login with `startSession()`.
   *
   * @param method The name of the method, such as `"password"`, `"otp"`, `"passkey"` or `"oidc"`: 1 to 32 letters, digits,
   * `.`, `_` and `-`. A session keeps 8 methods.
   * @param options The time, if it was not now.
   * @throws {TypeError} When the method is not such a name, or `at` is missing or not a number of seconds.
   * @throws {RangeError} When the session already has 8 other methods, or `at` is more than a minute in the future.
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionCommittedError} When the response has been sent and the change needs a cookie: the session
   * is new, or is stored in its cookie.
   *
   * @example Ask for the password again before something sensitive
   * ```ts
   * import { requireSession, session } from "@x/hono-session";
   * import { MapStore } from "@x/hono-session/stores/map";
   * import { Hono } from "hono";
   * import { assertEquals } from "@std/assert";
   *
   * const app = new Hono()
   *   .use(session({ store: new MapStore() }))
   *   .post("/login", async (c) => {
   *     await c.var.session.regenerate();
   *     c.var.session.subject = "user:42";
   *     c.var.session.confirm("password");
   *     return c.text("welcome");
   *   })
   *   .use("/settings/*", requireSession({ confirmed: { within: 300, by: ["password"] } }))
   *   .get("/settings/email", (c) => c.text("changed"));
   *
   * const login = await app.request("/login", { method: "POST" });
   * const cookie = login.headers.getSetCookie()[0]!.split(";")[0]!;
   * const response = await app.request("/settings/email", { headers: { cookie } });
   * assertEquals(await response.text(), "changed");
   * ```
   */
  confirm(method: string, options?: ConfirmOptions): void;

  /**
   * When the session was bound to the device of its browser, and when the browser last proved that it runs there;
   * `undefined` while it is not bound. See the option `device`.
   *
   * @experimental
   */
  readonly device: SessionDevice | undefined;

  /**
   * Ends the session: when the response is sent, its record is deleted and its cookie expired. If the request has
   * several cookies of this name, the sessions of the others end as well. For the rest of the request it reads as
   * an empty, new session that keeps its `sid` for logs. Changing it throws a {@linkcode SessionEndedError}. To
   * start another session, assign an object to `c.session` or call `startSession(c)`. A second call does nothing.
   *
   * @throws {SessionCommittedError} When the response has been sent.
   */
  destroy(): void;

  /**
   * Gives the session a new token and keeps its data. When the response is sent, the old record is deleted and
   * the old token becomes invalid, for requests in flight as well. Call it whenever a user gains rights, above
   * all at login (OWASP Session Management Cheat Sheet; ASVS 5.0, 7.2.4).
   *
   * It never revives a session that was ended in the meantime: if this request also changed the session, as a
   * login does, the changes are refused and the response is a 409. The deadline of `absoluteMaxAge` does not
   * move.
   *
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionCommittedError} When the response has been sent.
   */
  regenerate(): Promise<void>;

  /**
   * Restarts the lifetime of the record, the store entry and the cookie. `absoluteMaxAge` still limits it.
   *
   * @param maxAge A lifetime in seconds, rounded up, that this session and its cookie keep from now on
   * ("remember me"); or `"browser"` for a cookie that browsers drop when they close, while the session keeps
   * its lifetime on the server.
   * @throws {RangeError} When `maxAge` is not a positive, finite number.
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionCommittedError} When the response has been sent.
   */
  renew(maxAge?: number | "browser"): void;

  /**
   * Keeps a value for this request and the next one only, to survive a redirect. Requests that can't show the
   * value do not consume it:
   *
   * - responses of 500 and above, 304 responses, and upgrades
   * - `OPTIONS` and `HEAD` requests, and prefetches (`Sec-Purpose`)
   * - parts of a page, such as images, styles and scripts (`Sec-Fetch-Dest`), and favicons
   *
   * While the value is shown, it hides data of the same key. Assigning to the key turns it into data. If a
   * concurrent request shows an equal value, both count as one, and only that request shows it.
   *
   * @param key The key under which the session shows the value.
   * @param value The value.
   * @throws {TypeError} When the key is a reserved name.
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionCommittedError} When the response has been sent and the change needs a cookie: the session
   * is new, or is stored in its cookie.
   */
  flash<Key extends keyof Data & string>(key: Key, value: Data[Key]): void;
  /**
   * Keeps a value under a key that is not in the type of the data.
   *
   * @param key The key.
   * @param value The value.
   */
  flash<Key extends string>(key: Key extends keyof Data ? never : Key, value: unknown): void;

  /**
   * Keeps the values that the previous request flashed for one more request.
   *
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionCommittedError} When the response has been sent and the change needs a cookie: the session
   * is new, or is stored in its cookie.
   */
  reflash(): void;

  /**
   * Changes one key in a transaction and commits it immediately. When another request commits first, the
   * function runs again with the current value, so that no increment is lost. With a store that isn't atomic,
   * such as a cookie, it is a plain change.
   *
   * @param key The key.
   * @param change Returns the new value for the current one. It may run several times. `undefined` deletes the
   * key.
   * @returns The committed value.
   * @throws {SessionEndedError} When the session has ended, here or in another request.
   * @throws {SessionCommittedError} When the response has been sent and the change needs a cookie: the session
   * is new, or is stored in its cookie.
   * @throws {SessionConflictError} When the commit conflicted with other requests until `storeTimeout` was
   * over.
   * @throws {SessionStoreError} When the store failed.
   */
  update<Key extends keyof Data & string>(
    key: Key,
    change: (value: Data[Key]) => Data[Key],
  ): Promise<Data[Key]>;

  /**
   * Commits now instead of with the response. Use it in a stream or a WebSocket after the response has been
   * sent, or where a later error must not undo the changes. Changes that are made after the response and not
   * saved are lost; where they can be detected, the `logger` receives a warning.
   *
   * @throws {SessionEndedError} When the session has ended, here or in another request.
   * @throws {SessionCommittedError} When the response has been sent and the change needs a cookie: the session
   * is new, or is stored in its cookie.
   * @throws {SessionConflictError} When the commit conflicted with other requests until `storeTimeout` was
   * over.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   * @throws {SessionStoreError} When the store failed.
   */
  save(): Promise<void>;

  /**
   * Discards the unsaved changes of this request: data, flashed values, subject, confirmations, provider, meta, lifetime and cookie. Use
   * it in an error handler that flashes a message and responds with a status below 500, which would commit the
   * other changes as well. A `destroy()` or `regenerate()` is not undone.
   *
   * @example An error handler that flashes a message alone
   * ```ts
   * import { session, type SessionEnv } from "@x/hono-session";
   * import { MapStore } from "@x/hono-session/stores/map";
   * import { Hono } from "hono";
   * import { assertEquals } from "@std/assert";
   *
   * interface Data {
   *   name?: string;
   *   error?: string;
   * }
   *
   * const app = new Hono<SessionEnv<Data>>()
   *   .use(session<Data>({ store: new MapStore() }))
   *   .post("/name", (c) => {
   *     c.var.session.name = "half";
   *     throw new TypeError("The name is too short");
   *   })
   *   .get("/", (c) => c.json(c.var.session))
   *   .onError((error, c) => {
   *     c.var.session.discard();
   *     c.var.session.flash("error", error.message);
   *     return c.redirect("/", 303);
   *   });
   *
   * const response = await app.request("/name", { method: "POST" });
   * const cookie = response.headers.getSetCookie()[0]!.split(";")[0]!;
   * const home = await app.request("/", { headers: { cookie } });
   * assertEquals(await home.json(), { error: "The name is too short" });
   * ```
   */
  discard(): void;

  /**
   * Returns the data as a plain object.
   *
   * @returns A new object; its values are shared with the session.
   */
  toJSON(): Data;
}

/**
 * The data type without reserved keys.
 *
 * @example Usage
 * ```ts
 * import type { SessionValues } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const values: SessionValues<{ name: string; renew: number }> = { name: "Ada" };
 * assertEquals(values, { name: "Ada" });
 * ```
 */
export type SessionValues<Data extends object> = {
  [Key in keyof Data as Key extends keyof SessionMembers ? never : Key]: Data[Key];
};

/**
 * A session: its data as own properties, plus the members of {@linkcode SessionMembers}.
 *
 * @example A function with a session as parameter
 * ```ts
 * import type { Session } from "@x/hono-session";
 *
 * interface Shop {
 *   cart?: string[];
 * }
 *
 * export function addToCart(session: Session<Shop>, item: string): void {
 *   (session.cart ??= []).push(item);
 * }
 * ```
 */
export type Session<Data extends object = SessionData> = SessionMembers<Data> & SessionValues<Data>;
