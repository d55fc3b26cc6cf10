import type { Context } from "hono";
import type { MiddlewareConfig } from "../http/config.ts";
import { watchBudget } from "../http/header_size.ts";
import { cookieOf } from "../http/session_cookie.ts";
import { toCookies } from "../http/set_cookie.ts";
import type { Exchange } from "../http/cookie_transport.ts";
import { EMPTY } from "../record/contents.ts";
import { NOTHING } from "../record/pending_changes.ts";
import type { CookieChange } from "../request/cookie_change.ts";
import type { Visit } from "../request/request_session.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { Outgoing } from "./response.ts";

/** A visit, once it has begun, and the response to its request. */
interface Answered {
  readonly visit: Visit | undefined;
  readonly outgoing: Outgoing;
}

/** Changes the session cookie in the response, and marks it for shared caches. */
export function deliver(
  config: MiddlewareConfig,
  { change, ...answered }: Answered & {
    readonly visit: Visit;
    readonly change: CookieChange;
  },
  c: Context,
): Awaitable<void> {
  const { visit, outgoing } = answered;
  return andThen(toCookies(config, change, c), (send) => {
    if (send) sendCookies(config, { send, change, outgoing }, c);
    else if (visit.isLoaded || mayHoldToken(visit)) mark(config, answered);
  });
}

function sendCookies(
  config: MiddlewareConfig,
  { send, change, outgoing }: {
    send: (headers: Exchange) => number;
    change: CookieChange;
    outgoing: Outgoing;
  },
  c: Context,
): void {
  const { cacheControl, vary, transport, logger } = config;
  const state = outgoing.send(
    (response) => watchBudget(send({ request: c.req.raw.headers, response }), logger),
    cacheControl ? { opens: true, vary } : undefined,
  );
  if (state) return logger.warn(`Cannot send session cookie: ${state}`);
  if (transport && change.action === "send") {
    config.insecureOrigin.look(c.req.raw, cookieOf(transport.cookie, change.cookie));
  }
}

/** Marks a response for caches, if it may show, as far as is known by now, what is one visitor's alone. */
export function markEarly(config: MiddlewareConfig, answered: Answered): void {
  const { visit } = answered;
  // One that is still to begin may be anybody's.
  if (!visit || isPersonal(visit)) mark(config, answered);
}

function mark({ cacheControl, vary }: MiddlewareConfig, { visit, outgoing }: Answered): void {
  if (cacheControl) outgoing.mark({ opens: visit !== undefined && mayHoldToken(visit), vary });
}

function isPersonal(visit: Visit): boolean {
  if (visit.isLoaded) return true;
  if (visit.isUntouched || visit.isOutage) return false;
  const { state } = visit;
  if (!state || state.stored || state.requested !== NOTHING || state.base() === EMPTY) return true;
  try {
    return state.hasChanged();
  } catch {
    // It holds what can't be stored.
    return true;
  }
}

/** Whether the response may hold the token of a session that it has begun. */
function mayHoldToken({ isLoaded, accessToken }: Visit): boolean {
  return !isLoaded && accessToken !== undefined;
}
