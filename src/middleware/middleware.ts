import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { MiddlewareConfig } from "../http/config.ts";
import { cancelBody } from "../http/response_stream.ts";
import { statusOf } from "../request/response_status.ts";
import type { Sessions } from "../request/sessions.ts";
import { isPromiseLike } from "../util/awaitable.ts";
import { findSameMiddleware, namesOf, outermostSession } from "./context.ts";
import { SessionLifecycle } from "./lifecycle.ts";

/** Makes the middleware of a configuration. */
export function makeMiddleware(config: MiddlewareConfig, sessions: Sessions): MiddlewareHandler {
  const names = namesOf(config.contextKey);
  return async function session(c, next): Promise<void> {
    const outer = outermostSession(c);
    const same = outer && findSameMiddleware(outer, config, names);
    if (same) {
      if (!config.lazy) await same.load();
      return await next();
    }
    const lifecycle = new SessionLifecycle(c, { config, sessions, names, outer });
    if (!config.lazy) {
      const requestSession = lifecycle.load();
      if (isPromiseLike(requestSession)) await requestSession;
    }
    try {
      await next();
    } catch (error) {
      try {
        await lifecycle.finish(statusOf(error));
      } catch (failure) {
        if (error instanceof HTTPException) cancelBody(error.res);
        throw failure;
      }
      lifecycle.watch();
      throw error;
    }
    const leaving = lifecycle.leave();
    if (isPromiseLike(leaving)) await leaving;
    lifecycle.watch();
  };
}
