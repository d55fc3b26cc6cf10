/**
 * Sessions for Hono.
 *
 * One line of middleware, and every request has a plain, typed session object that is committed before
 * the response leaves. Two requests at the same time don't lose each other's changes, a session that was
 * ended stays ended, and a leaked database gives nobody a login: it holds hashes of tokens.
 *
 * @example A whole application
 * ```ts
 * import { session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   // Without a store: Deno KV, or a sealed cookie where there is none.
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

export { createSessions, session, session as default } from "./src/core.ts";
export type { SecretOption } from "./src/crypto/secrets.ts";
export {
  SessionCommittedError,
  SessionConflictError,
  SessionEndedError,
  SessionError,
  type SessionErrorCode,
  SessionExistsError,
  SessionLimitError,
  SessionSerializationError,
  SessionStoreError,
  SessionTooLargeError,
  type SessionTooLargeErrorOptions,
} from "./src/errors.ts";
export type { Logger, RejectionReason, SessionEvent, SessionEvents } from "./src/events.ts";
export type { FormerCookieScope, SessionCookieOptions } from "./src/http/cookie_attributes.ts";
export type { SessionCookie } from "./src/http/session_cookie.ts";
export type { ListOptions, SessionList, SessionSummary } from "./src/manager/session_list.ts";
export type {
  CreatedSession,
  CreateOptions,
  ManageOptions,
  RevokeAllOptions,
  SessionManager,
} from "./src/manager/session_manager.ts";
export type { SessionEnv, SessionOf, SessionVariables } from "./src/middleware/env.ts";
export {
  endSession,
  getSession,
  requireSession,
  type RequireSessionOptions,
  type SessionHelperOptions,
  startSession,
} from "./src/middleware/helpers.ts";
export type { SessionOptions, SessionTokenOptions } from "./src/options/options.ts";
export type { SessionRecord, SessionTimes, Trace } from "./src/record/record.ts";
export type { StandardSchema } from "./src/record/schema.ts";
export type { Session, SessionData, SessionMembers, SessionValues } from "./src/session/session.ts";
export type {
  Awaitable,
  DeleteAllOptions,
  KeyValueStore,
  ListedSession,
  ListPage,
  ListPlace,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
  StoreWrite,
} from "./src/store/contract.ts";
export type { Clock } from "./src/util/clock.ts";
export type { SessionEncoder } from "./stores/cookie.ts";
