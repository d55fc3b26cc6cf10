import type { MiddlewareHandler, Next } from "hono";
import { HTTPException } from "hono/http-exception";
import type { MiddlewareConfig } from "../http/config.ts";
import { cancelBody } from "../http/response_stream.ts";
import { statusOf } from "../request/response_status.ts";
import type { Sessions } from "../request/sessions.ts";
import { andThen, type Awaitable, isPromiseLike } from "../util/awaitable.ts";
import { findSameMiddleware, outermostSession } from "./context.ts";
import { variablesOf } from "./context_variables.ts";
import { SessionLifecycle } from "./lifecycle.ts";

/** Makes the middleware of a configuration. */
export function makeMiddleware(config: MiddlewareConfig, sessions: Sessions): MiddlewareHandler {
  const variables = variablesOf(config);
  const mount = { config, sessions, variables };
  const { device } = sessions;
  return function session(c, next): Promise<Response | void> {
    const answer = device?.answer(c.req.raw, c);
    if (answer) return answer;
    const outer = outermostSession(c);
    const same = outer && findSameMiddleware(outer, mount);
    const lifecycle = same ? undefined : new SessionLifecycle(c, mount, outer);
    const loading = config.lazy ? undefined : (same ?? lifecycle!).load();
    return isPromiseLike(loading)
      ? loading.then(handling(lifecycle, next))
      : handle(lifecycle, next);
  };
}

function handling(lifecycle: SessionLifecycle | undefined, next: Next): () => Promise<void> {
  return () => handle(lifecycle, next);
}

/** Runs the handler, then commits. An `async` function would take twice the memory of this chain. */
function handle(lifecycle: SessionLifecycle | undefined, next: Next): Promise<void> {
  if (!lifecycle) return next();
  try {
    return Promise.resolve(next()).then(() => leave(lifecycle), (error) => fail(lifecycle, error));
  } catch (error) {
    return fail(lifecycle, error);
  }
}

function leave(lifecycle: SessionLifecycle): Awaitable<void> {
  return andThen(lifecycle.leave(), watch, lifecycle);
}

function watch(_: void, lifecycle: SessionLifecycle): void {
  lifecycle.watch();
}

/** Commits after the handler has failed. */
async function fail(lifecycle: SessionLifecycle, error: unknown): Promise<never> {
  try {
    await lifecycle.finish(statusOf(error));
  } catch (failure) {
    if (error instanceof HTTPException) cancelBody(error.res);
    throw failure;
  }
  lifecycle.watch();
  throw error;
}
