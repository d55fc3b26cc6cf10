/**
 * Sessions for Hono without a default store: everything else is the same as in the main entry point. The
 * `store` option is required, and bundles don't contain the default stores.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session/core";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session<{ visits?: number }>({ store: new MapStore() }))
 *   .get("/", (c) => c.json(c.var.session.visits = (c.var.session.visits ?? 0) + 1));
 *
 * const first = await app.request("/");
 * const headers = { cookie: first.headers.getSetCookie()[0]!.split(";")[0]! };
 * assertEquals(await (await app.request("/", { headers })).json(), 2);
 * ```
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";
import { SessionManager } from "./manager/session_manager.ts";
import type { SessionEnv } from "./middleware/env.ts";
import { makeMiddleware } from "./middleware/middleware.ts";
import { checkOptions } from "./options/check_options.ts";
import type { SessionOptions } from "./options/options.ts";
import { Sessions } from "./request/sessions.ts";
import type { SessionData } from "./session/session.ts";
import type { KeyValueStore, SessionStore } from "./store/contract.ts";

export type { SessionEncoder } from "./crypto/encoder.ts";
export type { SecretOption } from "./crypto/secrets.ts";
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
  SessionUnprovenError,
} from "./errors.ts";
export type { Logger, RejectionReason, SessionEvent, SessionEvents } from "./events.ts";
export type { FormerCookieScope, SessionCookieOptions } from "./http/cookie_attributes.ts";
export type { SessionCookie } from "./http/session_cookie.ts";
export type { ListOptions, SessionList, SessionSummary } from "./manager/session_list.ts";
export type {
  CreatedSession,
  CreateOptions,
  ManageOptions,
  RevokeAllOptions,
  SessionManager,
} from "./manager/session_manager.ts";
export {
  backChannelLogout,
  type BackChannelLogoutOptions,
  type LogoutClaims,
} from "./manager/back_channel_logout.ts";
export { closeWithSession } from "./middleware/close_with_session.ts";
export type { SessionEnv, SessionOf, SessionVariables } from "./middleware/env.ts";
export {
  endSession,
  getSession,
  type SessionHelperOptions,
  startSession,
} from "./middleware/helpers.ts";
export type { RequiredConfirmation } from "./middleware/require_confirmation.ts";
export { requireSession, type RequireSessionOptions } from "./middleware/require_session.ts";
export type { AdoptedSession, AdoptOptions } from "./options/adopt_options.ts";
export type {
  SessionDeviceOptions,
  SessionOptions,
  SessionTokenOptions,
} from "./options/options.ts";
export type { SessionDevice } from "./record/device.ts";
export type { SessionEndReason } from "./record/end_reason.ts";
export type { SessionProvider } from "./record/provider.ts";
export type { SessionRecord, SessionTimes, Trace } from "./record/record.ts";
export type { StandardSchema } from "./record/schema.ts";
export type {
  ConfirmOptions,
  Session,
  SessionData,
  SessionMembers,
  SessionValues,
} from "./session/session.ts";
export type {
  DeleteAllOptions,
  KeyValueStore,
  ListedSession,
  ListPage,
  ListPlace,
  OnSessionEnd,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
  StoreStats,
  StoreWrite,
} from "./store/contract.ts";
export type { Awaitable } from "./util/awaitable.ts";
export type { Clock } from "./util/clock.ts";

/**
 * Creates the middleware, like `session()` of the main entry point. A store is required.
 *
 * @typeParam Data The data of the session.
 * @typeParam Key The name of the session on the context, where `contextKey` gives it another one.
 * @param options The store, and further options with defaults.
 * @returns The middleware.
 * @throws {TypeError} When the store is missing, or an option is unknown, of the wrong kind, or contradicts another.
 * @throws {RangeError} When a number is out of range, or a secret is shorter than 32 characters.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session/core";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session<{ userId?: string }>({ store: new MapStore() }))
 *   .get("/me", (c) => c.text(c.var.session.userId ?? "nobody"));
 *
 * assertEquals(await (await app.request("/me")).text(), "nobody");
 * ```
 */
export function session<Data extends object = SessionData, Key extends string = "session">(
  options: SessionOptions<Data, Key> & { store: SessionStore | KeyValueStore },
): MiddlewareHandler<SessionEnv<Data, Key>> {
  const config = checkOptions(options ?? {});
  return makeMiddleware(config, new Sessions(config));
}

/**
 * Creates a manager of sessions, like `createSessions()` of the main entry point. A store is required.
 *
 * @typeParam Data The data of the session.
 * @typeParam Key The name of the session on the context, where `contextKey` gives it another one.
 * @param options The store, and further options with defaults.
 * @returns The manager.
 * @throws {TypeError} When the store is missing, or an option is unknown, of the wrong kind, or contradicts another.
 * @throws {RangeError} When a number is out of range, or a secret is shorter than 32 characters.
 *
 * @example Usage
 * ```ts
 * import { createSessions } from "@x/hono-session/core";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const sessions = createSessions({ store: new MapStore() });
 * await sessions.create({}, { subject: "user:42" });
 * assertEquals(await sessions.count("user:42"), 1);
 * ```
 */
export function createSessions<Data extends object = SessionData, Key extends string = "session">(
  options: SessionOptions<Data, Key> & { store: SessionStore | KeyValueStore },
): SessionManager<Data, Key> {
  // Callers without type checks may pass nothing.
  return new SessionManager(checkOptions(options ?? {}));
}

export { session as default };
