import { assertEquals } from "@std/assert";
import { bundleText, openWorkers } from "../_support/workers.ts";

const PROGRAM = `
import { closeWithSession, session } from "@x/hono-session";
import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
import { Hono } from "hono";
import { upgradeWebSocket } from "hono/cloudflare-workers";

export default new Hono()
  .use(session({
    store: new CloudflareKvStore({ namespace: (c) => c.env.SESSION }),
    live: { every: 1 },
    cookieOptions: { secure: false },
  }))
  .get("/begin", (c) => {
    c.var.session.name = "Ada";
    return c.text("begun");
  })
  .get("/logout", (c) => {
    c.var.session.destroy();
    return c.text("bye");
  })
  .get("/socket", upgradeWebSocket((c) =>
    closeWithSession(c.get("session"), {
      onMessage: (event, ws) => ws.send("You said " + event.data),
    })
  ));
`;

Deno.test({
  name: "a WebSocket on Workers is closed when its session ends in another request",
  // Miniflare keeps a port.
  sanitizeResources: false,
  async fn() {
    await using workers = await openWorkers(await bundleText(PROGRAM));
    if (!workers) return;
    const at = (path: string) => new URL(path, workers.url);
    const begun = await fetch(at("/begin"));
    await begun.text();
    const headers = { cookie: begun.headers.getSetCookie()[0]!.split(";")[0]! };
    const url = at("/socket");
    url.protocol = "ws:";
    const socket = new WebSocket(url, { headers } as never);
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    const answer = new Promise((resolve) =>
      socket.addEventListener("message", ({ data }) => resolve(data))
    );
    socket.send("hello");
    assertEquals(await answer, "You said hello");
    await (await fetch(at("/logout"), { headers })).text();
    const { code, reason } = await closed;
    assertEquals([code, reason], [4401, "ended"]);
  },
});
