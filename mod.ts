/**
 * Sessions for Hono.
 *
 * One line of middleware gives every request a plain, typed session object that is committed before the
 * response is sent. Concurrent requests don't lose each other's changes, a destroyed session stays destroyed,
 * and a leaked database can't be used to log in: it holds only hashes of tokens.
 *
 * @example A whole application
 * ```ts
 * import { session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   // The default store is Deno KV, or a sealed cookie where Deno KV is not available.
 *   .use(session<{ userId?: string }>({ store: new MapStore() }))
 *   .post("/login", async (c) => {
 *     await c.var.session.regenerate();
 *     c.var.session.userId = "42";
 *     c.var.session.flash("notice", "Welcome back");
 *     return c.redirect("/");
 *   })
 *   .get("/", (c) => c.json(c.var.session))
 *   .post("/logout", (c) => {
 *     c.var.session.destroy();
 *     return c.redirect("/");
 *   });
 *
 * const login = await app.request("/login", { method: "POST" });
 * const cookie = login.headers.getSetCookie()[0]!.split(";")[0]!;
 * const home = await app.request("/", { headers: { cookie } });
 * assertEquals(await home.json(), { userId: "42", notice: "Welcome back" });
 * ```
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";
import { SessionManager } from "./src/manager/session_manager.ts";
import type { SessionEnv } from "./src/middleware/env.ts";
import { makeMiddleware } from "./src/middleware/middleware.ts";
import { checkOptions } from "./src/options/check_options.ts";
import type { SessionOptions } from "./src/options/options.ts";
import { Sessions } from "./src/request/sessions.ts";
import type { SessionData } from "./src/session/session.ts";
import { defaultStore } from "./stores/default.ts";

export * from "./src/core.ts";

/**
 * Creates the middleware that gives every request its session, as `c.session`, `c.get("session")` and
 * `c.var.session`, and commits it before the response is sent.
 *
 * An empty session is neither stored nor sent. A client can't choose its token, and a store holds only hashes
 * of tokens.
 *
 * @typeParam Data The data of the session.
 * @typeParam Key The name of the session on the context, where `contextKey` gives it another one.
 * @param options The options; all have defaults.
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
  // No SessionManager here: this keeps it out of bundles that don't use it.
  const config = checkOptions(options, defaultStore);
  return makeMiddleware(config, new Sessions(config));
}

/**
 * Creates a manager of sessions. It makes the middleware, and it lists, counts, revokes and creates sessions
 * inside and outside of requests (ASVS 5.0, 7.4.3 and 7.5.2).
 *
 * @typeParam Data The data of the session.
 * @typeParam Key The name of the session on the context, where `contextKey` gives it another one.
 * @param options The options; all have defaults.
 * @returns The manager.
 * @throws {TypeError} When an option is unknown, of the wrong kind, or contradicts another.
 * @throws {RangeError} When a number is out of range, or a secret is shorter than 32 characters.
 *
 * @example Log out everywhere else
 * ```ts
 * import { createSessions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const sessions = createSessions({ store: new MapStore() });
 * const app = new Hono()
 *   .use(sessions.middleware())
 *   .post("/login", async (c) => {
 *     await c.var.session.regenerate();
 *     c.var.session.subject = "user:42";
 *     return c.text("welcome");
 *   })
 *   .post("/logout-others", async (c) => {
 *     const { subject, sid } = c.var.session;
 *     return c.json(await sessions.revokeAll(subject!, { except: sid }));
 *   });
 *
 * await app.request("/login", { method: "POST" });
 * const login = await app.request("/login", { method: "POST" });
 * const headers = { cookie: login.headers.getSetCookie()[0]!.split(";")[0]! };
 * const logout = await app.request("/logout-others", { method: "POST", headers });
 * assertEquals(await logout.json(), 1);
 * assertEquals(await sessions.count("user:42"), 1);
 * ```
 */
export function createSessions<Data extends object = SessionData, Key extends string = "session">(
  options: SessionOptions<Data, Key> = {},
): SessionManager<Data, Key> {
  return new SessionManager(checkOptions(options, defaultStore));
}

export { session as default };
