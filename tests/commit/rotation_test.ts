import { createSessions, session, type SessionOptions } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { streamText } from "hono/streaming";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  name?: string;
  count?: number;
  slow?: boolean;
}

const EVERY = 600;
const GRACE = 30;

function setup(options: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const gate = new Gate();
  const records = new Map<string, { data: string }>();
  const log: string[] = [];
  const events: SessionOptions["events"] = {
    rotated: () => log.push("rotated"),
    regenerated: () => log.push("regenerated"),
    interrupted: () => log.push("interrupted"),
    rejected: ({ reason, sid }) => log.push(sid ? `${reason} of ${sid}` : reason),
  };
  const app = new Hono()
    .use(session<Data>({
      store: records,
      clock: clock.now,
      maxAge: 86400,
      rotate: { every: EVERY, grace: GRACE },
      events,
      ...options,
    }))
    .get("/login", (c) => {
      c.var.session.name = "Ada";
      return c.text("logged in");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/static", (c) => c.text("static"))
    .get("/sid", (c) => c.text(c.var.session.sid))
    .get("/expires", (c) => c.text(c.var.session.expiresAt.toISOString()))
    .get("/increment", async (c) => {
      return c.json(await c.var.session.update("count", (count = 0) => count + 1));
    })
    .get("/slow", async (c) => {
      await gate.pass();
      c.var.session.slow = true;
      return c.text("slow");
    })
    .get("/slow-save", async (c) => {
      await gate.pass();
      c.var.session.slow = true;
      await c.var.session.save();
      return c.text("slow");
    })
    .get("/slow-update", async (c) => {
      await gate.pass();
      await c.var.session.update("slow", () => true);
      return c.text("slow");
    })
    .get("/slow-logout", async (c) => {
      await gate.pass();
      c.var.session.destroy();
      return c.text("bye");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    })
    .get("/slow-login/:name", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      return c.text("slow");
    })
    .get("/session", (c) => c.json([c.var.session.sid, c.var.session.isNew]))
    .get("/fail", (c) => c.text("failed", 500))
    .get("/stream", (c) => {
      const { session } = c.var;
      return streamText(c, async (stream) => {
        await gate.pass();
        session.count = 7;
        await session.save();
        await stream.write("saved");
      });
    });
  return { app, clock, gate, log, records };
}

Deno.test("a token is rotated when it has had its time, and the session stays", async () => {
  const { app, clock, log } = setup();
  const client = new Client(app);
  await client.text("/login");
  const [sid, expires, first] = [
    await client.text("/sid"),
    await client.text("/expires"),
    await client.cookie(),
  ];
  clock.advance(EVERY - 1);
  await client.text("/read");
  assertEquals(await client.cookie(), first, "not before");
  clock.advance(1);
  const response = await client.fetch("/read");
  assertEquals(await response.json(), { name: "Ada" });
  assertEquals(response.headers.getSetCookie().length, 1);
  assertEquals(response.headers.get("cache-control"), "no-store");
  const second = await client.cookie();
  assertNotEquals(second, first);
  assertEquals(await client.text("/sid"), sid);
  assertEquals(await client.text("/expires"), expires, "a new token is no renewal");
  assertEquals(await client.cookie(), second, "the new one has its own time");
  assertEquals(log, ["rotated"]);
  clock.advance(EVERY);
  await client.text("/read");
  assertNotEquals(await client.cookie(), second);
});

Deno.test("any number of requests with the old token get the same successor", async () => {
  const { app, clock, gate, log, records } = setup();
  const client = new Client(app);
  await client.text("/login");
  const headers = { cookie: await client.cookie() };
  clock.advance(EVERY);
  const slow = Array.from({ length: 20 }, () => app.request("/slow", { headers }));
  await gate.arrived(20);
  gate.open();
  const late = Array.from({ length: 20 }, () => app.request("/increment", { headers }));
  const cookies = new Set<string>();
  for (const response of await Promise.all([...slow, ...late])) {
    assertEquals(response.status, 200);
    const [cookie] = response.headers.getSetCookie();
    if (cookie) cookies.add(cookie.split(";")[0]!);
    await response.body?.cancel();
  }
  assertEquals(cookies.size, 1);
  assertEquals(log.filter((each) => each === "rotated"), ["rotated"]);
  assertEquals(records.size, 2, "the session, and the way to it");
  const [cookie] = cookies;
  const response = await app.request("/read", { headers: { cookie: cookie! } });
  assertEquals(await response.json(), { name: "Ada", count: 20, slow: true });
});

Deno.test("an answer that got lost is made up for until its token has come back, and for the grace", async () => {
  const { app, clock, log } = setup();
  const client = new Client(app);
  await client.text("/login");
  const sid = await client.text("/sid");
  const old = { cookie: await client.cookie() };
  clock.advance(EVERY);
  await client.text("/read");
  clock.advance(20 * GRACE);
  const again = await app.request("/read", { headers: old });
  assertEquals(await again.json(), { name: "Ada" });
  assertEquals(again.headers.getSetCookie()[0]!.split(";")[0], await client.cookie());
  const nothing = await app.request("/static", { headers: old });
  assertEquals(nothing.headers.getSetCookie().length, 1, "whatever it asks for");
  assertEquals(await client.json("/read"), { name: "Ada" });
  clock.advance(GRACE - 1);
  const within = await app.request("/read", { headers: old });
  assertEquals(await within.json(), { name: "Ada" });
  clock.advance(1);
  log.length = 0;
  const late = await app.request("/read", { headers: old });
  assertEquals(await late.json(), {});
  assertEquals(late.headers.getSetCookie(), []);
  assertEquals(log, [`reuse of ${sid}`]);
  assertEquals(await client.json("/read"), { name: "Ada" }, "the session itself goes on");
  clock.advance(3600);
  await (await app.request("/read", { headers: old })).body?.cancel();
  assertEquals(log.at(-1), "unknown", "nothing is remembered for ever");
});

Deno.test("what is left of a rotated token holds neither data nor a token", async () => {
  const { app, clock, records } = setup();
  const client = new Client(app);
  await client.text("/login");
  const [oldKey] = records.keys();
  const old = await client.value();
  clock.advance(EVERY);
  await client.text("/read");
  const marker = JSON.stringify(records.get(oldKey!));
  assert(!marker.includes("Ada"), "no data");
  for (const token of [old!, (await client.value())!]) assert(!marker.includes(token), "no token");
  for (const key of records.keys()) assert(!(key !== oldKey && marker.includes(key)), "no key");
});

Deno.test("the next rotation waits for the grace of the last one, so that few reads lead to the session", async () => {
  const store = new FaultyStore(new MapStore());
  const { app, clock } = setup({ store, rotate: { every: 0, grace: GRACE } });
  const client = new Client(app);
  await client.text("/login");
  const first = { cookie: await client.cookie() };
  const tokens = new Set<string>();
  for (let count = 0; count < 100; count++) {
    await client.text("/read");
    tokens.add(await client.cookie());
  }
  assertEquals(tokens.size, 1, "within one grace");
  store.calls();
  const response = await app.request("/read", { headers: first });
  assertEquals(await response.json(), { name: "Ada" });
  assertEquals(response.headers.getSetCookie()[0]!.split(";")[0], await client.cookie());
  assertEquals(store.calls(), ["read", "read"]);
  for (let count = 0; count < 3; count++) {
    clock.advance(GRACE);
    await client.text("/read");
    tokens.add(await client.cookie());
    await client.text("/read");
  }
  assertEquals(tokens.size, 4);
  const late = await app.request("/read", { headers: first });
  assertEquals(await late.json(), {});
});

Deno.test("without a grace every request gets a new token", async () => {
  const { app } = setup({ rotate: { every: 0, grace: 0 } });
  const client = new Client(app);
  await client.text("/login");
  const tokens = new Set([await client.cookie()]);
  for (let count = 0; count < 10; count++) {
    assertEquals(await client.json("/read"), { name: "Ada" });
    tokens.add(await client.cookie());
  }
  assertEquals(tokens.size, 11);
});

Deno.test("a rotation whose answers all get lost logs nobody out and leaves one token", async () => {
  const { app, clock, records } = setup({ rolling: true, maxAge: 1000, rotate: { every: 60 } });
  const client = new Client(app);
  await client.text("/login");
  const headers = { cookie: await client.cookie() };
  const tokens = new Set<string | undefined>();
  for (let count = 0; count < 100; count++) {
    clock.advance(90);
    const response = await app.request("/read", { headers });
    assertEquals(await response.json(), { name: "Ada" }, `after ${count + 1} answers`);
    tokens.add(response.headers.getSetCookie()[0]?.split(";")[0]);
  }
  assertEquals(tokens.size, 1);
  assertEquals(records.size, 2);
});

Deno.test("a token is confirmed by use, whatever the request does", async () => {
  for (const path of ["/read", "/static", "/increment", "/stream"]) {
    const { app, clock, gate, log } = setup();
    gate.open();
    const client = new Client(app);
    await client.text("/login");
    const old = { cookie: await client.cookie() };
    clock.advance(EVERY);
    await client.text("/read");
    await client.text(path);
    clock.advance(GRACE);
    assertEquals(await (await app.request("/read", { headers: old })).json(), {}, path);
    assert(log.at(-1)!.startsWith("reuse of "), path);
  }
});

Deno.test("traces of rotated tokens take no place of a session, and few bytes for no longer than it lives", async () => {
  const clock = new FakeClock();
  const store = new MapStore({ maxEntries: 100, clock: clock.now });
  const app = new Hono()
    .use(session<Data>({ store, clock: clock.now, rotate: { every: 60 } }))
    .get("/login/:name", (c) => {
      c.var.session.name = c.req.param("name");
      return c.text("welcome");
    })
    .get("/read", (c) => c.text(c.var.session.name ?? "nobody"));
  const users = Array.from({ length: 30 }, () => new Client(app));
  for (const [index, user] of users.entries()) await user.text(`/login/${index}`);
  for (let count = 0; count < 60; count++) {
    clock.advance(5);
    for (const user of users.slice(0, 20)) await user.text("/read");
  }
  const names = await Promise.all(users.map((user) => user.text("/read")));
  assertEquals(names, users.map((_, index) => `${index}`));
  assertEquals(store.size, 30);

  const { app: short, clock: time, records } = setup({ maxAge: 700 });
  const client = new Client(short);
  await client.text("/login");
  const [key] = records.keys();
  const before = JSON.stringify(records.get(key!)).length;
  time.advance(EVERY);
  for (let count = 0; count < 2; count++) await client.text("/read");
  const trace = records.get(key!) as unknown as { expiresAt: number };
  assertEquals(trace.expiresAt, time.now() + 100_000, "no longer than its session");
  assert(JSON.stringify(trace).length < before + 90, `${JSON.stringify(trace).length} characters`);
});

Deno.test("rotate.remember says how long reuse is noticed", async () => {
  for (const [remember, reason] of [[0, "unknown"], [100, "reuse"]] as const) {
    const { app, clock, log } = setup({ rotate: { every: EVERY, grace: GRACE, remember } });
    const client = new Client(app);
    await client.text("/login");
    const old = { cookie: await client.cookie() };
    clock.advance(EVERY);
    for (let count = 0; count < 2; count++) await client.text("/read");
    clock.advance(GRACE);
    assertEquals(await (await app.request("/read", { headers: old })).json(), {});
    assert(log.at(-1)!.startsWith(reason), log.at(-1));
  }
});

Deno.test("a request that has given its session a new token does not rotate it as well", async () => {
  const store = new FaultyStore(new MapStore());
  const app = new Hono()
    .use(session<Data>({ store, rotate: { every: 0 } }))
    .get("/login", (c) => {
      c.var.session.name = "Ada";
      return c.text("welcome");
    })
    .get("/save", async (c) => {
      await c.var.session.regenerate();
      await c.var.session.save();
      return c.text("saved");
    })
    .get("/update", async (c) => {
      await c.var.session.regenerate();
      await c.var.session.update("count", (count = 0) => count + 1);
      return c.text("updated");
    });
  for (const path of ["/save", "/update"]) {
    const client = new Client(app);
    await client.text("/login");
    store.calls();
    await client.text(path);
    assertEquals(store.calls(), ["read", "replace"], path);
  }
});

Deno.test("who uses a copied token before the client does logs the client out, and is noticed", async () => {
  const { app, clock, log } = setup();
  const client = new Client(app);
  await client.text("/login");
  clock.advance(EVERY);
  const thief = await client.thief();
  await thief.text("/read");
  await thief.text("/read");
  clock.advance(GRACE);
  assertEquals(await client.json("/read"), {});
  assert(log.at(-1)!.startsWith("reuse of "));
});

Deno.test("a logout by a rotated token ends the session, within the grace and after it", async () => {
  for (const wait of [0, GRACE, 3000]) {
    const { app, clock, gate } = setup();
    const client = new Client(app);
    await client.text("/login");
    const thief = await client.thief();
    clock.advance(EVERY);
    const logout = app.request("/slow-logout", { headers: { cookie: await client.cookie() } });
    await gate.arrived();
    await thief.text("/read");
    clock.advance(wait);
    gate.open();
    assertEquals(await (await logout).text(), "bye");
    assertEquals(await thief.json("/read"), {}, `after ${wait} seconds`);
    assertEquals(await client.json("/read"), {});
  }
});

Deno.test("a request that outlives the grace of its token follows its session, and is given no token", async () => {
  for (const path of ["/slow", "/slow-save", "/slow-update"]) {
    const { app, clock, gate, log } = setup();
    const client = new Client(app);
    await client.text("/login");
    const thief = await client.thief();
    clock.advance(EVERY);
    const slow = thief.fetch(path);
    await gate.arrived();
    for (let count = 0; count < 2; count++) {
      await client.text("/read");
      await client.text("/read");
      clock.advance(count === 0 ? EVERY : GRACE);
    }
    gate.open();
    const response = await slow;
    assertEquals([response.status, await response.text()], [200, "slow"], path);
    assertEquals(response.headers.getSetCookie(), [], path);
    assert(!log.includes("interrupted"), path);
    assertEquals(await client.json("/read"), { name: "Ada", slow: true }, path);
    assertEquals(await thief.json("/read"), {}, path);
  }
});

Deno.test("a login that outlives the grace of its token is logged in, and the session before it goes on", async () => {
  const created: string[] = [];
  const { app, clock, gate, log, records } = setup({
    events: { created: ({ sid }) => created.push(sid) },
  });
  const client = new Client(app);
  await client.text("/login");
  await client.text("/increment");
  const late = await client.thief();
  clock.advance(EVERY);
  const slow = late.fetch("/slow-login/Eve");
  await gate.arrived();
  for (let count = 0; count < 2; count++) await client.text("/read");
  clock.advance(GRACE);
  gate.open();
  const response = await slow;
  assertEquals([response.status, response.headers.getSetCookie().length], [200, 1]);
  assertEquals(await late.json("/read"), { name: "Eve" });
  assertEquals(await client.json("/read"), { name: "Ada", count: 1 });
  assertEquals(created.length, 2);
  assertEquals(log, []);
  const live = [...records.values()].filter((record) => !("trace" in record));
  assertEquals(live.length, 2, "nothing that nobody has a token for");
});

Deno.test("regenerate() where a rotation is due costs the next request nothing", async () => {
  const store = new FaultyStore(new MapStore());
  const { app, clock, log } = setup({ store });
  const client = new Client(app);
  await client.text("/login");
  clock.advance(EVERY);
  await client.text("/regenerate");
  store.calls();
  for (let count = 0; count < 2; count++) {
    assertEquals(await client.json("/read"), { name: "Ada" });
    assertEquals(store.calls(), ["read"]);
  }
  clock.advance(EVERY);
  await client.text("/read");
  assertEquals(log, ["regenerated", "rotated"], "the next rotation waits for nothing");
});

Deno.test("the grace of a token starts although another write comes first", async () => {
  const store = new FaultyStore(new MapStore());
  const { app, clock, log } = setup({ store });
  const client = new Client(app);
  await client.text("/login");
  const thief = await client.thief();
  clock.advance(EVERY);
  await client.text("/read");
  store.inject("update", "refuse", 1);
  assertEquals(await client.json("/read"), { name: "Ada" });
  clock.advance(GRACE);
  assertEquals(await thief.json("/read"), {});
  assertMatch(log.at(-1)!, /^reuse of /);
});

Deno.test("a socket saves into a session that was rotated since it opened", async () => {
  const clock = new FakeClock();
  const sessions = createSessions<Data>({
    store: new MapStore({ clock: clock.now }),
    clock: clock.now,
    rotate: { every: EVERY, grace: GRACE },
  });
  const app = new Hono()
    .use(sessions.middleware())
    .get("/read", (c) => {
      c.var.session.name ??= "Ada";
      return c.json(c.var.session);
    });
  const client = new Client(app);
  await client.text("/read");
  const cookie = await client.cookie();
  const socket = (await sessions.open(new Request("http://localhost/", { headers: { cookie } })))!;
  clock.advance(EVERY);
  for (let count = 0; count < 2; count++) await client.text("/read");
  clock.advance(GRACE);
  assertEquals(await socket.update("count", (count = 0) => count + 1), 1);
  socket.slow = true;
  await socket.save();
  assertEquals(await client.json("/read"), { name: "Ada", count: 1, slow: true });
});

Deno.test("regenerate() has no grace, not for tokens that were rotated before either", async () => {
  const { app, clock, log } = setup();
  const client = new Client(app);
  await client.text("/login");
  const first = { cookie: await client.cookie() };
  clock.advance(EVERY);
  await client.text("/read");
  const second = { cookie: await client.cookie() };
  await client.text("/regenerate");
  for (const headers of [first, second]) {
    const response = await app.request("/read", { headers });
    assertEquals(await response.json(), {});
    assertEquals(response.headers.getSetCookie(), []);
  }
  assertEquals(await client.json("/read"), { name: "Ada" });
  assertEquals(log.filter((each) => each.endsWith("ed")), ["rotated", "regenerated"]);
});

Deno.test("a stream that began before the rotation saves into the session", async () => {
  const { app, clock, gate } = setup();
  const client = new Client(app);
  await client.text("/login");
  const stream = await (await client.thief()).fetch("/stream");
  clock.advance(EVERY);
  await client.text("/read");
  gate.open();
  assertEquals(await stream.text(), "saved");
  assertEquals(await client.json("/read"), { name: "Ada", count: 7 });
});

Deno.test("a stream that saves after the response has left gives no token that nobody is told", async () => {
  const { app, clock, gate, log } = setup();
  const client = new Client(app);
  await client.text("/login");
  const stream = await client.fetch("/stream");
  clock.advance(EVERY);
  gate.open();
  assertEquals(await stream.text(), "saved");
  assertEquals(log, []);
  assertEquals(await client.json("/read"), { name: "Ada", count: 7 });
});

Deno.test("a handler that fails leaves the token as it is", async () => {
  const { app, clock } = setup();
  const client = new Client(app);
  await client.text("/login");
  const before = await client.cookie();
  clock.advance(EVERY);
  await client.text("/fail");
  assertEquals(await client.cookie(), before);
});

Deno.test("rotation goes with signed tokens, renewal and its absolute end", async () => {
  const { app, clock } = setup({
    secret: SECRET,
    rolling: true,
    maxAge: 1000,
    absoluteMaxAge: 2000,
  });
  const client = new Client(app);
  await client.text("/login");
  for (let count = 0; count < 3; count++) {
    const before = await client.cookie();
    clock.advance(EVERY);
    assertEquals(await client.json("/read"), { name: "Ada" });
    assertNotEquals(await client.cookie(), before);
    assertEquals(await client.json("/read"), { name: "Ada" });
  }
  clock.advance(200);
  assertEquals(await client.json("/read"), {});
});

Deno.test("without a grace the old token is rejected once the new one has come back", async () => {
  const { app, clock, log } = setup({ rotate: { every: EVERY, grace: 0 } });
  const client = new Client(app);
  await client.text("/login");
  const old = { cookie: await client.cookie() };
  clock.advance(EVERY);
  await client.text("/read");
  assertEquals(await (await app.request("/read", { headers: old })).json(), { name: "Ada" });
  await client.text("/read");
  assertEquals(await (await app.request("/read", { headers: old })).json(), {});
  assert(log.at(-1)!.startsWith("reuse of "));
});

Deno.test("rotate takes numbers of seconds and a store that is atomic", () => {
  const store = new MapStore();
  const misuse = (rotate: unknown, type: typeof TypeError | typeof RangeError, name: string) =>
    assertThrows(() => session({ store, rotate: rotate as never }), type, name);
  misuse(60, TypeError, "rotate");
  misuse({}, TypeError, "rotate.every");
  misuse({ every: "60" }, TypeError, "rotate.every");
  misuse({ every: 60, graze: 1 }, TypeError, "rotate.graze");
  for (const every of [-1, NaN, Infinity]) misuse({ every }, RangeError, "rotate.every");
  for (const grace of [-1, NaN, Infinity]) misuse({ every: 1, grace }, RangeError, "rotate.grace");
  const late = { get: async () => {}, set: async () => {}, delete: async () => {} };
  for (const store of [new EncryptedCookieStore({ secret: SECRET }), late]) {
    assertThrows(() => session({ store, rotate: { every: 60 } }), TypeError, "rotate");
  }
});
