import type { MiddlewareHandler } from "hono";
import type { MiddlewareConfig } from "../http/config.ts";
import { credentialsOf } from "../http/credentials.ts";
import { prepareCookie, writeCookie } from "../http/set_cookie.ts";
import { contextSessionOf } from "../middleware/context.ts";
import type { SessionEnv } from "../middleware/env.ts";
import { makeMiddleware } from "../middleware/middleware.ts";
import { assertSubject } from "../record/subject.ts";
import { Sessions } from "../request/sessions.ts";
import type { Session, SessionData } from "../session/session.ts";
import { asSession } from "../session/session_object.ts";
import { type ListOptions, SessionList } from "./session_list.ts";

/**
 * Options of everything that a {@linkcode SessionManager} does.
 *
 * @example Bindings of a Worker
 * ```ts
 * import { createSessions, type ManageOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 *
 * const sessions = createSessions({ store: new MapStore() });
 * new Hono().get("/devices/count", async (c) => {
 *   const options: ManageOptions = { c };
 *   return c.json(await sessions.count("user:42", options));
 * });
 * ```
 */
export interface ManageOptions {
  /** The Hono context, for stores, secrets and scopes that come with it, and to know the session of this request. */
  c?: unknown;
}

/**
 * Options of `revokeAll`.
 *
 * @example All but one
 * ```ts
 * import { createSessions, type RevokeAllOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const sessions = createSessions({ store: new MapStore() });
 * await sessions.create({}, { subject: "user:42" });
 * const { sid } = await sessions.create({}, { subject: "user:42" });
 * const options: RevokeAllOptions = { except: sid };
 * assertEquals(await sessions.revokeAll("user:42", options), 1);
 * ```
 */
export interface RevokeAllOptions extends ManageOptions {
  /** The `sid` of a session that stays. */
  except?: string | undefined;
}

/**
 * Options of `create`.
 *
 * @example For a test
 * ```ts
 * import { createSessions, type CreateOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const sessions = createSessions({ store: new MapStore() });
 * const app = new Hono().use(sessions.middleware()).get("/", (c) => c.text(c.var.session.subject!));
 *
 * const options: CreateOptions = { subject: "user:42", meta: { device: "phone" }, maxAge: 60 };
 * const { cookie } = await sessions.create({}, options);
 * assertEquals(await (await app.request("/", { headers: { cookie } })).text(), "user:42");
 * ```
 */
export interface CreateOptions extends ManageOptions {
  /** Whose session it is. */
  subject?: string;
  /** What lists show of it. */
  meta?: object;
  /** A lifetime of its own, in seconds, or `"browser"`. */
  maxAge?: number | "browser";
}

/**
 * A session that was made outside of a request.
 *
 * @example Usage
 * ```ts
 * import { type CreatedSession, createSessions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertMatch } from "@std/assert";
 *
 * const created: CreatedSession = await createSessions({ store: new MapStore() }).create();
 * assertMatch(created.cookie, /^sid=/);
 * ```
 */
export interface CreatedSession {
  /** Its public handle. */
  readonly sid: string;
  /** What a client sends as `Cookie` header; empty where there are no cookies. */
  readonly cookie: string;
  /** What a server sends as `Set-Cookie` headers. */
  readonly setCookie: readonly string[];
  /** Its token for clients that keep no cookies, with the option `token`. */
  readonly token: string | undefined;
}

/**
 * The sessions of one configuration: their middleware, and what can be done with them inside and outside of requests.
 * {@linkcode createSessions} makes it.
 *
 * @typeParam Data The data of the sessions.
 * @typeParam Key The name of the session on the context.
 *
 * @example A page of devices
 * ```ts
 * import { createSessions, type SessionManager } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const sessions: SessionManager = createSessions({ store: new MapStore() });
 * const app = new Hono()
 *   .use(sessions.middleware())
 *   .use("/devices/*", async (c, next) => c.var.session.subject ? await next() : c.redirect("/login"))
 *   .get("/devices", async (c) =>
 *     c.json(await Array.fromAsync(sessions.list(c.var.session.subject!, { c }))))
 *   .delete("/devices/:sid", async (c) =>
 *     c.json(await sessions.revoke(c.var.session.subject!, c.req.param("sid"))));
 *
 * const { cookie, sid } = await sessions.create({}, { subject: "user:42" });
 * const devices = await (await app.request("/devices", { headers: { cookie } })).json();
 * assertEquals([devices[0].sid, devices[0].current], [sid, true]);
 * ```
 */
export class SessionManager<Data extends object = SessionData, Key extends string = "session"> {
  readonly #config: MiddlewareConfig;
  readonly #sessions: Sessions;

  /**
   * Is called by {@linkcode createSessions}.
   *
   * @param config Checked options.
   * @ignore
   */
  constructor(config: MiddlewareConfig) {
    this.#config = config;
    this.#sessions = new Sessions(config);
  }

  /**
   * The middleware that gives every request its session, as {@linkcode session} makes it.
   *
   * @returns The middleware.
   */
  middleware(): MiddlewareHandler<SessionEnv<Data, Key>> {
    return makeMiddleware(this.#config, this.#sessions);
  }

  /**
   * The live sessions of a subject, the newest first. A page reads no more records than it shows, and one or two to know where it begins
   * and whether there is another one. Of the list itself Deno KV and Redis read all entries, DynamoDB those of the page.
   *
   * @param subject The subject.
   * @param options How many, from where on.
   * @returns What can be iterated over; it asks the store when that begins.
   * @throws {TypeError} When the subject can be none, or the store doesn't list the sessions of one.
   * @throws {RangeError} When `limit` is not a positive integer.
   * @throws {SessionStoreError} When the store failed.
   */
  list(subject: string, options: ListOptions = {}): SessionList {
    const { c } = options;
    const { contextKey } = this.#config;
    assertSubject(subject, { action: "list sessions of subject" });
    return new SessionList((page) => this.#sessions.list({ subject, ...page }, c), {
      ...options,
      current: async () =>
        (await contextSessionOf(c, contextKey)?.load())?.state?.stored?.record.sid,
    });
  }

  /**
   * How many live sessions a subject has.
   *
   * @param subject The subject.
   * @param options The context.
   * @returns Their number.
   * @throws {TypeError} When the subject can be none, or the store doesn't list the sessions of one.
   * @throws {SessionStoreError} When the store failed.
   */
  async count(subject: string, { c }: ManageOptions = {}): Promise<number> {
    assertSubject(subject, { action: "count sessions of subject" });
    return (await this.#sessions.list({ subject }, c)).length;
  }

  /**
   * Ends one session of a subject. A request that is under way with it can store nothing any more.
   *
   * @param subject The subject.
   * @param sid The public handle of the session.
   * @param options The context.
   * @returns `false`, and nothing was ended, when the subject has no such session.
   * @throws {TypeError} When the subject can be none, or the store doesn't list the sessions of one.
   * @throws {SessionStoreError} When the store failed.
   */
  async revoke(subject: string, sid: string, { c }: ManageOptions = {}): Promise<boolean> {
    assertSubject(subject, { action: "revoke session of subject" });
    return await this.#sessions.revoke({ subject, sid }, c);
  }

  /**
   * Ends all sessions of a subject: after a change of the password, for example. A login that is under way is refused and
   * answered 409; one that begins when this has returned is logged in, whatever the clocks of the servers say. That of the request
   * that calls it is not excepted.
   *
   * @param subject The subject.
   * @param options Which one stays.
   * @returns How many were ended.
   * @throws {TypeError} When the subject can be none, or the store doesn't list the sessions of one.
   * @throws {SessionStoreError} When the store failed.
   */
  async revokeAll(subject: string, { except, c }: RevokeAllOptions = {}): Promise<number> {
    assertSubject(subject, { action: "revoke sessions of subject" });
    return await this.#sessions.revokeAll({ subject, except }, c);
  }

  /**
   * Makes a session outside of a request: for a test, a command line, or a client that gets its token by another way.
   *
   * @param data Its data, over those of the option `initial`.
   * @param options Whose it is, and what else there is to say.
   * @returns What opens it.
   * @throws {SessionLimitError} When the subject may have no more.
   * @throws {SessionEndedError} When sessions of the subject, this one too, were ended at the same time. Its status is 409.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   * @throws {SessionStoreError} When the store failed.
   * @throws {TypeError} When a key of the data is reserved, `subject` or `meta` can be none, or the `scope` is `"host"` and there is no
   * context.
   * @throws {RangeError} When `maxAge` is out of range, or `meta` too long.
   */
  async create(
    data: Partial<Data> = {},
    { subject, meta, maxAge, c }: CreateOptions = {},
  ): Promise<CreatedSession> {
    const requestSession = this.#sessions.anonymous(c);
    const { sid } = await requestSession.start(data, (state) => {
      state.subject = subject;
      state.meta = meta;
      if (maxAge !== undefined) state.renew(maxAge);
    });
    const response = new Headers();
    const prepared = await prepareCookie(this.#config, requestSession.cookieChange, c);
    if (prepared) writeCookie(this.#config, prepared, { request: new Headers(), response });
    const setCookie = response.getSetCookie();
    const pairs = setCookie.map((line) => line.split(";")[0]!);
    // The others expire cookies of former scopes.
    const cookie = pairs.filter((pair) => pair.indexOf("=") < pair.length - 1).join("; ");
    return { sid, cookie, setCookie, token: requestSession.accessToken };
  }

  /**
   * The session of a request that no middleware has seen, of a WebSocket for example. It can be read, and changed with `save()` or
   * `update()`, which end in a {@linkcode SessionEndedError} once it was ended; what needs a cookie to be sent throws a {@linkcode SessionCommittedError}.
   *
   * @param request The request.
   * @param options The context.
   * @returns The session, `undefined` when the request opens none.
   * @throws {SessionStoreError} When the store failed.
   * @throws {TypeError} When the `scope` is `"host"` and there is no context.
   */
  async open(request: Request, { c }: ManageOptions = {}): Promise<Session<Data> | undefined> {
    const requestSession = await this.#sessions.load(
      await credentialsOf(this.#config, request, c),
      c,
    );
    requestSession.leave();
    if (requestSession.state) this.#sessions.unsavedChanges.watch(requestSession.state, 0);
    return requestSession.isLoaded ? asSession<Data>(requestSession.session) : undefined;
  }
}
