import type { Context, MiddlewareHandler } from "hono";
import { checkContextKey } from "../options/check_parts.ts";
import { isReserved, type Session, type SessionData, typed } from "../session/session.ts";
import { MIDDLEWARE, refuse, refuseRange } from "../util/option_errors.ts";
import { checkShape, checkTable, type OptionTable } from "../util/option_table.ts";
import { type Mounted, mountedOn } from "./context.ts";
import { type Answer, denial } from "./deny.ts";

/**
 * Options of {@linkcode startSession}, {@linkcode endSession} and {@linkcode getSession}.
 *
 * @example Usage
 * ```ts
 * import { getSession, session, type SessionHelperOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assert } from "@std/assert";
 *
 * const options: SessionHelperOptions = { contextKey: "admin" };
 * const app = new Hono()
 *   .use(session({ store: new MapStore(), ...options, cookieName: "admin" }))
 *   .get("/", async (c) => c.json(await getSession(c, options)));
 * assert((await app.request("/")).ok);
 * ```
 */
export interface SessionHelperOptions {
  /**
   * Which session, where an application has several.
   *
   * @default {"session"}
   */
  contextKey?: string;
}

/**
 * Begins an independent session, stored at once, in the place of whatever session there was, which ends.
 *
 * @typeParam Data The data of the session.
 * @param c The Hono context.
 * @param data The data to begin with, over those of the option `initial`.
 * @param options Which session.
 * @returns The new session.
 * @throws {SessionExistsError} When a session is live and `allowOverwrite` is `false`.
 * @throws {SessionCommittedError} When the response has left.
 * @throws {SessionSerializationError} When a value would not survive JSON.
 * @throws {SessionStoreError} When the store failed.
 * @throws {TypeError} When the middleware is not mounted, the data are no plain object, or a key of them is reserved.
 *
 * @example Usage
 * ```ts
 * import { session, startSession } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new MapStore();
 * const app = new Hono().use(session({ store })).post("/login", async (c) => {
 *   await startSession(c, { userId: "42" });
 *   return c.text("welcome");
 * });
 * await app.request("/login", { method: "POST" });
 * assertEquals(store.size, 1);
 * ```
 */
export async function startSession<Data extends object = SessionData>(
  c: Context,
  data?: Data,
  options: SessionHelperOptions = {},
): Promise<Session<Data>> {
  const visit = await find(c, "start", options).open();
  return typed<Data>(await visit.start(data ?? {}));
}

/**
 * Ends the session, as `c.session = null` does: for the rest of the request it reads as an empty one. Where there is none, nothing
 * happens.
 *
 * @param c The Hono context.
 * @param token A token of the option `token`, to end its session at once, where the request does not carry it in one of
 * the usual places. One that opens nothing ends nothing.
 * @param options Which session.
 * @throws {SessionCommittedError} When the response has left.
 * @throws {SessionStoreError} When the store failed.
 * @throws {TypeError} When the middleware is not mounted, or there is a token and no option `token`.
 *
 * @example Usage
 * ```ts
 * import { endSession, session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session<{ userId?: string }>({ store: new MapStore() }))
 *   .post("/logout", async (c) => {
 *     await endSession(c);
 *     assertEquals([c.var.session.userId, c.var.session.isNew], [undefined, true]);
 *     return c.text("bye");
 *   });
 * assertEquals((await app.request("/logout", { method: "POST" })).status, 200);
 * ```
 */
export async function endSession(
  c: Context,
  token?: string,
  options: SessionHelperOptions = {},
): Promise<void> {
  const mounted = find(c, "end", options);
  if (token !== undefined) return await mounted.end(token);
  const visit = await mounted.open();
  visit.assign(null);
}

/**
 * The session of a request. With the option `lazy` it is loaded now.
 *
 * @typeParam Data The data of the session.
 * @param c The Hono context.
 * @param options Which session.
 * @returns The session; an empty one when this request has ended it.
 * @throws {TypeError} When the middleware is not mounted.
 *
 * @example Usage
 * ```ts
 * import { getSession, session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono().use(session({ store: new MapStore() })).get("/", async (c) => {
 *   const session = await getSession<{ userId?: string }>(c);
 *   return c.text(session.userId ?? "nobody");
 * });
 * assertEquals(await (await app.request("/")).text(), "nobody");
 * ```
 */
export async function getSession<Data extends object = SessionData>(
  c: Context,
  options: SessionHelperOptions = {},
): Promise<Session<Data>> {
  const visit = await find(c, "get", options).open();
  return typed<Data>(visit.session);
}

/**
 * Options of {@linkcode requireSession}.
 *
 * @example Send visitors to the login page
 * ```ts
 * import { requireSession, type RequireSessionOptions } from "@x/hono-session";
 *
 * const options: RequireSessionOptions<{ userId: string }> = {
 *   has: ["userId"],
 *   response: (c) => c.redirect("/login"),
 * };
 * requireSession(options);
 * ```
 */
export interface RequireSessionOptions<
  Data extends object = SessionData,
  Key extends string = "session",
> {
  /**
   * The keys that the data of a session must have. Without them every session that is stored will do.
   *
   * @default {[]}
   */
  has?: readonly (keyof Data & string)[];
  /**
   * Whether a session is required for a request, by its method for example.
   *
   * @default {() => true}
   */
  when?: (c: Context) => boolean | Promise<boolean>;
  /**
   * How `response` is sent.
   *
   * @default {"json"}
   */
  type?: "json" | "html" | "text";
  /**
   * The status of the response.
   *
   * @default {401}
   */
  status?: number;
  /**
   * What is sent in the place of the page: a body, or a function that makes the response.
   *
   * @default {{ status: false, message: "Invalid session" }, its message alone as HTML or text}
   */
  response?: string | object | ((c: Context) => Response | Promise<Response>);
  /**
   * Which session, where an application has several.
   *
   * @default {"session"}
   */
  contextKey?: Key;
}

/**
 * Makes a middleware that lets nobody pass without a session. Mount it after {@linkcode session}. It throws an `HTTPException` that
 * carries its response, as Hono's own guards do: `app.onError` sees it, and with `some` of `hono/combine` another guard may let
 * the request pass.
 *
 * @typeParam Data What the data of a session are known to hold behind it, beside what they held before. It is a promise
 * of yours unless `has` names the keys.
 * @typeParam Key The name of the session on the context.
 * @param options What differs from the defaults.
 * @returns The middleware.
 * @throws {TypeError} When an option is unknown or of the wrong kind.
 * @throws {RangeError} When `status` is not 200 to 599, or one of those whose responses have no body.
 *
 * @example Pages for those who are logged in, and an API for those with a key too
 * ```ts
 * import { requireSession, session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { bearerAuth } from "hono/bearer-auth";
 * import { some } from "hono/combine";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session<{ userId?: string }>({ store: new MapStore() }))
 *   .use("/account/*", requireSession<{ userId: string }>({ has: ["userId"] }))
 *   .get("/account/name", (c) => c.text(c.var.session.userId))
 *   .use("/api/*", some(requireSession(), bearerAuth({ token: "an-api-key" })))
 *   .get("/api/prices", (c) => c.json([1, 2, 3]));
 *
 * const response = await app.request("/account/name");
 * assertEquals(response.status, 401);
 * assertEquals(await response.json(), { status: false, message: "Invalid session" });
 * const headers = { authorization: "Bearer an-api-key" };
 * assertEquals((await app.request("/api/prices", { headers })).status, 200);
 * ```
 */
export function requireSession<
  Data extends object = SessionData,
  Key extends string = "session",
>(
  options: RequireSessionOptions<Data, Key> = {},
): MiddlewareHandler<{ Variables: { [Name in Key]: Session<Data> } }> {
  checkTable(GUARD, options);
  const { has = [], when, contextKey } = options;
  const answer = checkAnswer(options);
  if (!Array.isArray(has) || has.some((key) => typeof key !== "string" || isReserved(key))) {
    refuse("has", "a list of keys of data is required");
  }
  const keys = [...has];
  if (contextKey !== undefined) checkContextKey(contextKey);
  return async function requireSession(c, next): Promise<void> {
    const mounted = find(c, "require", contextKey === undefined ? {} : { contextKey });
    if (when && !await when(c)) return await next();
    const { session } = await mounted.open();
    const data = session.isNew ? undefined : session.toJSON();
    const isMissing = (key: string) => !Object.hasOwn(data!, key) || (data![key] ?? null) === null;
    if (data && !keys.some(isMissing)) return await next();
    throw await denial({ answer, message, bearer: mounted.config.bearer !== undefined }, c);
  };
}

const GUARD: OptionTable = {
  ...MIDDLEWARE,
  shapes: {
    type: ["any"],
    status: ["any"],
    response: ["any", "async function"],
    has: ["any"],
    when: ["async function"],
    contextKey: ["string"],
  },
};

/** What a guard says. */
const message = "Invalid session";

/** The statuses of responses that have no body. */
const BODILESS = [204, 205, 304];

/** Checks how a guard answers. */
function checkAnswer(
  options: RequireSessionOptions<never, string>,
): Answer {
  const {
    type = "json",
    status = 401,
    response = type === "json" ? { status: false, message } : message,
  } = options;
  if (!["json", "html", "text"].includes(type)) {
    refuse("type", '"json", "html" or "text" is required');
  }
  if (!Number.isInteger(status) || status < 200 || status > 599 || BODILESS.includes(status)) {
    refuseRange(
      "status",
      `${String(status)}, a status of 200 to 599 that can have a body is required`,
    );
  }
  if (typeof response === "function") {
    for (const name of ["type", "status"] as const) {
      if (options[name] !== undefined) refuse(name, "the function of response decides on it");
    }
    return response as Answer;
  }
  if (type === "json") {
    const text = toJson(response);
    return () => respond(text, { status, type: "application/json" });
  }
  checkShape("response", { value: response, shapes: ["string", "function"] });
  const text = response as string;
  const kind = type === "html" ? "text/html; charset=UTF-8" : "text/plain; charset=UTF-8";
  return () => respond(text, { status, type: kind });
}

function respond(text: string, { status, type }: { status: number; type: string }): Response {
  return new Response(text, { status, headers: { "Content-Type": type } });
}

/** @throws {TypeError} When a response is no object or text that JSON can hold. */
function toJson(response: unknown): string {
  const isBody = typeof response === "string" || typeof response === "object" && response !== null;
  try {
    if (isBody) return JSON.stringify(response);
  } catch {
    // A cycle or a BigInt.
  }
  return refuse("response", "a function, or what JSON can hold, is required");
}

function find(
  c: Context,
  action: string,
  { contextKey = "session" }: SessionHelperOptions,
): Mounted {
  const mounted = mountedOn(c, contextKey);
  if (mounted) return mounted;
  throw new TypeError(
    `Cannot ${action} session: no session middleware is mounted as "${contextKey}"`,
  );
}
