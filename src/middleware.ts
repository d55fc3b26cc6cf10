import type { Context, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { dropAnswer, editHeaders } from "./answer.ts";
import { forbidSharing } from "./cache_headers.ts";
import { checkOptions, type MiddlewareConfig } from "./check_options.ts";
import { SessionConflictError, SessionStoreError } from "./errors.ts";
import type { SessionOptions } from "./options.ts";
import type { Session, SessionData } from "./session.ts";
import { cookieOf, replaceCookie, type SessionCookie, sessionCookie } from "./session_cookie.ts";
import { type Credential, Sessions } from "./sessions.ts";
import type { Delivery, Visit } from "./visit.ts";

/**
 * The variables that {@linkcode session} puts into a Hono context. With another `contextKey` they are named after that:
 * `admin`, `adminCookie`, `adminToken`.
 *
 * @example Beside variables of your own
 * ```ts
 * import type { SessionVariables } from "@x/hono-session";
 * import { Hono } from "hono";
 *
 * interface Variables extends SessionVariables<{ userId?: string }> {
 *   locale: string;
 * }
 * new Hono<{ Variables: Variables }>();
 * ```
 */
export type SessionVariables<Data extends object = SessionData, Key extends string = "session"> =
  & {
    /** The session of the request. */
    [Name in Key]: Session<Data>;
  }
  & {
    /** The attributes of its cookie, which can be changed. */
    [Name in `${Key}Cookie`]: SessionCookie;
  }
  & {
    /** Its token for clients that keep no cookies; `undefined` while it has none that lasts. */
    [Name in `${Key}Token`]: string | undefined;
  };

/**
 * The environment of an application with {@linkcode session}, for handlers that are written elsewhere.
 *
 * @example A handler in a file of its own
 * ```ts
 * import type { SessionEnv } from "@x/hono-session";
 * import type { Context } from "hono";
 *
 * export function profile(c: Context<SessionEnv<{ name?: string }>>) {
 *   return c.text(c.var.session.name ?? "nobody");
 * }
 * ```
 */
export interface SessionEnv<Data extends object = SessionData, Key extends string = "session"> {
  /** The variables of the context. */
  Variables: SessionVariables<Data, Key>;
}

/**
 * The session of a context, as the middleware typed it and `Variables: { Session: { … } }` of another middleware
 * narrowed it. It types `c.session`, see the README.
 *
 * @example What a guard has seen to
 * ```ts
 * import type { SessionEnv, SessionOf } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * type Env = SessionEnv<{ userId?: string }> & { Variables: { Session: { userId: string } } };
 * const userIdOf = (session: SessionOf<Env>): string => session.userId;
 * assertEquals(typeof userIdOf, "function");
 * ```
 */
export type SessionOf<Env> =
  & (Env extends { Variables: { session: infer Kept } } ? Kept : Session<SessionData>)
  & (Env extends { Variables: { Session: infer Narrowed } } ? Narrowed : unknown);

/** A session of a request, and the middleware that it comes from. */
export interface Mounted {
  readonly config: MiddlewareConfig;
  /** The visit, once it has begun. */
  readonly visit: Visit | undefined;
  /** Begins the visit, unless that was done. */
  open(): Promise<Visit>;
  /** Ends the session that a token for clients without cookies opens. */
  end(token: string): Promise<void>;
}

type Names = readonly [session: string, cookie: string, token: string];

/** The sessions of a request, by context key. */
const mounts = new WeakMap<Context, Map<string, Mount>>();

/** A session of a request, if the middleware is mounted. */
export function mountedOn(c: Context, contextKey: string): Mounted | undefined {
  return mounts.get(c)?.get(contextKey);
}

/**
 * Makes the middleware that gives every request its session, as `c.session`, `c.get("session")` and
 * `c.var.session`, and commits it before the response leaves.
 *
 * Nothing is stored or sent for visitors in whose session nothing was put. A client can't choose its
 * token, and a store holds only hashes of tokens.
 *
 * @typeParam Data The data of the session.
 * @typeParam Key The name of the session on the context, where `contextKey` gives it another one.
 * @param options What differs from the defaults.
 * @returns The middleware.
 * @throws {TypeError} When an option is unknown, of the wrong kind, or contradicts another.
 * @throws {RangeError} When a number is out of range, or a secret is shorter than 32 characters.
 *
 * @example Log in, look, log out
 * ```ts
 * import { session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session<{ userId?: string }>({ store: new MapStore() }))
 *   .post("/login", async (c) => {
 *     await c.var.session.regenerate();
 *     c.var.session.userId = "42";
 *     return c.text("welcome");
 *   })
 *   .get("/me", (c) => c.text(c.var.session.userId ?? "nobody"))
 *   .post("/logout", (c) => {
 *     c.var.session.destroy();
 *     return c.text("bye");
 *   });
 *
 * const login = await app.request("/login", { method: "POST" });
 * const headers = { cookie: login.headers.getSetCookie()[0]!.split(";")[0]! };
 * assertEquals(await (await app.request("/me", { headers })).text(), "42");
 * await app.request("/logout", { method: "POST", headers });
 * assertEquals(await (await app.request("/me", { headers })).text(), "nobody");
 * ```
 */
export function session<Data extends object = SessionData, Key extends string = "session">(
  options: SessionOptions<Data, Key> = {},
): MiddlewareHandler<SessionEnv<Data, Key>> {
  const config = checkOptions(options);
  const sessions = new Sessions(config);
  return async function session(c, next): Promise<void> {
    if (isMounted(c, config)) return await next();
    const mount = new Mount(config, sessions, c);
    if (!config.lazy) await mount.open();
    try {
      await next();
    } catch (error) {
      await mount.finish(true);
      throw error;
    }
    await mount.finish(c.error !== undefined || c.res.status >= 500);
  };
}

/**
 * Whether the same middleware, or one with the same store and cookie, has this request in its care.
 *
 * @throws {TypeError} When another one claims its name or its cookie.
 */
function isMounted(c: Context, { contextKey, cookieName, origin }: MiddlewareConfig): boolean {
  const wanted = namesOf(contextKey);
  for (const [key, { config, names }] of mounts.get(c) ?? []) {
    const isApart = !names.some((name) => wanted.includes(name));
    if (isApart && config.cookieName !== cookieName) continue;
    if (
      key === contextKey && config.cookieName === cookieName && config.origin === origin
    ) return true;
    throw new TypeError(
      `Cannot mount session middleware as "${contextKey}" with cookie "${cookieName}": another one is ` +
        `mounted as "${key}" with cookie "${config.cookieName}"`,
    );
  }
  return false;
}

/** The names of a session, its cookie and its token on the context. */
function namesOf(contextKey: string): Names {
  return [contextKey, `${contextKey}Cookie`, `${contextKey}Token`];
}

/** One session of one request. */
class Mount implements Mounted {
  readonly config: MiddlewareConfig;
  readonly names: Names;
  visit: Visit | undefined;

  readonly #sessions: Sessions;
  readonly #c: Context;
  readonly #set: (key: string, value: unknown) => void;
  #opening: Promise<Visit> | undefined;
  #hasLeft = false;

  constructor(config: MiddlewareConfig, sessions: Sessions, c: Context) {
    const { contextKey } = config;
    this.config = config;
    this.names = namesOf(contextKey);
    this.#sessions = sessions;
    this.#c = c;
    this.#set = c.set as (key: string, value: unknown) => void;
    const all = mounts.get(c) ?? new Map<string, Mount>();
    mounts.set(c, all.set(contextKey, this));
    c.set = (key: string, value: unknown) => this.#assign(key, value);
    Object.defineProperty(c, contextKey, {
      get: () => this.visit ? this.visit.session : UNLOADED,
      set: (value: unknown) => this.#assign(contextKey, value),
      configurable: true,
      enumerable: true,
    });
    if (config.lazy) { for (const name of this.names.slice(0, 2)) this.#set(name, UNLOADED); }
  }

  open(): Promise<Visit> {
    return this.#opening ??= this.#open();
  }

  async end(token: string): Promise<void> {
    const { bearer, contextKey } = this.config;
    if (!bearer) {
      throw new TypeError(`Cannot end session: middleware "${contextKey}" has no option token`);
    }
    const opened = await bearer.tokens.verify(token, this.#c);
    const visit = await this.open();
    if ("key" in opened && visit.state?.stored?.key === opened.key) return visit.assign(null);
    await this.#sessions.end({ by: "token", ...opened }, this.#c);
  }

  /** Commits, then tells the client. A handler that failed keeps its own answer, whatever comes of the commit. */
  async finish(failed: boolean): Promise<void> {
    this.#hasLeft = true;
    const { commitOnError, logger } = this.config;
    const visit = this.visit ?? await this.#opening?.catch(() => undefined);
    if (!visit) return;
    let delivery: Delivery | undefined;
    try {
      delivery = await visit.finish({ failed, keepChanges: !failed || commitOnError });
    } catch (error) {
      // What was committed before it failed has to reach the client all the same.
      const { delivery } = visit;
      if (failed) {
        logger.error("Cannot commit session: it failed after the handler had failed", error);
      } else {
        dropAnswer(this.#c);
      }
      await this.#deliver(visit, delivery?.token === undefined ? undefined : delivery);
      if (failed) return;
      throw asResponse(error);
    }
    await this.#deliver(visit, delivery);
  }

  async #open(): Promise<Visit> {
    try {
      const visit = await this.#sessions.open(await this.#credentials(), this.#c);
      if (this.#hasLeft) visit.leave();
      visit.onChange = () => this.#show(visit);
      this.visit = visit;
      this.#show(visit);
      return visit;
    } catch (error) {
      throw asResponse(error);
    }
  }

  /** What the client presented, the one that counts first. */
  async #credentials(): Promise<Credential[]> {
    const { bearer, transport, signer } = this.config;
    const request = this.#c.req.raw;
    const credentials: Credential[] = [];
    for (const token of bearer?.transport.read(request) ?? []) {
      credentials.push({ by: "token", ...await bearer!.tokens.verify(token, this.#c) });
    }
    const value = transport?.read(request.headers);
    if (value === undefined) return credentials;
    const token = signer ? await signer.verify(value, this.#c) : value;
    return [
      ...credentials,
      { by: "cookie", ...(token === undefined ? { rejected: "forged" } : { token }) },
    ];
  }

  /** Makes the session readable on the context. */
  #show(visit: Visit): void {
    const { transport, bearer } = this.config;
    const [session, cookie, token] = this.names;
    this.#set(session, visit.session);
    if (transport) this.#set(cookie, visit.state && sessionCookie(transport.cookie, visit.state));
    if (bearer) this.#set(token, visit.accessToken);
  }

  #assign(key: string, value: unknown): void {
    const { transport, bearer } = this.config;
    const [session, cookie, token] = this.names;
    if (key === session) {
      this.#opened("change").assign(value);
    } else if (key === cookie && transport) {
      const { state } = this.#opened("change");
      if (!state) throw new TypeError("Cannot change session cookie: there is no session");
      replaceCookie(transport.cookie, state, value as SessionCookie);
      this.#show(this.#opened("change"));
    } else if (key === token && bearer) {
      throw new TypeError("Cannot change session token: it follows the session");
    } else {
      this.#set(key, value);
    }
  }

  #opened(action: string): Visit {
    return this.visit ?? refuseUnloaded(action);
  }

  /** Tells the client of its session, and shared caches that there is one. */
  async #deliver(visit: Visit, delivery: Delivery | undefined): Promise<void> {
    const { transport, bearer, signer, logger, cacheControl } = this.config;
    const sent = transport && delivery;
    if (!sent && !visit.isLoaded) return;
    const token = sent?.token !== undefined && signer
      ? await signer.sign(sent.token, this.#c)
      : sent?.token;
    const request = this.#c.req.raw.headers;
    const edited = editHeaders(this.#c, (response) => {
      if (sent) {
        const { maxAge } = sent;
        const headers = { request, response };
        const held = cookieOf(transport.cookie, sent.held);
        const cookie = cookieOf(transport.cookie, sent.cookie);
        if (token === undefined) transport.clear(headers, held);
        else transport.write(headers, { token, maxAge, cookie, held });
      }
      if (!cacheControl) return;
      const vary = [...(transport ? ["Cookie"] : []), ...(bearer ? [bearer.transport.header] : [])];
      forbidSharing(response, { setsCookie: sent !== undefined, vary });
    });
    if (!edited && sent) {
      logger.warn("Cannot send session cookie: the response is an upgrade with fixed headers");
    }
  }
}

/** Stands for a session that is not loaded. */
const UNLOADED: object = new Proxy({}, {
  get: () => refuseUnloaded("read"),
  has: () => refuseUnloaded("read"),
  ownKeys: () => refuseUnloaded("read"),
  set: () => refuseUnloaded("change"),
  deleteProperty: () => refuseUnloaded("change"),
});

/** @throws {TypeError} Always: a lazy session was not asked for. */
function refuseUnloaded(action: string): never {
  throw new TypeError(`Cannot ${action} session: it is lazy, await getSession(c) first`);
}

/** The error that Hono answers as it should: 503 when the store failed, 409 after too many conflicts. */
function asResponse(cause: unknown): unknown {
  if (cause instanceof SessionStoreError) {
    return new HTTPException(503, { message: "Service Unavailable", cause });
  }
  if (cause instanceof SessionConflictError) {
    return new HTTPException(409, { message: "Conflict", cause });
  }
  return cause;
}
