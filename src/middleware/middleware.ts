import type { MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { MiddlewareConfig } from "../http/config.ts";
import { cancelBody } from "../http/response_stream.ts";
import { statusOf } from "../request/response_status.ts";
import type { Sessions } from "../request/sessions.ts";
import { isPromiseLike } from "../util/awaitable.ts";
import { namesOf, outermost, sameAs } from "./context.ts";
import { Mount } from "./lifecycle.ts";

/** Makes the middleware of a configuration. */
export function mount(config: MiddlewareConfig, sessions: Sessions): MiddlewareHandler {
  const names = namesOf(config.contextKey);
  return async function session(c, next): Promise<void> {
    const outer = outermost(c);
    const same = outer && sameAs(outer, config, names);
    if (same) {
      if (!config.lazy) await same.open();
      return await next();
    }
    const mount = new Mount(c, { config, sessions, names, outer });
    if (!config.lazy) {
      const visit = mount.open();
      if (isPromiseLike(visit)) await visit;
    }
    try {
      await next();
    } catch (error) {
      try {
        await mount.finish(statusOf(error));
      } catch (failure) {
        if (error instanceof HTTPException) cancelBody(error.res);
        throw failure;
      }
      mount.watch();
      throw error;
    }
    const leaving = mount.leave();
    if (isPromiseLike(leaving)) await leaving;
    mount.watch();
  };
}
