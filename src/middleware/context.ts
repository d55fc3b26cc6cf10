import type { Context } from "hono";
import type { StreamWatcher } from "../http/response_stream.ts";
import { differencesOf } from "../options/same_options.ts";
import type { RequestSession } from "../request/request_session.ts";
import type { Sessions } from "../request/sessions.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { VariableOwner, Variables } from "./context_variables.ts";
import type { ContextResponse } from "./response.ts";

/** A session of a request, and the middleware that provides it. */
export interface ContextSession extends VariableOwner {
  readonly sessions: Sessions;
  readonly variables: Variables;
  /** The session that was mounted before this one in the same request. */
  readonly outer: ContextSession | undefined;
  /** The response of the request. */
  readonly response: ContextResponse;
  /** Watches the streams of the response. */
  readonly responseEnd: StreamWatcher;
  /** Loads the session, once. */
  load(): Awaitable<RequestSession>;
  /**
   * Adds the cache headers of all sessions to the response before other middleware sees it.
   *
   * @param read Reads the response of a context without marking it.
   */
  mark(read: () => Response): void;
  /** Watches a background task for unsaved changes of all sessions. */
  watchTask(task: unknown): void;
}

/**
 * The property of a context that holds its sessions. A `WeakMap` would cost more than everything else during
 * garbage collection.
 */
export const MOUNTED = Symbol("hono-session");

/** A context that may have sessions. */
export type SessionHolder = { [MOUNTED]?: ContextSession };

/** Returns the session of a request that was mounted last. */
export function outermostSession(c: Context): ContextSession | undefined {
  return (c as SessionHolder)[MOUNTED];
}

/** Returns the session of a request, if the middleware is mounted. */
export function contextSessionOf(c: unknown, contextKey: string): ContextSession | undefined {
  let contextSession = (c as SessionHolder | undefined)?.[MOUNTED];
  while (contextSession && contextSession.config.contextKey !== contextKey) {
    contextSession = contextSession.outer;
  }
  return contextSession;
}

/**
 * Finds the session that the same middleware, or one with the same options, has attached to the request.
 *
 * @throws {TypeError} When a middleware with other options uses its name or its cookie.
 */
export function findSameMiddleware(
  outermost: ContextSession | undefined,
  { config: wanted, variables }: Pick<ContextSession, "config" | "variables">,
): ContextSession | undefined {
  const { contextKey, cookieName, transport } = wanted;
  const cookies = transport?.names ?? [];
  for (let contextSession = outermost; contextSession; contextSession = contextSession.outer) {
    const { config } = contextSession;
    const isApart = ![...variables.keys()].some((name) => contextSession!.variables.has(name)) &&
      !config.transport?.names.some((name) => cookies.includes(name));
    if (isApart) continue;
    const isOther = config.contextKey !== contextKey || config.cookieName !== cookieName ||
      config.options.store !== wanted.options.store;
    if (isOther) {
      throw new TypeError(
        `Cannot mount session middleware as "${contextKey}" with cookie "${cookieName}": another one is ` +
          `mounted as "${config.contextKey}" with cookie "${config.cookieName}"; give one of them another contextKey and cookieName`,
      );
    }
    const differences = differencesOf(wanted, config);
    if (differences.length === 0) return contextSession;
    throw new TypeError(
      `Cannot mount session middleware as "${contextKey}" twice: ${differences.join(" and ")} ${
        differences.length > 1 ? "differ" : "differs"
      }; give both the same options, or the second one a contextKey and a cookieName of its own`,
    );
  }
  return undefined;
}
