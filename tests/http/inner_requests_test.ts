import { session, type SessionEvents } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { SECRET } from "../_support/cookie_stores.ts";

interface Data {
  count?: number;
  notes?: string;
  userId?: string;
}

function rewritten(path: string, c: { req: { raw: Request } }): Request {
  return new Request(new URL(path, c.req.raw.url), { headers: c.req.raw.headers });
}

Deno.test("a request within another one may split its session over cookies, or need fewer", async () => {
  const store = new EncryptedCookieStore({ secret: SECRET, chunks: 4 });
  const app = new Hono();
  app.use(session<Data>({ store, existsCookieName: "sx" }))
    .get("/in/:length", async (c) => {
      c.var.session.count = (c.var.session.count ?? 0) + 1;
      return await app.fetch(rewritten(`/${c.req.param("length")}`, c));
    })
    .get("/read", (c) => c.json([c.var.session.count, c.var.session.notes?.length]))
    .get("/:length", (c) => {
      c.var.session.notes = "x".repeat(Number(c.req.param("length")));
      return c.text("set");
    });
  const client = new Client(app);
  for (const [count, length] of [10, 7000, 3500, 10, 7000].entries()) {
    const response = await client.fetch(`/in/${length}`);
    await response.body?.cancel();
    const names = response.headers.getSetCookie().map((line) => line.split("=")[0]);
    assertEquals(new Set(names).size, names.length, "one cookie of each name");
    assertEquals(await client.json("/read"), [count + 1, length]);
  }
});

Deno.test("what nobody changes around a request costs nothing more", async () => {
  const store = new FaultyStore(new MapStore());
  const app = new Hono();
  app.use(session<Data>({ store }))
    .get("/in/:path", (c) => app.fetch(rewritten(`/${c.req.param("path")}`, c)))
    .get("/read", (c) => c.json(c.var.session.count ?? null))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.count = 1;
      return c.text("welcome");
    });
  const client = new Client(app);
  await client.text("/in/login");
  assertEquals(store.calls(), ["create"]);
  await client.text("/in/read");
  assertEquals(store.calls(), ["read", "read"]);
  await client.text("/in/login");
  assertEquals(store.calls(), ["read", "read", "replace"]);
});

Deno.test("a login around a request that ends its session is told that it failed", async () => {
  for (const store of [new MapStore(), new EncryptedCookieStore({ secret: SECRET })]) {
    const interrupted: string[] = [];
    const events: SessionEvents = { interrupted: ({ sid }) => interrupted.push(sid) };
    const app = new Hono();
    app.use(session<Data>({ store, events }))
      .get("/set", (c) => {
        c.var.session.count = 1;
        return c.text("set");
      })
      .get("/login", async (c) => {
        c.var.session.subject = "user:42";
        return await app.fetch(rewritten("/logout", c));
      })
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.text("bye");
      })
      .get("/read", (c) => c.json(c.var.session));
    const client = new Client(app);
    await client.text("/set");
    const response = await client.fetch("/login");
    await response.body?.cancel();
    assertEquals([response.status, interrupted.length], [409, 1]);
    assertEquals(await client.json("/read"), {});
  }
});

Deno.test("a session that a request begins around another one is its own", async () => {
  for (const store of [new MapStore(), new EncryptedCookieStore({ secret: SECRET })]) {
    const app = new Hono();
    app.use(session<Data>({ store }))
      .get("/set", (c) => {
        c.var.session.count = 1;
        return c.text("set");
      })
      .get("/switch", async (c) => {
        const response = await app.fetch(rewritten("/set", c));
        c.var.session.destroy();
        c.set("session", { userId: "42" } as never);
        return response;
      })
      .get("/read", (c) => c.json(c.var.session));
    const client = new Client(app);
    await client.text("/set");
    await client.text("/switch");
    assertEquals(await client.json("/read"), { userId: "42" });
  }
});
