import type { MiddlewareHandler } from "hono";
import { SessionManager } from "./manager/session_manager.ts";
import type { SessionEnv } from "./middleware/env.ts";
import { checkOptions } from "./options/check_options.ts";
import type { SessionOptions } from "./options/options.ts";
import type { SessionData } from "./session/session.ts";

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
  return createSessions(options).middleware();
}

/**
 * Makes a manager of sessions: their middleware, and what can be done with them from anywhere: list those of a user, end one, end
 * all (ASVS 5.0, 7.4.3 and 7.5.2).
 *
 * @typeParam Data The data of the session.
 * @typeParam Key The name of the session on the context, where `contextKey` gives it another one.
 * @param options What differs from the defaults.
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
 *   .post("/login", (c) => {
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
  return new SessionManager(checkOptions(options));
}
