import type { Context } from "hono";
import { cookieDeliveryOf } from "../http/conditional_request.ts";
import type { SessionState } from "../session/session_state.ts";
import type { Sessions } from "../request/sessions.ts";
import type { ContextResponse } from "./response.ts";
import type { ResponseEnd } from "./response_end.ts";

/** The response of a request, and its end. */
interface Leaving {
  readonly sessions: Sessions;
  readonly response: ContextResponse;
  readonly responseEnd: ResponseEnd;
}

/**
 * Records the rest of a request whose response is sent now: a stream, a socket, or only listeners. A client can ask
 * for an upgrade and get a stream.
 */
export function leaveWatched(
  state: SessionState,
  leaving: Leaving,
  { req: { raw } }: Context,
): void {
  const { ends } = leaving.sessions;
  // Hono drops the body of the response.
  if (isHead(raw)) return ends.over(state);
  if (!ends.has(state)) return;
  const { response, responseEnd } = leaving;
  if (!responseEnd.isRunning) response.watchBody(responseEnd);
  if (responseEnd.hasStream) return ends.left(state, "stream");
  if (cookieDeliveryOf(raw) === "none") return ends.left(state, "socket");
  ends.left(state, responseEnd.isRunning ? "stream" : "whole");
}

function isHead(request: Request): boolean {
  try {
    return request.method === "HEAD";
  } catch {
    // Deno throws when the properties of an upgraded request are read.
    return false;
  }
}
