import type { Context, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { forbidSharing } from "./cache_headers.ts";
import { SessionConflictError, SessionStoreError } from "./errors.ts";
import { checkOptions, type MiddlewareConfig } from "./check_options.ts";
import type { SessionOptions } from "./options.ts";
import type { Session, SessionData } from "./session.ts";
import { Sessions } from "./sessions.ts";
import type { Delivery, Visit } from "./visit.ts";

/**
 * The variables that {@linkcode session} puts into a Hono context.
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
export interface SessionVariables<Data extends object = SessionData> {
  /** The session of the request. */
  session: Session<Data>;
}

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
export interface SessionEnv<Data extends object = SessionData> {
  /** The variables of the context. */
  Variables: SessionVariables<Data>;
}

/** A session of a request, and the middleware that it comes from. */
interface Mounted {
  readonly visit: Visit;
  readonly config: MiddlewareConfig;
}

/** The sessions of a request, by context key. */
const mounts = new WeakMap<Context, Map<string, Mounted>>();

/** The visit of a request, if the middleware is mounted. */
export function visitOf(c: Context, contextKey: string): Visit | undefined {
  return mounts.get(c)?.get(contextKey)?.visit;
}

/**
 * Makes the middleware that gives every request its session, as `c.session`, `c.get("session")` and
 * `c.var.session`, and commits it before the response leaves.
 *
 * Nothing is stored or sent for visitors in whose session nothing was put. A client can't choose its
 * token, and a store holds only hashes of tokens.
 *
 * @typeParam Data The data of the session.
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
export function session<Data extends object = SessionData>(
  options: SessionOptions<Data> = {},
): MiddlewareHandler<SessionEnv<Data>> {
  const config = checkOptions(options);
  const sessions = new Sessions(config);
  return async function session(c, next): Promise<void> {
    if (isMounted(c, config)) return await next();
    const visit = await open(sessions, config, c);
    expose(c, visit, config);
    try {
      await next();
    } catch (error) {
      await finish(visit, config, c, true);
      throw error;
    }
    await finish(visit, config, c, c.error !== undefined || c.res.status >= 500);
  };
}

async function open(sessions: Sessions, config: MiddlewareConfig, c: Context): Promise<Visit> {
  const value = config.transport.read(c.req.raw.headers);
  try {
    return await sessions.open({
      presented: value !== undefined,
      token: value !== undefined && config.signer ? await config.signer.verify(value, c) : value,
    }, c);
  } catch (error) {
    throw asResponse(error);
  }
}

/**
 * Whether the same middleware, or one with the same store and cookie, has this request in its care.
 *
 * @throws {TypeError} When another one claims its name or its cookie.
 */
function isMounted(c: Context, { contextKey, cookieName, origin }: MiddlewareConfig): boolean {
  for (const [key, { config }] of mounts.get(c) ?? []) {
    if (key !== contextKey && config.cookieName !== cookieName) continue;
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

/** Makes the session readable and assignable in all its places. */
function expose(c: Context, visit: Visit, config: MiddlewareConfig): void {
  const { contextKey } = config;
  const all = mounts.get(c) ?? new Map<string, Mounted>();
  mounts.set(c, all.set(contextKey, { visit, config }));

  const set = c.set as (key: string, value: unknown) => void;
  c.set = (key: string, value: unknown) => {
    if (key === contextKey) visit.assign(value);
    else set(key, value);
  };
  visit.onChange = (session) => set(contextKey, session);
  set(contextKey, visit.session);
  Object.defineProperty(c, contextKey, {
    get: () => visit.session,
    set: (value: unknown) => visit.assign(value),
    configurable: true,
    enumerable: true,
  });
}

/** Commits, then tells the client. A handler that failed keeps its own answer, whatever comes of the commit. */
async function finish(
  visit: Visit,
  config: MiddlewareConfig,
  c: Context,
  failed: boolean,
): Promise<void> {
  let delivery: Delivery;
  try {
    delivery = await visit.finish({ failed, keepChanges: !failed || config.commitOnError });
  } catch (error) {
    // What was committed before it failed has to reach the client all the same.
    const { delivery } = visit;
    if (failed) {
      config.logger.error("Cannot commit session: it failed after the handler had failed", error);
    } else {
      c.res = dropAnswer(c);
    }
    await deliver(visit, config, c, delivery === "clear" ? undefined : delivery);
    if (failed) return;
    throw asResponse(error);
  }
  await deliver(visit, config, c, delivery);
}

/** Tells the client of its session, and shared caches that there is one. */
async function deliver(
  visit: Visit,
  config: MiddlewareConfig,
  c: Context,
  delivery: Delivery,
): Promise<void> {
  const { transport, signer, logger, cacheControl } = config;
  const signed = typeof delivery === "object" && signer
    ? { ...delivery, token: await signer.sign(delivery.token, c) }
    : delivery;
  if (!signed && !visit.isLoaded) return;
  const request = c.req.raw.headers;
  const edited = editHeaders(c, (response) => {
    if (signed === "clear") transport.clear({ request, response });
    else if (signed) transport.write({ request, response }, signed);
    if (cacheControl) forbidSharing(response, signed !== undefined);
  });
  if (!edited && signed) {
    logger.warn("Cannot send session cookie: the response is an upgrade with fixed headers");
  }
}

/** Headers that speak of the answer that must not leave. */
const OF_THE_ANSWER = [
  "accept-ranges",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-length",
  "content-range",
  "content-type",
  "etag",
  "expires",
  "last-modified",
  "location",
  "refresh",
  "transfer-encoding",
];

/** An empty response in the place of the handler's, with what other middleware said of it. */
function dropAnswer(c: Context): Response {
  const headers = new Headers(c.res.headers);
  for (const name of OF_THE_ANSWER) headers.delete(name);
  headers.set("cache-control", "no-store");
  // Or Hono would mix the headers of the two.
  c.res = undefined;
  return new Response(null, { headers });
}

/** Changes the headers of the response, or of a copy where they can't be changed. */
function editHeaders(c: Context, edit: (headers: Headers) => void): boolean {
  try {
    edit(c.res.headers);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // An upgrade to a WebSocket can't be copied.
    if (c.res.status === 101) return false;
    c.res = new Response(c.res.body, c.res);
    edit(c.res.headers);
  }
  return true;
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
