import { createSessions, getSession, session, type SessionEnv } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { streamText } from "hono/streaming";
import { canShowFlash } from "../../src/request/consume_flash.ts";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  a?: number;
  notice?: string;
}

Deno.test("a value that another request flashes under the same key stays for the next, however often this one saves", async () => {
  const gate = new Gate();
  const app = new Hono<SessionEnv<Data>>()
    .use(session<Data>({ store: new MapStore() }))
    .get("/flash/:value", (c) => {
      c.var.session.flash("notice", c.req.param("value"));
      return c.text("flashed");
    })
    .get("/slow", async (c) => {
      await gate.pass();
      for (const a of [1, 2, 3]) {
        c.var.session.a = a;
        await c.var.session.save();
      }
      return c.json(c.var.session);
    })
    .get("/read", (c) => c.json(c.var.session));
  const client = new Client(app);
  await client.text("/flash/one");
  const slow = client.json("/slow");
  await gate.arrived();
  await client.text("/flash/two");
  gate.open();
  assertEquals(await slow, { a: 3, notice: "one" });
  assertEquals(await client.json("/read"), { a: 3, notice: "two" });
  assertEquals(await client.json("/read"), { a: 3 });
});

/** Requests and the status of their answers, by whether they can show what was flashed. */
const RULE: [
  can: boolean,
  headers: HeadersInit,
  rest?: { path?: string; method?: string; status?: number },
][] = [
  [true, {}],
  [true, {}, { method: "POST" }],
  [true, {}, { method: "DELETE" }],
  [false, {}, { method: "HEAD" }],
  [false, {}, { method: "OPTIONS" }],
  [true, {}, { status: 204 }],
  [true, {}, { status: 303 }],
  [true, {}, { status: 404 }],
  [true, {}, { status: 499 }],
  [false, {}, { status: 500 }],
  [false, {}, { status: 304 }],
  [false, {}, { status: 101 }],
  ...["document", "iframe", "frame", "fencedframe", "empty"].map((destination) =>
    [true, { "sec-fetch-dest": destination }] as [boolean, HeadersInit]
  ),
  ...[
    "audio",
    "embed",
    "font",
    "image",
    "json",
    "manifest",
    "object",
    "report",
    "script",
    "serviceworker",
    "style",
    "track",
    "video",
    "websocket",
    "worker",
    "something new",
  ].map((destination) => [false, { "sec-fetch-dest": destination }] as [boolean, HeadersInit]),
  [false, { "sec-purpose": "prefetch" }],
  [false, { "sec-purpose": "prefetch;prerender" }],
  [false, { "sec-purpose": "prefetch;anonymous-client-ip" }],
  [false, { "purpose": "prefetch" }],
  [false, { "x-sec-purpose": "prefetch" }],
  [false, { "x-moz": "prefetch" }],
  [true, { "purpose": "something else" }],
  [false, {}, { path: "/favicon.ico", status: 404 }],
  [false, {}, { path: "/favicon.ico?v=2" }],
  [false, {}, { path: "/app/favicon.ico", status: 404 }],
  [false, {}, { path: "/apple-touch-icon.png", status: 404 }],
  [false, {}, { path: "/apple-touch-icon-120x120-precomposed.png", status: 404 }],
  [false, {}, { path: "/.well-known/appspecific/com.chrome.devtools.json", status: 404 }],
  [true, {}, { path: "/page?about=/favicon.ico" }],
  [true, {}, { path: "/favicon.ico/about" }],
  [true, {}, { path: "/articles/.well-known/" }],
];

Deno.test("a request can show a flashed value if it is a page or a call of the application", () => {
  for (const [can, headers, { path = "/", method = "GET", status = 200 } = {}] of RULE) {
    const request = new Request(`https://app.test${path}`, { method, headers });
    const about = `${method} ${path} ${JSON.stringify(headers)} ${status}`;
    assertEquals(canShowFlash(request, status), can, about);
  }
});

Deno.test("the rule is asked only where something was flashed before", async () => {
  const app = new Hono<SessionEnv<Data>>()
    .use(session<Data>({ store: new MapStore() }))
    .get("/flash", (c) => {
      c.var.session.flash("notice", "saved");
      return c.text("flashed");
    })
    .get("/read", (c) => c.json(c.var.session));
  app.get("/set", (c) => {
    c.var.session.a = 1;
    return c.text("set");
  });
  let asked = 0;
  class Watched extends Headers {
    override get(name: string): string | null {
      if (name === "sec-fetch-dest") asked++;
      return super.get(name);
    }
  }
  const client = new Client({
    fetch(request) {
      const headers = new Watched(request.headers);
      return app.fetch(Object.defineProperty(request, "headers", { value: headers }));
    },
  });
  const paths = ["/set", "/read", "/flash", "/read", "/read"];
  const counts: number[] = [];
  for (const path of paths) {
    await client.text(path);
    counts.push(asked);
  }
  assertEquals(counts, [0, 0, 0, 1, 1]);
});

Deno.test("a save() after the response consumes what that has shown, and nothing else", async () => {
  for (const [destination, shown] of [["document", true], ["image", false]] as const) {
    const gate = new Gate();
    const app = new Hono<SessionEnv<Data>>()
      .use(session<Data>({ store: new MapStore() }))
      .get("/flash", (c) => {
        c.var.session.flash("notice", "saved");
        return c.text("flashed");
      })
      .get("/stream", (c) => {
        const { session } = c.var;
        return streamText(c, async (stream) => {
          await gate.pass();
          session.a = 1;
          await session.save();
          await stream.write("done");
        });
      })
      .get("/read", (c) => c.json(c.var.session));
    const client = new Client(app);
    await client.text("/flash");
    const stream = client.text("/stream", { headers: { "sec-fetch-dest": destination } });
    await gate.arrived();
    gate.open();
    assertEquals(await stream, "done");
    assertEquals(await client.json("/read"), { a: 1, ...(shown ? {} : { notice: "saved" }) });
  }
});

Deno.test("a request that fails consumes nothing with a save() after its response", async () => {
  const gate = new Gate();
  const app = new Hono<SessionEnv<Data>>()
    .use(session<Data>({ store: new MapStore() }))
    .get("/flash", (c) => {
      c.var.session.flash("notice", "saved");
      return c.text("flashed");
    })
    .get("/fail", (c) => {
      const { session } = c.var;
      gate.pass().then(async () => {
        session.a = 1;
        await session.save();
      }).finally(done);
      return c.text("failed", 500);
    })
    .get("/read", (c) => c.json(c.var.session));
  const { promise, resolve: done } = Promise.withResolvers<void>();
  const client = new Client(app);
  await client.text("/flash");
  await client.text("/fail");
  gate.open();
  await promise;
  assertEquals(await client.json("/read"), { a: 1, notice: "saved" });
});

Deno.test("a session that is opened outside of a response shows nothing, so it consumes nothing", async () => {
  const sessions = createSessions<Data>({ store: new MapStore(), lazy: true });
  const gate = new Gate();
  const { promise, resolve: done } = Promise.withResolvers<void>();
  const app = new Hono<SessionEnv<Data>>()
    .use(sessions.middleware())
    .get("/flash", async (c) => {
      (await getSession<Data>(c)).flash("notice", "saved");
      return c.text("flashed");
    })
    .get("/later", (c) => {
      gate.pass().then(async () => {
        const session = await getSession<Data>(c);
        session.a = 2;
        await session.save();
      }).finally(done);
      return c.text("later");
    })
    .get("/read", async (c) => c.json(await getSession<Data>(c)));
  const client = new Client(app);
  await client.text("/flash");
  const headers = { cookie: await client.cookie() };
  const opened = (await sessions.open(new Request("https://app.test", { headers })))!;
  opened.a = 1;
  await opened.save();
  await client.text("/later");
  gate.open();
  await promise;
  assertEquals(await client.json("/read"), { a: 2, notice: "saved" });
  assertEquals(await client.json("/read"), { a: 2 });
});

Deno.test("a flashed value that has had its day in another request is not brought back by one that saves again", async () => {
  const gate = new Gate();
  const app = new Hono<SessionEnv<Data>>()
    .use(session<Data>({ store: new MapStore() }))
    .get("/flash", (c) => {
      c.var.session.flash("notice", "saved");
      return c.text("flashed");
    })
    .get("/slow", async (c) => {
      await gate.pass();
      for (const a of [1, 2]) {
        await c.var.session.update("a", () => a);
        await c.var.session.save();
      }
      return c.json(c.var.session, 500);
    })
    .get("/read", (c) => c.json(c.var.session));
  const client = new Client(app);
  await client.text("/flash");
  const slow = client.json("/slow");
  await gate.arrived();
  assertEquals(await client.json("/read"), { notice: "saved" });
  gate.open();
  assertEquals(await slow, { a: 2, notice: "saved" });
  assertEquals(await client.json("/read"), { a: 2 });
});

Deno.test("a flashed value that was saved has its day in the request that shows it first", async () => {
  for (const [path, after] of [["/read", {}], ["/flash", { notice: "saved" }]] as const) {
    const gate = new Gate();
    const app = new Hono<SessionEnv<Data>>()
      .use(session<Data>({ store: new MapStore() }))
      .get("/flash", (c) => {
        const shown = c.var.session.notice;
        c.var.session.flash("notice", "saved");
        return c.json({ notice: shown });
      })
      .get("/slow", async (c) => {
        c.var.session.flash("notice", "slow");
        await c.var.session.save();
        await gate.pass();
        await c.var.session.update("a", () => 1);
        return c.json(c.var.session);
      })
      .get("/read", (c) => c.json(c.var.session));
    const client = new Client(app);
    await client.text("/flash");
    await client.text("/read");
    const slow = client.json("/slow");
    await gate.arrived();
    assertEquals(await client.json(path), { notice: "slow" });
    gate.open();
    assertEquals(await slow, { a: 1, notice: "slow" });
    assertEquals(await client.json("/read"), { a: 1, ...after });
    assertEquals(await client.json("/read"), { a: 1 });
  }
});
