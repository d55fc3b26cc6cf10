import type { Context } from "hono";
import { forbidSharing } from "./cache_headers.ts";
import type { MiddlewareConfig } from "./check_options.ts";
import type { Delivery } from "./delivery.ts";
import { watchBudget } from "./header_budget.ts";
import type { Outgoing } from "./outgoing.ts";
import { andThen, type Awaitable } from "./promise.ts";
import { cookieOf } from "./session_cookie.ts";
import type { Exchange } from "./transport.ts";
import { toCookies } from "./travel.ts";
import type { Visit } from "./visit.ts";

/** What is to be told, of which visit, and with which response. */
export interface Delivering {
  readonly visit: Visit;
  readonly delivery: Delivery | undefined;
  readonly outgoing: Outgoing;
}

/** Tells the client of its session, and shared caches that there is one. */
export function deliver(
  config: MiddlewareConfig,
  { visit, delivery, outgoing }: Delivering,
  c: Context,
): Awaitable<void> {
  return andThen(delivery && toCookies(config, delivery, c), (send) => {
    // The response may hold the token of a session that it has begun.
    const mayHoldToken = !visit.isLoaded && visit.accessToken !== undefined;
    const opens = send !== undefined || mayHoldToken;
    if (!opens && !visit.isLoaded) return;
    if (config.transport && delivery?.token !== undefined) {
      config.insecureOrigin.look(c.req.raw, cookieOf(config.transport.cookie, delivery.cookie));
    }
    tell(config, { send, opens, outgoing }, c);
  });
}

function tell(
  { cacheControl, vary, logger }: MiddlewareConfig,
  { send, opens, outgoing }: {
    send: ((headers: Exchange) => number) | undefined;
    opens: boolean;
    outgoing: Outgoing;
  },
  c: Context,
): void {
  const request = c.req.raw.headers;
  const state = outgoing.edit((response) => {
    const bytes = send?.({ request, response }) ?? 0;
    watchBudget(bytes, logger);
    if (cacheControl) forbidSharing(response, { opens, vary });
  }, { isPersonal: send !== undefined });
  if (state && send) logger.warn(`Cannot send session cookie: ${state}`);
}
