/**
 * The data of sessions, empty here, for an application to fill in once for all of its sessions, by augmenting
 * this interface in a file of its own. The reference has the lines.
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
 * What every session has beside its data. The names are reserved: giving data one of them is a
 * `TypeError`.
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
  /** Whether the session has never been stored. */
  readonly isNew: boolean;

  /**
   * Whether the data differ from what was loaded or last saved. Nested changes count; writing an
   * equal value doesn't, nor does another order of keys.
   *
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  readonly hasChanged: boolean;

  /**
   * A public handle for lists and logs, stable over `regenerate()`. It is neither the token nor the key
   * in the store and opens nothing (ASVS 5.0, 16.2.5).
   */
  readonly sid: string;

  /** When the session ends unless it is renewed. */
  readonly expiresAt: Date;

  /**
   * Whose session it is, `"user:42"` for example: set it at login, so that all sessions of a user can be
   * found and ended, see {@linkcode createSessions}. It is committed with the data; `undefined` clears it. A subject is one in all
   * scopes and cookies of a store: put the tenant into its name where user 42 of another tenant is somebody else.
   *
   * The login begins when it is set. When all sessions of the subject are ended from then on until it is stored, it is refused:
   * `save()` is rejected with a {@linkcode SessionEndedError}, and the request is answered 409.
   *
   * @throws {TypeError} When it is set to anything but a string of 1 to 256 characters or `undefined`.
   * @throws {SessionEndedError} When it is set on a session that has ended.
   * @throws {SessionCommittedError} When the response has left and a cookie would have to be sent: the session is new, or lies
   * in its cookie.
   */
  subject: string | undefined;

  /**
   * What lists of the subject's sessions show of this one, its device and place for example: a small object that
   * survives JSON. It is committed with the data; `undefined` clears it. It is replaced as a whole: what is read is frozen.
   * Cut what a client sends, a `User-Agent` for example, or a long one fails its login.
   *
   * @throws {TypeError} When it is set to anything but a plain object or `undefined`.
   * @throws {RangeError} When its JSON is longer than 2,048 characters.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   * @throws {SessionEndedError} When it is set on a session that has ended.
   * @throws {SessionCommittedError} When the response has left and a cookie would have to be sent: the session is new, or lies
   * in its cookie.
   */
  get meta(): Readonly<Record<string, unknown>> | undefined;
  set meta(meta: object | undefined);

  /**
   * Ends the session: its record is deleted and its cookie cleared when the response leaves. For the rest of the
   * request it reads as an empty, new one, of which `sid` is left for logs. Changing it throws a {@linkcode SessionEndedError}, until an object
   * that is assigned to `c.session`, or `startSession(c)`, begins another one. Ending it once more does nothing.
   *
   * @throws {SessionCommittedError} When the response has left.
   */
  destroy(): void;

  /**
   * Gives the session a new token. The data stay, the old record is deleted and the old token is dead
   * once the response leaves, also for requests in flight. To be called whenever somebody gains rights,
   * at login above all (OWASP Session Management Cheat Sheet; ASVS 5.0, 7.2.4).
   *
   * It never revives a session that was ended meanwhile: what a request has put into it as well, a login, is refused and
   * answered 409. The absolute deadline stays.
   *
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionCommittedError} When the response has left.
   */
  regenerate(): Promise<void>;

  /**
   * Begins the lifetime anew, for the record, the store and the cookie together. `absoluteMaxAge` still
   * bounds it.
   *
   * @param maxAge A lifetime in seconds, rounded up, that sticks to this session and its cookie ("remember me"), or
   * `"browser"` for a cookie that ends with the browser while the server keeps the lifetime.
   * @throws {RangeError} When `maxAge` is not a positive, finite number.
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionCommittedError} When the response has left.
   */
  renew(maxAge?: number | "browser"): void;

  /**
   * Keeps a value for this request and the next one only, to survive a redirect. The next one is a page or a call of the
   * application: what can't show the value leaves it for the one after. That is an answer of 500 and above, a 304, an upgrade,
   * `OPTIONS` and `HEAD`, a prefetch (`Sec-Purpose`), whatever is part of a page (an image, a style, a script, by
   * `Sec-Fetch-Dest`), and a favicon. Data of the same key are hidden as long as it shows; assigning to the key makes it data.
   *
   * @param key The key, readable like any data.
   * @param value The value.
   * @throws {TypeError} When the key is the name of a member.
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionCommittedError} When the response has left and a cookie would have to be sent: the session is new, or lies
   * in its cookie.
   */
  flash<Key extends keyof Data & string>(key: Key, value: Data[Key]): void;
  /**
   * Keeps a value under a key that the type of the data does not name.
   *
   * @param key The key.
   * @param value The value.
   */
  flash<Key extends string>(key: Key extends keyof Data ? never : Key, value: unknown): void;

  /**
   * Keeps the values that were flashed by the request before for one request more.
   *
   * @throws {SessionEndedError} When the session has ended.
   * @throws {SessionCommittedError} When the response has left and a cookie would have to be sent: the session is new, or lies
   * in its cookie.
   */
  reflash(): void;

  /**
   * Changes one key as a transaction and commits it at once. When another request was faster, the
   * function runs again on the fresh value, so that no increment is lost. With a store that isn't atomic,
   * a cookie above all, it is a plain change.
   *
   * @param key The key.
   * @param change The new value, given the present one. It may run several times; a key is deleted by
   * `undefined`.
   * @returns The committed value.
   * @throws {SessionEndedError} When the session has ended, here or in another request.
   * @throws {SessionCommittedError} When the response has left and a cookie would have to be sent: the session is new, or lies
   * in its cookie.
   * @throws {SessionConflictError} When other requests were faster for as long as `storeTimeout`.
   * @throws {SessionStoreError} When the store failed.
   */
  update<Key extends keyof Data & string>(
    key: Key,
    change: (value: Data[Key]) => Data[Key],
  ): Promise<Data[Key]>;

  /**
   * Commits now, without waiting for the response: in a stream or a WebSocket after it has left, or
   * where a later error must not undo what was done. A change after the response that nobody saves is lost; the `logger`
   * is warned of it where it can be noticed.
   *
   * @throws {SessionEndedError} When the session has ended, here or in another request.
   * @throws {SessionCommittedError} When the response has left and a cookie would have to be sent: the session is new, or lies
   * in its cookie.
   * @throws {SessionConflictError} When other requests were faster for as long as `storeTimeout`.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   * @throws {SessionStoreError} When the store failed.
   */
  save(): Promise<void>;

  /**
   * Forgets what this request has changed and not saved: data, flashed values, subject, meta, lifetime and cookie. For an error
   * handler that sends a message to the next page, where an answer below 500 would commit the rest as well. What ended stays ended,
   * and a new token that was asked for is given.
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
   * The data alone.
   *
   * @returns A new object; its values are shared with the session.
   */
  toJSON(): Data;
}

/**
 * Data without the keys that are names of members.
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
 * A session: its data as own properties, and the members of {@linkcode SessionMembers}.
 *
 * @example A function that takes a session
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
