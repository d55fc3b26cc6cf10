import type { WSContext, WSEvents } from "hono/ws";
import type { SessionMembers } from "../session/session.ts";

/** The status of a socket that is closed because its session has ended: 401 in the range for applications. */
const UNAUTHORIZED = 4401;

/**
 * Makes a WebSocket close when its session ends, with the status 4401 and the reason of
 * `session.ended`. When the socket closes first, the session is no longer watched. On Workers, where Hono emits no
 * `onOpen`, the session is watched from the first message of the client on. Messages that arrive after the end are
 * dropped.
 *
 * @param session The session.
 * @param events The events of the application, for `upgradeWebSocket` of Hono.
 * @returns The events for `upgradeWebSocket`.
 *
 * @example Usage
 * ```ts
 * import { closeWithSession, createSessions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { upgradeWebSocket } from "hono/deno";
 *
 * const sessions = createSessions({ store: new MapStore() });
 * new Hono().use(sessions.middleware()).get(
 *   "/socket",
 *   upgradeWebSocket((c) =>
 *     closeWithSession(c.get("session"), {
 *       onMessage: (event, ws) => ws.send(`You said ${event.data}`),
 *     })
 *   ),
 * );
 * ```
 */
export function closeWithSession<Raw = unknown>(
  session: Pick<SessionMembers, "ended">,
  events: WSEvents<Raw> = {},
): WSEvents<Raw> {
  let stop: (() => void) | undefined;
  function start(socket: WSContext<Raw>): void {
    if (stop) return;
    const { ended } = session;
    const close = () => socket.close(UNAUTHORIZED, ended.reason);
    stop = () => ended.removeEventListener("abort", close);
    if (ended.aborted) close();
    else ended.addEventListener("abort", close);
  }
  return {
    ...events,
    onOpen(event, socket) {
      start(socket);
      if (!session.ended.aborted) events.onOpen?.(event, socket);
    },
    onMessage(event, socket) {
      start(socket);
      if (!session.ended.aborted) events.onMessage?.(event, socket);
    },
    onClose(event, socket) {
      stop?.();
      events.onClose?.(event, socket);
    },
  };
}
