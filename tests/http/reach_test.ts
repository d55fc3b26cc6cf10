import { session, type SessionOptions } from "@x/hono-session";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { etag } from "hono/etag";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";

const IDLE = 1000;

/** The settings under which a session gets another cookie now and then. */
const SETTINGS: Record<string, (clock: FakeClock) => SessionOptions<Data>> = {
  "rolling, MapStore": ({ now }) => ({ store: new MapStore({ clock: now }), rolling: true }),
  "rolling with a throttle, MapStore": ({ now }) => ({
    store: new MapStore({ clock: now }),
    rolling: { after: 300 },
  }),
  "rolling, encrypted cookie": ({ now }) => ({
    store: new EncryptedCookieStore({ secret: SECRET, clock: now }),
    rolling: true,
  }),
  "rotate and rolling, MapStore": ({ now }) => ({
    store: new MapStore({ clock: now }),
    rolling: true,
    rotate: { every: 60 },
  }),
};

interface Data {
  name?: string;
  count?: number;
}

function setup(settings: (clock: FakeClock) => SessionOptions<Data>) {
  const clock = new FakeClock();
  const gate = new Gate();
  const warnings: string[] = [];
  const rejected: string[] = [];
  const app = new Hono()
    .use(etag())
    .use(session<Data>({
      maxAge: IDLE,
      clock: clock.now,
      logger: { error: console.error, warn: (message) => warnings.push(message) },
      events: { rejected: ({ reason }) => rejected.push(reason) },
      ...settings(clock),
    }))
    .get("/login", (c) => {
      c.var.session.name = "Ada";
      return c.text("welcome");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/count", (c) => {
      c.var.session.count = (c.var.session.count ?? 0) + 1;
      return c.json(c.var.session);
    })
    // As runtimes answer: a response whose headers can't be changed and which can't be copied.
    .get("/socket", (c) => {
      assertEquals(c.req.header("upgrade"), "websocket");
      return upgraded();
    })
    .post("/upload", async (c) => {
      await gate.pass();
      return c.text("done");
    });
  return { app, client: new Client(app), clock, gate, warnings, rejected };
}

function upgraded(): Response {
  const response = new Response(null);
  const refuse = () => {
    throw new TypeError("immutable");
  };
  const headers = new Proxy(response.headers, {
    get: (target, name) =>
      name === "append" || name === "set" || name === "delete"
        ? refuse
        : Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name),
  });
  return Object.defineProperties(response, { status: { value: 101 }, headers: { value: headers } });
}

for (const [name, settings] of Object.entries(SETTINGS)) {
  Deno.test(`${name}: pages that are answered 200 and 304 in turn keep a user logged in`, async () => {
    const { client, clock, rejected } = setup(settings);
    await client.text("/login");
    let tag: string | null = null;
    for (let count = 0; count < 60; count++) {
      clock.advance(80);
      const headers: HeadersInit = tag && count % 2 ? { "if-none-match": tag } : {};
      const response = await client.fetch("/read", { headers });
      assertEquals(response.status, headers["if-none-match"] ? 304 : 200, `request ${count}`);
      tag = response.headers.get("etag") ?? tag;
      if (response.status === 200) assertEquals(await response.json(), { name: "Ada" });
    }
    assertEquals(rejected, []);
  });

  Deno.test(`${name}: the cookie outlives a page that the browser revalidates every time`, async () => {
    const { client, clock, rejected } = setup(settings);
    let tag: string | null = null;
    let cookieEnd = 0;
    const visit = async (path: string) => {
      const response = await client.fetch(path, tag ? { headers: { "if-none-match": tag } } : {});
      await response.body?.cancel();
      const isStored = !response.headers.get("cache-control")?.includes("no-store");
      tag = isStored ? response.headers.get("etag") : null;
      for (const cookie of response.headers.getSetCookie()) {
        cookieEnd = clock.now() + Number(/Max-Age=(\d+)/.exec(cookie)![1]) * 1000;
      }
      return response.status;
    };
    const statuses = new Set([await visit("/login")]);
    for (let count = 0; count < 60; count++) {
      clock.advance(80);
      assert(clock.now() < cookieEnd, `the browser drops its cookie before request ${count}`);
      statuses.add(await visit("/read"));
    }
    // What is rotated that often is never stored.
    assertEquals(statuses.has(304), !name.startsWith("rotate"));
    assertEquals(rejected, []);
  });

  Deno.test(`${name}: no cookie is due in a conditional request while there is time for a later one`, async () => {
    const { client, clock } = setup(settings);
    await client.text("/login");
    clock.advance(500);
    const conditional = await client.fetch("/read", { headers: { "if-none-match": '"x"' } });
    assertEquals(conditional.headers.getSetCookie(), []);
    await conditional.body?.cancel();
    assertEquals((await client.fetch("/read")).headers.getSetCookie().length, 1);
  });

  Deno.test(`${name}: the handshake of a socket is no time for another cookie`, async () => {
    const { client, clock, warnings, rejected } = setup(settings);
    await client.text("/login");
    for (let count = 0; count < 30; count++) {
      clock.advance(400);
      const response = await client.fetch("/socket", { headers: { upgrade: "websocket" } });
      assertEquals(response.status, 101);
      clock.advance(100);
      assertEquals(await client.json("/read"), { name: "Ada" }, `after ${count + 1} sockets`);
    }
    assertEquals(warnings, []);
    assertEquals(rejected, []);
  });

  // The client holds what is in a cookie itself.
  if (!name.includes("cookie")) {
    Deno.test(`${name}: sockets alone keep a session, and the next page sends its cookie`, async () => {
      const { client, clock, warnings } = setup(settings);
      await client.text("/login");
      for (let count = 0; count < 3; count++) {
        clock.advance(300);
        await client.fetch("/socket", { headers: { upgrade: "websocket" } });
      }
      const response = await client.fetch("/read");
      assertEquals(await response.json(), { name: "Ada" });
      assertEquals(response.headers.getSetCookie().length, 1);
      assertEquals(warnings, []);
    });
  }

  Deno.test(`${name}: an upload that lasts longer than the idle timeout keeps its session`, async () => {
    for (const before of [0, 50, 500, IDLE - 1]) {
      const { client, clock, gate, rejected } = setup(settings);
      await client.text("/login");
      clock.advance(before);
      const uploading = client.fetch("/upload", { method: "POST" });
      await gate.arrived();
      clock.advance(IDLE + 1);
      gate.open();
      const response = await uploading;
      assertEquals([response.status, await response.text()], [200, "done"]);
      assertEquals(await client.json("/read"), { name: "Ada" }, `begun after ${before} s`);
      clock.advance(IDLE - 1);
      assertEquals(await client.json("/read"), { name: "Ada" });
      assertEquals(rejected, []);
    }
  });

  Deno.test(`${name}: others see the session of an upload end as ever`, async () => {
    const { app, client, clock, gate } = setup(settings);
    await client.text("/login");
    const headers = { cookie: await client.cookie() };
    const uploading = client.fetch("/upload", { method: "POST" });
    await gate.arrived();
    clock.advance(IDLE);
    assertEquals(await (await app.request("/read", { headers })).json(), {});
    gate.open();
    await (await uploading).text();
  });
}

Deno.test("an upload does not bring back a session that was ended meanwhile", async () => {
  for (const wait of [0, IDLE + 1]) {
    const clock = new FakeClock();
    const gate = new Gate();
    const app = new Hono()
      .use(session<Data>({
        store: new MapStore({ clock: clock.now }),
        clock: clock.now,
        maxAge: IDLE,
        rolling: true,
      }))
      .get("/login", (c) => {
        c.var.session.name = "Ada";
        return c.text("welcome");
      })
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.text("bye");
      })
      .get("/read", (c) => c.json(c.var.session))
      .post("/upload", async (c) => {
        await gate.pass();
        c.var.session.count = 1;
        return c.text("done");
      });
    const client = new Client(app);
    await client.text("/login");
    const thief = await client.thief();
    const uploading = thief.fetch("/upload", { method: "POST" });
    await gate.arrived();
    await client.text("/logout");
    clock.advance(wait);
    gate.open();
    assertEquals((await uploading).headers.getSetCookie(), []);
    assertEquals(await thief.json("/read"), {});
  }
});

Deno.test("a stream that saves after its response renews no cookie that nobody gets", async () => {
  const clock = new FakeClock();
  let save: (() => Promise<void>) | undefined;
  const app = new Hono()
    .use(session<Data>({
      store: new MapStore({ clock: clock.now }),
      clock: clock.now,
      maxAge: IDLE,
      rolling: true,
    }))
    .get("/stream", (c) => {
      const { session } = c.var;
      session.count ??= 0;
      save = async () => {
        session.count!++;
        await session.save();
      };
      return c.text("begun");
    })
    .get("/read", (c) => c.json(c.var.session));
  const client = new Client(app);
  await client.text("/stream");
  clock.advance(150);
  await save!();
  const response = await client.fetch("/read");
  assertEquals(response.headers.getSetCookie().length, 1, "the next page renews it");
  for (let count = 0; count < 10; count++) {
    clock.advance(300);
    await save!();
  }
  assertEquals(await client.json("/read"), { count: 11 }, "a stream that is in use keeps it");
});
