import type { Context, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { dropAnswer, editHeaders } from "./answer.ts";
import { forbidSharing } from "./cache_headers.ts";
import type { MiddlewareConfig } from "./check_options.ts";
import { SessionConflictError, SessionLimitError, SessionStoreError } from "./errors.ts";
import { replaceCookie, sessionCookie } from "./session_cookie.ts";
import type { Sessions } from "./sessions.ts";
import { credentialsOf, toCookies } from "./travel.ts";
import type { Delivery, Visit } from "./visit.ts";

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
export function mountedOn(c: unknown, contextKey: string): Mounted | undefined {
  return mounts.get(c as Context)?.get(contextKey);
}

/** Makes the middleware of a configuration. */
export function mount(config: MiddlewareConfig, sessions: Sessions): MiddlewareHandler {
  return async function session(c, next): Promise<void> {
    const outer = mounted(c, config);
    if (outer) {
      if (!config.lazy) await outer.open();
      return await next();
    }
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
 * The mount of the same middleware, or of one with the same store and cookie, that has this request in its care.
 *
 * @throws {TypeError} When another one claims its name or its cookie.
 */
function mounted(
  c: Context,
  { contextKey, cookieName, origin, transport }: MiddlewareConfig,
): Mount | undefined {
  const wanted = namesOf(contextKey);
  const cookies = transport?.names ?? [];
  for (const [key, mount] of mounts.get(c) ?? []) {
    const { config, names } = mount;
    const isApart = !names.some((name) => wanted.includes(name)) &&
      !config.transport?.names.some((name) => cookies.includes(name));
    if (isApart) continue;
    if (
      key === contextKey && config.cookieName === cookieName && config.origin === origin
    ) return mount;
    throw new TypeError(
      `Cannot mount session middleware as "${contextKey}" with cookie "${cookieName}": another one is ` +
        `mounted as "${key}" with cookie "${config.cookieName}"`,
    );
  }
  return undefined;
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
      get: () => this.visit ? this.visit.session : config.lazy ? UNLOADED : undefined,
      set: (value: unknown) => this.#assign(contextKey, value),
      configurable: true,
      enumerable: true,
    });
    if (config.lazy) {
      const [session, cookie] = this.names;
      this.#set(session, UNLOADED);
      if (config.transport) this.#set(cookie, UNLOADED);
    }
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
    if ("key" in opened && visit.endByKey(opened.key)) return;
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
      const visit = await this.#sessions.open(
        await credentialsOf(this.config, this.#c.req.raw, this.#c),
        this.#c,
      );
      if (this.#hasLeft) visit.leave();
      visit.onChange = () => this.#show(visit);
      this.visit = visit;
      this.#show(visit);
      return visit;
    } catch (error) {
      throw asResponse(error);
    }
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
      replaceCookie(transport.cookie, state, value);
      this.#show(this.#opened("change"));
    } else if (key === token && bearer) {
      throw new TypeError("Cannot change session token: it follows the session");
    } else {
      this.#set(key, value);
    }
  }

  #opened(action: string): Visit {
    if (this.visit) return this.visit;
    if (this.config.lazy) return refuseUnloaded(action);
    throw new TypeError(`Cannot ${action} session: it could not be loaded`);
  }

  /** Tells the client of its session, and shared caches that there is one. */
  async #deliver(visit: Visit, delivery: Delivery | undefined): Promise<void> {
    const { transport, bearer, logger, cacheControl } = this.config;
    const send = delivery && await toCookies(this.config, delivery, this.#c);
    // The response may hold the token of a session that it has begun.
    const mayHoldToken = !visit.isLoaded && visit.accessToken !== undefined;
    if (!send && !visit.isLoaded && !mayHoldToken) return;
    const request = this.#c.req.raw.headers;
    const edited = editHeaders(this.#c, (response) => {
      send?.({ request, response });
      if (!cacheControl) return;
      const vary = [...(transport ? ["Cookie"] : []), ...(bearer ? [bearer.transport.header] : [])];
      forbidSharing(response, { opens: send !== undefined || mayHoldToken, vary });
    });
    if (!edited && send) {
      logger.warn("Cannot send session cookie: the response is an upgrade with fixed headers");
    }
  }
}

/** Stands for a session that is not loaded. */
const UNLOADED: object = new Proxy({}, {
  get: () => refuseUnloaded("read"),
  has: () => refuseUnloaded("read"),
  ownKeys: () => refuseUnloaded("read"),
  getOwnPropertyDescriptor: () => refuseUnloaded("read"),
  defineProperty: () => refuseUnloaded("change"),
  setPrototypeOf: () => refuseUnloaded("change"),
  preventExtensions: () => refuseUnloaded("change"),
  set: () => refuseUnloaded("change"),
  deleteProperty: () => refuseUnloaded("change"),
});

/** @throws {TypeError} Always: a lazy session was not asked for. */
function refuseUnloaded(action: string): never {
  throw new TypeError(`Cannot ${action} session: it is lazy, await getSession(c) first`);
}

/**
 * The error that Hono answers as it should: 503 when the store failed, 409 after too many conflicts, 403
 * when a subject has too many sessions.
 */
function asResponse(cause: unknown): unknown {
  if (cause instanceof SessionStoreError) {
    return new HTTPException(503, { message: "Service Unavailable", cause });
  }
  if (cause instanceof SessionLimitError) {
    return new HTTPException(403, { message: "Forbidden", cause });
  }
  if (cause instanceof SessionConflictError) {
    return new HTTPException(409, { message: "Conflict", cause });
  }
  return cause;
}
