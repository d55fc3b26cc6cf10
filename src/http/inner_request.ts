import type { InnerCommit } from "../commit/context.ts";
import type { Sessions } from "../request/sessions.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { MiddlewareConfig } from "./config.ts";
import { inCookies } from "./credentials.ts";
import { cookieOf } from "./session_cookie.ts";

/**
 * Finds the commit of an inner request by the cookie in its response: headers survive when the response is
 * copied. A cookie that the application itself has set under the same name identifies no session.
 */
export function innerCommitOf(
  config: MiddlewareConfig,
  { sessions, response, held }: {
    sessions: Sessions;
    response: Headers;
    /** The changed attributes of the cookie that the client holds, as JSON text. */
    held: string | undefined;
  },
  c: unknown,
): Awaitable<InnerCommit | undefined> {
  const { transport } = config;
  if (!transport || !response.has("set-cookie")) return undefined;
  const tokens = transport.sent(response);
  if (tokens.length > 0) {
    return andThen(
      inCookies(config, tokens, c),
      (credentials) =>
        sessions.find(credentials.map((credential) => ({ ...credential, needsNoProof: true })), c),
    );
  }
  return transport.isCleared(response, cookieOf(transport.cookie, held)) ? "ended" : undefined;
}
