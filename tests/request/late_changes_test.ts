import {
  createSessions,
  getSession,
  session,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { stream, streamText } from "hono/streaming";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  name?: string;
  steps?: number[];
}

/** Options of sessions, and what their logger is warned of. */
function warned(options: SessionOptions<Data>) {
  const warnings: string[] = [];
  const logger = { error() {}, warn: (message: string) => warnings.push(message) };
  return { warnings, options: { ...options, logger } };
}

Deno.test("a change that comes too late is warned of whatever the session travels in", async () => {
  const { warnings, options } = warned({
    store: new MapStore(),
    secret: SECRET,
    cookieName: false,
    token: { maxAge: 3600 },
  });
  const app = new Hono().use(session<Data>(options))
    .post("/login", async (c) => {
      await startSession(c, { name: "Ada" });
      return c.text(c.get("sessionToken")!);
    })
    .get("/stream", (c) => {
      const { session } = c.var;
      return streamText(c, async (stream) => {
        await stream.write("the response has been sent");
        session.name = "late";
      });
    });
  const token = await (await app.request("/login", { method: "POST" })).text();
  const headers = { authorization: `Bearer ${token}` };
  await (await app.request("/stream", { headers })).text();
  assertEquals(warnings.length, 1);
});

Deno.test("a session that is asked for when the response has left is watched as well", async () => {
  const { warnings, options } = warned({
    store: new EncryptedCookieStore({ secret: SECRET }),
    lazy: true,
  });
  const app = new Hono().use(session<Data>(options))
    .get("/set", async (c) => {
      (await getSession<Data>(c))!.name = "Ada";
      return c.text("set");
    })
    .get("/stream", (c) =>
      streamText(c, async (stream) => {
        await stream.write("the response has been sent");
        const session = (await getSession<Data>(c))!;
        session.name = "late";
        await assertRejects(() => session.save(), Error, "Cannot save session");
      }))
    .get("/read", async (c) => c.json(await getSession(c)));
  const client = new Client(app);
  await client.text("/set");
  await client.text("/stream");
  assertEquals(await client.json("/read"), { name: "Ada" });
  assertEquals(warnings.length, 1);
});

Deno.test("a session of a socket is watched: it can't be saved in a cookie", async () => {
  const clock = new FakeClock();
  for (
    const store of [
      new MapStore({ clock: clock.now }),
      new EncryptedCookieStore({ secret: SECRET, clock: clock.now }),
    ]
  ) {
    const { warnings, options } = warned({ store, clock: clock.now });
    const sessions = createSessions<Data>(options);
    const { cookie } = await sessions.create({ name: "Ada" });
    const request = new Request("http://app.test/", { headers: { cookie } });
    const opened = (await sessions.open(request))!;
    opened.name = "late";
    for (let times = 0; times < 3; times++) {
      await sessions.open(request);
      clock.advance(10);
    }
    assertEquals(warnings.length, 1);
    if (store instanceof MapStore) await opened.save();
    else await assertRejects(() => opened.save(), Error, "the response has been sent");
  }
});

Deno.test("an object that is assigned too late is refused where a cookie would have to be sent", async () => {
  const { warnings, options } = warned({ store: new EncryptedCookieStore({ secret: SECRET }) });
  const app = new Hono()
    .use(async (c, next) => {
      await next();
      if (c.req.path !== "/outer") return;
      assertThrows(
        () => Reflect.set(c, "session", { name: "late" }),
        Error,
        "Cannot change session",
      );
    })
    .use(session<Data>(options))
    .get("/set", (c) => {
      c.var.session.name = "Ada";
      return c.text("set");
    })
    .get("/outer", (c) => c.text("outer"));
  const client = new Client(app);
  await client.text("/set");
  assertEquals([await client.text("/outer"), warnings], ["outer", []]);
});

Deno.test("a stream that is watched stays the same, chunk by chunk", async () => {
  const gate = new Gate();
  const cancelled: unknown[] = [];
  const chunks = ["", "one", "x".repeat(100_000), "ü"].map((text) =>
    new TextEncoder().encode(text)
  );
  const app = new Hono().use(session<Data>({ store: new MapStore() }))
    .get("/chunks", (c) => c.body(ReadableStream.from(chunks), 201, { "x-other": "kept" }))
    .get("/fails", (c) =>
      c.body(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(chunks[1]);
            controller.error(new TypeError("the source failed"));
          },
        }),
      ))
    .get("/endless", (c) =>
      c.body(
        new ReadableStream({
          pull: (controller) => controller.enqueue(chunks[1]),
          cancel(reason) {
            cancelled.push(reason);
            gate.open();
          },
        }),
      ));
  const response = await app.request("/chunks");
  assertEquals([response.status, response.headers.get("x-other")], [201, "kept"]);
  const sizes = [];
  for await (const chunk of response.body!) sizes.push(chunk.length);
  assertEquals(sizes, [0, 3, 100_000, 2]);

  await assertRejects(async () => await (await app.request("/fails")).text(), TypeError, "source");

  const reader = (await app.request("/endless")).body!.getReader();
  assertEquals((await reader.read()).value, chunks[1]);
  await reader.cancel("enough");
  assertEquals(cancelled, ["enough"]);
});

Deno.test("a stream whose client goes away may still save", async () => {
  const clock = new FakeClock();
  const { warnings, options } = warned({
    store: new MapStore({ clock: clock.now }),
    clock: clock.now,
  });
  const gate = new Gate();
  const saved = Promise.withResolvers<void>();
  const app = new Hono().use(session<Data>(options))
    .get("/set", (c) => {
      c.var.session.name = "Ada";
      return c.text("set");
    })
    .get("/stream", (c) => {
      const { session } = c.var;
      return stream(c, async (stream) => {
        await stream.write("the response has been sent");
        session.steps = [1];
        await gate.pass();
        await session.save();
        saved.resolve();
      });
    })
    .get("/read", (c) => c.json(c.var.session));
  const client = new Client(app);
  await client.text("/set");
  const reader = (await client.fetch("/stream")).body!.getReader();
  await reader.read();
  await gate.arrived();
  await reader.cancel();
  assertEquals(await client.json("/read"), { name: "Ada" });
  gate.open();
  await saved.promise;
  clock.advance(20);
  assertEquals(await client.json("/read"), { name: "Ada", steps: [1] });
  assertEquals(warnings, []);
});

Deno.test("a change that waits for its save() is warned of in time", async () => {
  const clock = new FakeClock();
  const { warnings, options } = warned({
    store: new MapStore({ clock: clock.now }),
    clock: clock.now,
  });
  const sessions = createSessions<Data>(options);
  const { cookie } = await sessions.create({ name: "Ada" });
  const request = new Request("http://app.test/", { headers: { cookie } });
  const opened = (await sessions.open(request))!;
  for (const seconds of [0, 5, 4]) {
    opened.steps = [seconds];
    clock.advance(seconds);
    await sessions.open(request);
  }
  await opened.save();
  clock.advance(20);
  await sessions.open(request);
  assertEquals(warnings, []);
  opened.steps = [];
  await sessions.open(request);
  clock.advance(10);
  await sessions.open(request);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /the change was not saved; call save\(\) after such a change$/);
});

Deno.test("of many responses at once some are looked at again", async () => {
  let compared = 0;
  const { warnings, options } = warned({
    store: new MapStore(),
    initial: { steps: [1] },
    clock: () => {
      compared++;
      return 1000;
    },
  });
  const app = new Hono().use(session<Data>(options)).get("/", (c) => c.text("read"));
  for (let times = 0; times < 20_000; times++) await app.request("/");
  // A new session asks the clock for nothing else.
  assertEquals(compared < 2000, true, `${compared} times`);
  assertEquals(warnings, []);
});

Deno.test("a late change of a session that was never stored is not told to be saved", async () => {
  const { warnings, options } = warned({ store: new MapStore() });
  const app = new Hono().use(session<Data>(options)).get("/stream", (c) => {
    const { session } = c.var;
    return streamText(c, async (stream) => {
      await stream.write("the response has been sent");
      session.name = "late";
    });
  });
  await (await app.request("/stream")).text();
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, /; make it before the response is returned/);
});

Deno.test("a save() after a response that failed stores what was pending, with a new token or without", async () => {
  for (const path of ["/regenerating", "/plain"]) {
    let save = () => Promise.resolve();
    const app = new Hono().use(session<Data>({ store: new MapStore() }))
      .get("/start", async (c) => {
        await startSession(c, { name: "Ada" });
        return c.text("started");
      })
      .get("/:kind{regenerating|plain}", (c) => {
        const { session } = c.var;
        if (path === "/regenerating") session.regenerate();
        session.meta = { device: "phone" };
        session.name = "Eve";
        save = () => session.save();
        return c.text("failed", 500);
      })
      .get("/read", (c) => c.json([c.var.session.name, c.var.session.meta?.["device"]]));
    const client = new Client(app);
    await client.fetch("/start");
    await client.fetch(path);
    assertEquals(await client.json("/read"), ["Ada", null]);
    await save();
    assertEquals(await client.json("/read"), ["Eve", "phone"]);
  }
});

Deno.test("an update that nobody waits for is stored with a cookie, or refused, in whichever turn it begins", async () => {
  for (const turns of Array.from({ length: 9 }, (_, index) => index)) {
    const store = new MapStore();
    let code: unknown;
    let updated: Promise<unknown> | undefined;
    const app = new Hono()
      .use(session<{ count?: number }>({ store }))
      .get("/", (c) => {
        const update = async () => {
          for (let turn = 0; turn < turns; turn++) await undefined;
          await c.var.session.update("count", () => 1);
        };
        updated = update().catch((error) => code = error.code);
        return c.text("");
      });
    const { headers } = await app.request("/");
    await updated;
    const cookies = headers.getSetCookie().length;
    assertEquals(store.size, cookies, `${turns} turns`);
    assertEquals(code, cookies ? undefined : "ERR_SESSION_COMMITTED", `${turns} turns`);
  }
});
