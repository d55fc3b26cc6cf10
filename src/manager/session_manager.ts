import type { MiddlewareHandler } from "hono";
import type { CommitConfig } from "../commit/context.ts";
import type { MiddlewareConfig } from "../http/config.ts";
import { credentialsOf } from "../http/credentials.ts";
import { prepareCookie, writeCookie } from "../http/set_cookie.ts";
import { contextSessionOf } from "../middleware/context.ts";
import type { SessionEnv } from "../middleware/env.ts";
import { makeMiddleware } from "../middleware/middleware.ts";
import type { SessionProvider } from "../record/provider.ts";
import { assertSubject } from "../record/subject.ts";
import { ManagedSessions } from "./managed_sessions.ts";
import { Sessions } from "../request/sessions.ts";
import type { Session, SessionData } from "../session/session.ts";
import type { StoreStats } from "../store/contract.ts";
import { asSession } from "../session/session_object.ts";
import { type ListOptions, SessionList } from "./session_list.ts";

/**
 * Options of all methods of a {@linkcode SessionManager}.
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
  /** The Hono context, for stores, secrets and scopes that need it. */
  c?: unknown;
}

/**
 * Options of `revokeAll`.
 *
 * @example All sessions but one
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
  /** The `sid` of a session that is not revoked. */
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
  /** The owner of the session, see `session.subject`. */
  subject?: string;
  /** The session at its identity provider, see `session.provider`. */
  provider?: SessionProvider | undefined;
  /** Its description in lists, see `session.meta`. */
  meta?: object;
  /** Its own lifetime in seconds, or `"browser"`, see `session.renew()`. */
  maxAge?: number | "browser";
}

/**
 * A session that was created outside of a request.
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
  /** Its public identifier. */
  readonly sid: string;
  /** The `Cookie` header that a client sends; empty without a cookie. */
  readonly cookie: string;
  /** The `Set-Cookie` headers that a server sends. */
  readonly setCookie: readonly string[];
  /** Its access token for clients without cookies, with the option `token`. */
  readonly token: string | undefined;
}

/** The configuration of every manager. */
export const configs: WeakMap<object, CommitConfig> = new WeakMap();

/**
 * The sessions of one configuration: makes their middleware, and manages them inside and outside of requests.
 * Create it with {@linkcode createSessions}.
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
  readonly #managed: ManagedSessions;

  /**
   * Called by {@linkcode createSessions}.
   *
   * @param config Checked options.
   * @ignore
   */
  constructor(config: MiddlewareConfig) {
    this.#config = config;
    this.#sessions = new Sessions(config);
    this.#managed = new ManagedSessions(this.#sessions.config);
    configs.set(this, this.#sessions.config);
  }

  /**
   * Creates the middleware that gives every request its session, like {@linkcode session}.
   *
   * @returns The middleware.
   */
  middleware(): MiddlewareHandler<SessionEnv<Data, Key>> {
    return makeMiddleware(this.#config, this.#sessions);
  }

  /**
   * Lists the live sessions of a subject, the newest first. A page reads the records that it shows, plus one or
   * two to find its start and the next page. Of the index itself, Deno KV and Redis read all entries, DynamoDB
   * only those of the page.
   *
   * @param subject The subject.
   * @param options The page: how many sessions, and after which one.
   * @returns An async iterable. It reads the store when the iteration starts.
   * @throws {TypeError} When the subject is invalid, or the store has no index of subjects.
   * @throws {RangeError} When `limit` is not a positive integer.
   * @throws {SessionStoreError} When the store failed.
   */
  list(subject: string, options: ListOptions = {}): SessionList {
    const { c } = options;
    const { contextKey } = this.#config;
    assertSubject(subject, { action: "list sessions of subject" });
    return new SessionList((page) => this.#managed.list({ subject, ...page }, c), {
      ...options,
      current: async () =>
        (await contextSessionOf(c, contextKey)?.load())?.state?.stored?.record.sid,
    });
  }

  /**
   * Counts the live sessions of a subject.
   *
   * @param subject The subject.
   * @param options The context.
   * @returns The number of sessions.
   * @throws {TypeError} When the subject is invalid, or the store has no index of subjects.
   * @throws {SessionStoreError} When the store failed.
   */
  async count(subject: string, { c }: ManageOptions = {}): Promise<number> {
    assertSubject(subject, { action: "count sessions of subject" });
    return (await this.#managed.list({ subject }, c)).length;
  }

  /**
   * Counts the live sessions of all subjects, and these subjects, for administrators. Sessions without a subject don't
   * count. Sessions that `revokeEverything()` has ended count until they expire. Requires `MapStore` or a store for
   * Postgres, SQLite or D1, which reads all sessions.
   *
   * @param options The context.
   * @returns The numbers.
   * @throws {TypeError} When the store does not count its sessions.
   * @throws {SessionStoreError} When the store failed.
   * @example Usage
   * ```ts
   * import { createSessions } from "@x/hono-session";
   * import { MapStore } from "@x/hono-session/stores/map";
   * import { assertEquals } from "@std/assert";
   *
   * const sessions = createSessions({ store: new MapStore() });
   * await sessions.create({}, { subject: "user:42" });
   * await sessions.create({}, { subject: "user:42" });
   * assertEquals(await sessions.stats(), { sessions: 2, subjects: 1 });
   * ```
   */
  async stats({ c }: ManageOptions = {}): Promise<StoreStats> {
    return await this.#managed.stats(c);
  }

  /**
   * Ends one session of a subject. Requests in flight can't store anything in it any more.
   *
   * @param subject The subject.
   * @param sid The public identifier of the session.
   * @param options The context.
   * @returns `true` when the session was ended, `false` when the subject has no such session.
   * @throws {TypeError} When the subject is invalid, or the store has no index of subjects.
   * @throws {SessionStoreError} When the store failed.
   */
  async revoke(subject: string, sid: string, { c }: ManageOptions = {}): Promise<boolean> {
    assertSubject(subject, { action: "revoke session of subject" });
    return await this.#managed.revoke({ subject, sid }, c);
  }

  /**
   * Ends all sessions of a subject, for example after a change of the password. A login in flight is refused
   * and answered with 409. A login that starts after this has returned succeeds, whatever the clocks of the
   * servers say. The session of the calling request ends as well, unless `except` names it.
   *
   * @param subject The subject.
   * @param options The session that is not revoked.
   * @returns The number of sessions that were ended.
   * @throws {TypeError} When the subject is invalid, or the store has no index of subjects.
   * @throws {SessionStoreError} When the store failed.
   */
  async revokeAll(subject: string, { except, c }: RevokeAllOptions = {}): Promise<number> {
    assertSubject(subject, { action: "revoke sessions of subject" });
    return await this.#managed.revokeAll({ subject, except }, c);
  }

  /**
   * Ends all sessions of everybody (ASVS 5.0, 7.4.5), for example after a break-in. It writes one record, however
   * many sessions there are. When it returns, no process accepts a session that was created before the call.
   * Requires the option `revokeEverything` in every process. No event is emitted for the ended sessions. Until they
   * expire, `stats()` counts them, and a manager of another cookie without the option lists them.
   *
   * @param options The context.
   * @throws {TypeError} When the option `revokeEverything` is off.
   * @throws {SessionConflictError} When too many concurrent calls do the same.
   * @throws {SessionStoreError} When the store failed.
   * @example Usage
   * ```ts
   * import { createSessions } from "@x/hono-session";
   * import { MapStore } from "@x/hono-session/stores/map";
   * import { assertEquals } from "@std/assert";
   *
   * const sessions = createSessions({
   *   store: new MapStore(),
   *   revokeEverything: { every: 0.1 },
   * });
   * await sessions.create({}, { subject: "user:42" });
   * await sessions.revokeEverything();
   * assertEquals(await sessions.count("user:42"), 0);
   * ```
   */
  async revokeEverything({ c }: ManageOptions = {}): Promise<void> {
    await this.#managed.revokeEverything(c);
  }

  /**
   * Creates a session outside of a request: for a test, a command line, or a client that receives its token in
   * another way.
   *
   * @param data Its data; they override those of the option `initial`.
   * @param options Its owner, description and lifetime.
   * @returns Its identifier, and the credentials for a client.
   * @throws {SessionLimitError} When the subject already has the allowed number of sessions.
   * @throws {SessionEndedError} When all sessions of the subject, including this one, were revoked at the same
   * time. Its status is 409.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   * @throws {SessionStoreError} When the store failed.
   * @throws {TypeError} When a key of the data is reserved, `subject`, `provider` or `meta` is invalid, or the `scope` is
   * `"host"` and there is no context.
   * @throws {RangeError} When `maxAge` is out of range, or `meta` too long.
   */
  async create(
    data: Partial<Data> = {},
    { subject, provider, meta, maxAge, c }: CreateOptions = {},
  ): Promise<CreatedSession> {
    this.#config.scope?.(c);
    const requestSession = this.#sessions.anonymous(c);
    const { sid } = await requestSession.start(data, (state) => {
      state.meta = meta;
      if (maxAge !== undefined) state.renew(maxAge);
      state.provider = provider;
      // Last, because this reads its generation from the store.
      state.subject = subject;
    });
    const response = new Headers();
    const prepared = await prepareCookie(this.#config, requestSession.cookieChange, c);
    if (prepared) writeCookie(this.#config, prepared, { request: new Headers(), response });
    const setCookie = response.getSetCookie();
    const pairs = setCookie.map((line) => line.split(";")[0]!);
    // Pairs without a value expire cookies of former scopes.
    const cookie = pairs.filter((pair) => pair.indexOf("=") < pair.length - 1).join("; ");
    return { sid, cookie, setCookie, token: requestSession.accessToken };
  }

  /**
   * Loads the session of a request outside of the middleware, for example of a WebSocket. The session can be
   * read, and changes can be committed with `save()` or `update()`. Once the session has ended, both reject
   * with a {@linkcode SessionEndedError}. A change that needs a cookie throws a {@linkcode
   * SessionCommittedError}.
   *
   * @param request The request.
   * @param options The context.
   * @returns The session; `undefined` when the request has no valid session.
   * @throws {SessionStoreError} When the store failed.
   * @throws {TypeError} When the `scope` is `"host"` and there is no context.
   */
  async open(request: Request, { c }: ManageOptions = {}): Promise<Session<Data> | undefined> {
    const requestSession = await this.#sessions.load(
      await credentialsOf(this.#config, request, c),
      c,
    );
    requestSession.leave();
    if (requestSession.state) {
      this.#sessions.config.unsavedChanges.watch(requestSession.state, 0);
    }
    return requestSession.isLoaded ? asSession<Data>(requestSession.session) : undefined;
  }
}
