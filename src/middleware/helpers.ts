import type { Context } from "hono";
import type { Session, SessionData } from "../session/session.ts";
import { asSession } from "../session/session_object.ts";
import { type ContextSession, contextSessionOf } from "./context.ts";

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
   * The name of the session, for applications with several.
   *
   * @default {"session"}
   */
  contextKey?: string;
}

/**
 * Starts a new session and stores it immediately. A previous session of the client ends.
 *
 * @typeParam Data The data of the session.
 * @param c The Hono context.
 * @param data The initial data; they override those of the option `initial`.
 * @param options The name of the session.
 * @returns The new session.
 * @throws {SessionExistsError} When a session is live and `allowOverwrite` is `false`.
 * @throws {SessionCommittedError} When the response has been sent.
 * @throws {SessionSerializationError} When a value would not survive JSON.
 * @throws {SessionStoreError} When the store failed.
 * @throws {TypeError} When the middleware is not mounted, the data are not a plain object, or one of their keys
 * is reserved.
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
  const requestSession = await findContextSession(c, "start", options).load();
  return asSession<Data>(await requestSession.start(data ?? {}));
}

/**
 * Ends the session, like `c.session = null`: for the rest of the request it reads as an empty one. The sessions of
 * other cookies of the same name in the request end as well. Does nothing when there is no session.
 *
 * @param c The Hono context.
 * @param token An access token (option `token`) whose session ends immediately. Use it when the request does
 * not carry the token in the query or the header. A token that is not accepted is ignored.
 * @param options The name of the session.
 * @throws {SessionCommittedError} When the response has been sent.
 * @throws {SessionStoreError} When the store failed.
 * @throws {TypeError} When the middleware is not mounted, or a token is passed without the option `token`.
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
  const contextSession = findContextSession(c, "end", options);
  if (token !== undefined) return await endByToken(contextSession, token, c);
  const requestSession = await contextSession.load();
  requestSession.assign(null);
}

/** Ends the session that an access token identifies. */
async function endByToken(
  contextSession: ContextSession,
  token: string,
  c: Context,
): Promise<void> {
  const { config: { bearer, contextKey }, sessions } = contextSession;
  if (!bearer) {
    throw new TypeError(`Cannot end session: middleware "${contextKey}" has no option token`);
  }
  const verified = await bearer.tokens.verify(token, c);
  const requestSession = await contextSession.load();
  if ("key" in verified && requestSession.endByKey(verified.key)) return;
  await sessions.end({ by: "token", ...verified }, c);
}

/**
 * Returns the session of a request. With the option `lazy` this loads it.
 *
 * @typeParam Data The data of the session.
 * @param c The Hono context.
 * @param options The name of the session.
 * @returns The session; it is empty when this request has ended it.
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
  const requestSession = await findContextSession(c, "get", options).load();
  return asSession<Data>(requestSession.session);
}

export function findContextSession(
  c: Context,
  action: string,
  { contextKey = "session" }: SessionHelperOptions,
): ContextSession {
  const contextSession = contextSessionOf(c, contextKey);
  if (contextSession) return contextSession;
  throw new TypeError(
    `Cannot ${action} session: no session middleware is mounted as "${contextKey}"`,
  );
}
