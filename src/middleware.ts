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

/** The visits of a request, by context key. */
const visits = new WeakMap<Context, Map<string, Visit>>();

/** The visit of a request, if the middleware is mounted. */
export function visitOf(c: Context, contextKey: string): Visit | undefined {
  return visits.get(c)?.get(contextKey);
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
    if (visitOf(c, config.contextKey)) return await next();
    const visit = await open(sessions, config, c);
    expose(c, visit, config.contextKey);
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

/** Makes the session readable and assignable in all its places. */
function expose(c: Context, visit: Visit, contextKey: string): void {
  const all = visits.get(c) ?? new Map<string, Visit>();
  visits.set(c, all.set(contextKey, visit));

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
    if (!failed) {
      // Else Hono would mix the headers of the answer that must not leave into the one of the error.
      c.res = undefined;
      throw asResponse(error);
    }
    config.logger.error("Cannot commit session: it failed after the handler had failed", error);
    return;
  }
  const signed = typeof delivery === "object" && config.signer
    ? { ...delivery, token: await config.signer.sign(delivery.token, c) }
    : delivery;
  if (!signed && !visit.isLoaded) return;
  const request = c.req.raw.headers;
  const edited = editHeaders(c, (response) => {
    if (signed === "clear") config.transport.clear({ request, response });
    else if (signed) config.transport.write({ request, response }, signed);
    if (config.cacheControl) forbidSharing(response, signed !== undefined);
  });
  if (!edited && signed) {
    config.logger.warn("Cannot send session cookie: the response is an upgrade with fixed headers");
  }
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
