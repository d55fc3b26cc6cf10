import type { Context, MiddlewareHandler } from "hono";
import { asResponse, dropAnswer, editHeaders } from "./answer.ts";
import { forbidSharing } from "./cache_headers.ts";
import type { MiddlewareConfig } from "./check_options.ts";
import { replaceCookie, type SessionCookie, sessionCookie } from "./session_cookie.ts";
import type { Sessions } from "./sessions.ts";
import { credentialsOf, toCookies } from "./travel.ts";
import { refuseUnloaded, UNLOADED } from "./unloaded.ts";
import type { Delivery } from "./delivery.ts";
import type { Visit } from "./visit.ts";

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

/** Where a context holds its sessions. A `WeakMap` beside it would cost more than all else, when garbage is collected. */
const MOUNT = Symbol("hono-session");

/** A context with sessions, or without. */
type Holder = { [MOUNT]?: Mount };

/** A session of a request, if the middleware is mounted. */
export function mountedOn(c: unknown, contextKey: string): Mounted | undefined {
  return find(c, contextKey);
}

function find(c: unknown, contextKey: string): Mount | undefined {
  let mount = (c as Holder | undefined)?.[MOUNT];
  while (mount && mount.config.contextKey !== contextKey) mount = mount.outer;
  return mount;
}

/** Makes the middleware of a configuration. */
export function mount(config: MiddlewareConfig, sessions: Sessions): MiddlewareHandler {
  const names = namesOf(config.contextKey);
  return async function session(c, next): Promise<void> {
    const outer = (c as Holder)[MOUNT];
    const same = outer && sameAs(outer, config, names);
    if (same) {
      if (!config.lazy) await same.open();
      return await next();
    }
    const mount = new Mount(c, { config, sessions, names, outer });
    if (!config.lazy && !mount.begin()) await mount.open();
    try {
      await next();
    } catch (error) {
      await mount.finish(true);
      throw error;
    }
    const failed = c.error !== undefined || c.res.status >= 500;
    if (!mount.isIdle(failed)) await mount.finish(failed);
  };
}

/**
 * The mount of the same middleware, or of one with the same store and cookie, that has this request in its care.
 *
 * @throws {TypeError} When another one claims its name or its cookie.
 */
function sameAs(
  outermost: Mount,
  { contextKey, cookieName, origin, transport }: MiddlewareConfig,
  wanted: Names,
): Mount | undefined {
  const cookies = transport?.names ?? [];
  for (let mount: Mount | undefined = outermost; mount; mount = mount.outer) {
    const { config, names } = mount;
    const isApart = !names.some((name) => wanted.includes(name)) &&
      !config.transport?.names.some((name) => cookies.includes(name));
    if (isApart) continue;
    const key = config.contextKey;
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

/** What a {@linkcode Mount} is made of. */
interface MountOptions {
  readonly config: MiddlewareConfig;
  readonly sessions: Sessions;
  readonly names: Names;
  readonly outer: Mount | undefined;
}

/** One session of one request. */
class Mount implements Mounted {
  readonly config: MiddlewareConfig;
  readonly names: Names;
  /** The mount of another session of the same request, under this one. */
  readonly outer: Mount | undefined;
  visit: Visit | undefined;

  readonly #sessions: Sessions;
  readonly #c: Context;
  readonly #set: (key: string, value: unknown) => void;
  #cookie: SessionCookie | undefined;
  #opening: Promise<Visit> | undefined;
  #hasLeft = false;

  constructor(c: Context, { config, sessions, names, outer }: MountOptions) {
    this.config = config;
    this.names = names;
    this.outer = outer;
    this.#sessions = sessions;
    this.#c = c;
    this.#set = c.set as (key: string, value: unknown) => void;
    (c as Holder)[MOUNT] = this;
    // Assigned as a literal it would be kept, and the request with it, until all garbage is collected.
    const assign = (key: string, value: unknown) => this.assign(key, value);
    c.set = assign;
    expose(c, config.contextKey);
    if (config.lazy) {
      const [session, cookie] = names;
      this.#set(session, UNLOADED);
      if (config.transport) this.#set(cookie, UNLOADED);
    }
  }

  /** What the session reads now. */
  get session(): unknown {
    return this.visit ? this.visit.session : this.config.lazy ? UNLOADED : undefined;
  }

  /** Begins the visit of a client that presents nothing, at once; `false` when it presents something. */
  begin(): boolean {
    const { bearer, transport } = this.config;
    const { raw } = this.#c.req;
    if (transport?.isPresented(raw.headers) || bearer && bearer.transport.read(raw).length > 0) {
      return false;
    }
    this.#show(this.#sessions.begin(this.#c));
    return true;
  }

  /** Whether there is nothing to commit and nothing to tell the client. */
  isIdle(failed: boolean): boolean {
    const { visit } = this;
    if (!visit || visit.isLoaded || failed) return false;
    if (!visit.isIdle({ failed, keepChanges: true })) return false;
    visit.leave();
    return true;
  }

  open(): Promise<Visit> {
    return this.#opening ??= this.visit ? Promise.resolve(this.visit) : this.#open();
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
      this.#show(visit);
      return visit;
    } catch (error) {
      throw asResponse(error);
    }
  }

  /** Makes the session of a visit readable on the context. */
  #show(visit: Visit): void {
    this.visit = visit;
    const update = () => this.#update(visit);
    visit.onChange = update;
    const { transport } = this.config;
    if (transport) this.#cookie = sessionCookie({ cookie: transport.cookie, owner: visit });
    this.#update(visit);
  }

  #update(visit: Visit): void {
    this.#set(this.names[0], visit.session);
    if (this.#cookie) this.#set(this.names[1], visit.state && this.#cookie);
    if (this.config.bearer) this.#set(this.names[2], visit.accessToken);
  }

  /** Assigns to a variable of the context, which may be the session. */
  assign(key: string, value: unknown): void {
    const { transport, bearer } = this.config;
    const [session, cookie, token] = this.names;
    if (key === session) {
      this.#opened("change").assign(value);
    } else if (key === cookie && transport) {
      const visit = this.#opened("change");
      if (visit.isOutage) throw new TypeError("Cannot change session cookie: there is no session");
      replaceCookie(transport.cookie, visit, value);
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

/** The names that a kind of context gives its sessions. */
const exposed = new WeakMap<object, Set<string>>();

/** Gives all contexts of a kind the property `c.session`: one for each of them would cost more than all else. */
function expose(c: Context, contextKey: string): void {
  const prototype: object = Object.getPrototypeOf(c);
  const names = exposed.get(prototype) ?? new Set();
  if (names.has(contextKey)) return;
  exposed.set(prototype, names.add(contextKey));
  Object.defineProperty(prototype, contextKey, {
    get(this: Context) {
      return find(this, contextKey)?.session;
    },
    set(this: Context, value: unknown) {
      const mount = find(this, contextKey);
      if (mount) mount.assign(contextKey, value);
      // Where the middleware is not mounted the name is anybody's.
      else Object.defineProperty(this, contextKey, { value, ...PLAIN });
    },
    configurable: true,
  });
}

const PLAIN = { writable: true, enumerable: true, configurable: true };
