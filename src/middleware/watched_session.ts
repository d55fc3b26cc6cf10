import type { Context } from "hono";
import { cookieDeliveryOf } from "../http/conditional_request.ts";
import type { SessionState } from "../session/session_state.ts";
import type { ContextResponse } from "./response.ts";
import type { ResponseEnd } from "./response_end.ts";

/** The response of a request, and its end. */
interface Leaving {
  readonly response: ContextResponse;
  readonly responseEnd: ResponseEnd;
}

/** Records the rest of a request whose response is sent now: a stream, a socket, or only listeners. */
export function leaveWatched(
  state: SessionState,
  { response, responseEnd }: Leaving,
  { req: { raw } }: Context,
): void {
  const { ends } = responseEnd;
  if (!ends.has(state)) return;
  if (cookieDeliveryOf(raw) === "none") return ends.left(state, "socket");
  // Hono drops the body of the response.
  if (raw.method === "HEAD") return ends.over(state);
  if (!responseEnd.isRunning) response.watchBody(responseEnd);
  ends.left(state, responseEnd.isRunning ? "stream" : "whole");
}
