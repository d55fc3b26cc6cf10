import type { Context } from "hono";
import type { MiddlewareConfig } from "../http/config.ts";
import { warnOfLargeCookie } from "../http/header_size.ts";
import { warnOfInsecureOrigin } from "../http/insecure_origin.ts";
import { prepareCookie, type PreparedCookie, writeCookie } from "../http/set_cookie.ts";
import { NOTHING_PENDING } from "../record/pending_changes.ts";
import type { CookieChange } from "../request/cookie_change.ts";
import type { RequestSession } from "../request/request_session.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { ContextResponse } from "./response.ts";

/** The loaded session of a request, and the response. */
interface Answered {
  readonly config: MiddlewareConfig;
  readonly requestSession: RequestSession | undefined;
  readonly response: ContextResponse;
}

/** A response that gets the session cookie. */
interface Sending extends Omit<Answered, "requestSession"> {
  readonly c: Context;
}

/** Changes the session cookie in the response, and adds cache headers. */
export function setSessionHeaders(
  answered: Answered,
  change: CookieChange | undefined,
  c: Context,
): Awaitable<void> {
  const { config, response, requestSession } = answered;
  const cookie = prepareCookie(config, change, c);
  if (cookie) return andThen(cookie, sendCookie, { config, response, c });
  if (requestSession?.isLoaded || mayHoldToken(requestSession)) mark(answered, c.res);
}

function sendCookie(cookie: PreparedCookie, { config, response, c }: Sending): void {
  const { cacheControl, vary, logger } = config;
  const headers = response.send(cacheControl ? { opens: true, vary } : undefined);
  if (typeof headers === "string") return logger.warn(`Cannot send session cookie: ${headers}`);
  const request = c.req.raw.headers;
  warnOfLargeCookie(writeCookie(config, cookie, { request, response: headers }), logger);
  if ("cookie" in cookie) warnOfInsecureOrigin(config, c.req.raw, cookie.cookie);
}

/** Adds cache headers if the response may contain personal data, as far as is known by now. */
export function markForCaches(answered: Answered, res: Response): void {
  const { requestSession } = answered;
  // A session that is not loaded yet may belong to a user.
  if (!requestSession || isPersonal(requestSession)) mark(answered, res);
}

function mark(
  { config: { cacheControl, vary }, requestSession, response }: Answered,
  res: Response,
): void {
  if (!cacheControl) return;
  response.mark(res, { opens: response.holdsToken || mayHoldToken(requestSession), vary });
}

function isPersonal(requestSession: RequestSession): boolean {
  if (requestSession.isLoaded || requestSession.isStarting) return true;
  if (requestSession.isUntouched || requestSession.unavailable) return false;
  const { state } = requestSession;
  if (!state || state.stored || state.pending !== NOTHING_PENDING) return true;
  try {
    return state.hasChanged();
  } catch {
    // It holds a value that can't be stored.
    return true;
  }
}

/** Checks whether the response may contain the access token of a session that this request has started. */
function mayHoldToken(requestSession: RequestSession | undefined): boolean {
  return requestSession?.accessToken !== undefined && !requestSession.isLoaded;
}
