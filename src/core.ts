import type { MiddlewareHandler } from "hono";
import { SessionManager } from "./manager/session_manager.ts";
import type { SessionEnv } from "./middleware/env.ts";
import { checkOptions } from "./options/check_options.ts";
import type { SessionOptions } from "./options/options.ts";
import type { SessionData } from "./session/session.ts";

/** The options of an application that names its store. */
type Options<Data extends object, Key extends string> =
  & SessionOptions<Data, Key>
  & Required<Pick<SessionOptions<Data, Key>, "store">>;

/**
 * The middleware of the main entry point for an application that names its store: it carries no other one.
 *
 * @typeParam Data The data of the session.
 * @typeParam Key The name of the session on the context, where `contextKey` gives it another one.
 * @param options The store, and what differs from the defaults.
 * @returns The middleware.
 * @throws {TypeError} When an option is unknown, missing, of the wrong kind, or contradicts another.
 * @throws {RangeError} When a number is out of range, or a secret is shorter than 32 characters.
 */
export function session<Data extends object = SessionData, Key extends string = "session">(
  options: Options<Data, Key>,
): MiddlewareHandler<SessionEnv<Data, Key>> {
  return createSessions(options).middleware();
}

/**
 * The manager of the main entry point for an application that names its store: it carries no other one.
 *
 * @typeParam Data The data of the session.
 * @typeParam Key The name of the session on the context, where `contextKey` gives it another one.
 * @param options The store, and what differs from the defaults.
 * @returns The manager.
 * @throws {TypeError} When an option is unknown, missing, of the wrong kind, or contradicts another.
 * @throws {RangeError} When a number is out of range, or a secret is shorter than 32 characters.
 */
export function createSessions<Data extends object = SessionData, Key extends string = "session">(
  options: Options<Data, Key>,
): SessionManager<Data, Key> {
  return new SessionManager(checkOptions(options));
}
