import { session, type SessionEnv, type SessionOptions } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { upgradeWebSocket } from "hono/deno";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";

interface Data {
  name?: string;
  notice?: string;
  opened?: number;
}

/** The settings under which a session is due for something in the request of a handshake. */
const SETTINGS: Record<string, (clock: FakeClock) => SessionOptions<Data>> = {
  "rolling, MapStore": ({ now }) => ({ store: new MapStore({ clock: now }), rolling: true }),
  "rolling, EncryptedCookieStore": ({ now }) => ({
    store: new EncryptedCookieStore({ secret: SECRET, clock: now }),
    rolling: true,
  }),
  "rotate, MapStore": ({ now }) => ({
    store: new MapStore({ clock: now }),
    rotate: { every: 60 },
  }),
};

for (const [name, settings] of Object.entries(SETTINGS)) {
  Deno.test(`${name}: Deno opens a WebSocket, whatever its session is due for`, async () => {
    const clock = new FakeClock();
    const warnings: string[] = [];
    const app = new Hono<SessionEnv<Data>>()
      .use(session<Data>({
        clock: clock.now,
        maxAge: 1000,
        logger: { error: console.error, warn: (message) => warnings.push(message) },
        ...settings(clock),
      }))
      .get("/login", (c) => {
        c.var.session.name = "Ada";
        c.var.session.flash("notice", "Welcome");
        return c.text("welcome");
      })
      .get(
        "/socket",
        upgradeWebSocket((c) => {
          const { name, notice } = c.var.session;
          return { onMessage: (_, socket) => socket.send(`${name}: ${notice}`) };
        }),
      )
      .get(
        "/changing",
        upgradeWebSocket((c) => {
          c.var.session.opened = 1;
          return { onMessage: (_, socket) => socket.send("changed") };
        }),
      );
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => app.fetch(request),
    );
    const address = `127.0.0.1:${server.addr.port}`;
    const response = await fetch(`http://${address}/login`);
    await response.body?.cancel();
    const headers = { cookie: response.headers.getSetCookie()[0]!.split(";")[0]! };
    for (let count = 0; count < 2; count++) {
      clock.advance(400);
      assertEquals(await ask(`ws://${address}/socket`, headers), "Ada: Welcome");
    }
    assertEquals(warnings, []);
    assertEquals(await ask(`ws://${address}/changing`, headers), "changed");
  });
}

/** What a WebSocket answers to its first message. */
async function ask(url: string, headers: HeadersInit): Promise<string> {
  const socket = new WebSocket(url, { headers });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.onopen = () => socket.send("hello");
  socket.onmessage = ({ data }) => resolve(data);
  socket.onerror = () => reject(new Error("the socket did not open"));
  const closed = new Promise((resolve) => socket.onclose = resolve);
  try {
    return await promise;
  } finally {
    socket.close();
    await closed;
  }
}
