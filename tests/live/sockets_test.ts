import { closeWithSession } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { upgradeWebSocket } from "hono/deno";
import { WSContext } from "hono/ws";
import { SessionManager } from "../../src/manager/session_manager.ts";
import type { SessionEnv } from "../../src/middleware/env.ts";
import { makeMiddleware } from "../../src/middleware/middleware.ts";
import { checkOptions } from "../../src/options/check_options.ts";
import { Sessions } from "../../src/request/sessions.ts";

const ADA = "user:42";

/** A socket of a client, once it has said something and got an answer. */
async function open(address: string, cookie: string) {
  const socket = new WebSocket(`${address}/socket`, { headers: { cookie } } as never);
  const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const answer = new Promise<string>((resolve) =>
    socket.addEventListener("message", ({ data }) => resolve(data))
  );
  socket.send("hello");
  return { socket, closed, answer: await answer };
}

Deno.test("a WebSocket is closed when its session ends, and no other one; one that closes first is forgotten", async () => {
  const config = checkOptions({ store: new MapStore() });
  const sessions = new Sessions(config);
  const manager = new SessionManager(config);
  const heard: string[] = [];
  const app = new Hono<SessionEnv>().use(makeMiddleware(config, sessions)).get(
    "/socket",
    upgradeWebSocket((c) =>
      closeWithSession(c.get("session"), {
        onOpen: () => void heard.push("open"),
        onMessage: ({ data }, ws) => ws.send(`You said ${data}`),
        onClose: () => void heard.push("close"),
      })
    ),
  );
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, app.fetch);
  const address = `ws://127.0.0.1:${server.addr.port}`;
  const [ada, bob] = [
    await manager.create({}, { subject: ADA }),
    await manager.create({}, { subject: "user:43" }),
  ];
  const [first, second, other] = [
    await open(address, ada.cookie),
    await open(address, ada.cookie),
    await open(address, bob.cookie),
  ];
  assertEquals(first.answer, "You said hello");
  assertEquals(sessions.config.ends.size, 3);
  second.socket.close();
  await second.closed;
  while (heard.length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(sessions.config.ends.size, 2);
  await new SessionManager(config).revokeAll(ADA);
  const { code, reason } = await first.closed;
  assertEquals([code, reason], [4401, "revoked"]);
  assertEquals(other.socket.readyState, WebSocket.OPEN);
  other.socket.close();
  await other.closed;
  while (heard.length < 6) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(sessions.config.ends.size, 0);
  assertEquals(heard.filter((each) => each === "close").length, 3);
  await server.shutdown();
});

Deno.test("a WebSocket hands no message on after its session has ended, whatever is still on its way", () => {
  const ending = new AbortController();
  const heard: string[] = [];
  const { onOpen, onMessage, onClose } = closeWithSession({ ended: ending.signal }, {
    onOpen: () => void heard.push("open"),
    onMessage: ({ data }) => void heard.push(String(data)),
    onClose: () => void heard.push("close"),
  });
  const socket = new WSContext({
    send() {},
    close: (code, reason) => void heard.push(`closed ${code} ${reason}`),
    readyState: 1,
  });
  onOpen?.(new Event("open"), socket);
  onMessage?.(new MessageEvent("message", { data: "before" }), socket);
  ending.abort("revoked");
  onMessage?.(new MessageEvent("message", { data: "after" }), socket);
  onClose?.(new CloseEvent("close"), socket);
  assertEquals(heard, ["open", "before", "closed 4401 revoked", "close"]);
});

Deno.test("a WebSocket of a session that has ended is closed with its first message, which is not handed on", () => {
  const heard: string[] = [];
  const { onMessage } = closeWithSession({ ended: AbortSignal.abort("logout") }, {
    onMessage: ({ data }) => void heard.push(String(data)),
  });
  const close = (code?: number, reason?: string) => void heard.push(`closed ${code} ${reason}`);
  const socket = new WSContext({ send() {}, close, readyState: 1 });
  onMessage?.(new MessageEvent("message", { data: "first" }), socket);
  assertEquals(heard, ["closed 4401 logout"]);
});
