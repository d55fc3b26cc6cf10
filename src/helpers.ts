import type { Context } from "hono";
import { visitOf } from "./middleware.ts";
import type { Session, SessionData } from "./session.ts";
import type { Visit } from "./visit.ts";

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
 * @param data The data to begin with.
 * @param options Which session.
 * @returns The new session.
 * @throws {SessionExistsError} When a session is live and `allowOverwrite` is `false`.
 * @throws {SessionCommittedError} When the response has left.
 * @throws {SessionSerializationError} When a value would not survive JSON.
 * @throws {SessionStoreError} When the store failed.
 * @throws {TypeError} When the middleware is not mounted, or a key of the data is reserved.
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
  return await find(c, "start", options).start(data ?? {}) as unknown as Session<Data>;
}

/**
 * Ends the session, as `c.session = null` does. Where there is none, nothing happens.
 *
 * @param c The Hono context.
 * @param options Which session.
 * @throws {SessionCommittedError} When the response has left.
 * @throws {TypeError} When the middleware is not mounted.
 *
 * @example Usage
 * ```ts
 * import { endSession, session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono().use(session({ store: new MapStore() })).post("/logout", async (c) => {
 *   await endSession(c);
 *   assertEquals(c.get("session"), null as never);
 *   return c.text("bye");
 * });
 * assertEquals((await app.request("/logout", { method: "POST" })).status, 200);
 * ```
 */
// deno-lint-ignore require-await -- Misuse is to be a rejection.
export async function endSession(c: Context, options: SessionHelperOptions = {}): Promise<void> {
  find(c, "end", options).assign(null);
}

/**
 * The session of a request.
 *
 * @typeParam Data The data of the session.
 * @param c The Hono context.
 * @param options Which session.
 * @returns The session, or `null` when this request has ended it.
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
 *   return c.text(session?.userId ?? "nobody");
 * });
 * assertEquals(await (await app.request("/")).text(), "nobody");
 * ```
 */
// deno-lint-ignore require-await -- Misuse is to be a rejection.
export async function getSession<Data extends object = SessionData>(
  c: Context,
  options: SessionHelperOptions = {},
): Promise<Session<Data> | null> {
  return find(c, "get", options).session as unknown as Session<Data> | null;
}

function find(c: Context, action: string, { contextKey = "session" }: SessionHelperOptions): Visit {
  const visit = visitOf(c, contextKey);
  if (visit) return visit;
  throw new TypeError(
    `Cannot ${action} session: no session middleware is mounted as "${contextKey}"`,
  );
}
