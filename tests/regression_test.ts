// Defects that a review found, each shown before it was mended.
import {
  getSession,
  session,
  SessionCommittedError,
  SessionConflictError,
  SessionEndedError,
  type SessionOptions,
  type SessionRecord,
  type SessionStore,
  SessionStoreError,
  SessionTooLargeError,
  startSession,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { fromFileUrl } from "../scripts/paths.ts";
import { hashToken } from "../src/crypto/store_key.ts";
import type { ContextSession } from "../src/middleware/context.ts";
import { attachSession } from "../src/middleware/context_properties.ts";
import { Client } from "./_support/client.ts";
import { FakeClock } from "./_support/clock.ts";
import { Gate } from "./_support/gate.ts";
import { makeRecord } from "./_support/record.ts";

type Data = Record<string, unknown>;
type Handler = (session: SessionLike, c: Context) => unknown;

interface SessionLike extends Data {
  flash(key: string, value: unknown): void;
  renew(maxAge?: number): void;
  destroy(): void;
  regenerate(): Promise<void>;
  save(): Promise<void>;
  update(key: string, change: (value: unknown) => unknown): Promise<unknown>;
}

const QUIET = { error() {}, warn() {} };

/** An application of handlers by path, and one that reads. */
function setup(handlers: Record<string, Handler>, options: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const watch = new FaultyStore(new MapStore({ clock: clock.now }));
  const app = new Hono().use(
    session<Data>({ store: watch, clock: clock.now, logger: QUIET, ...options }),
  );
  for (const [path, handler] of Object.entries(handlers)) {
    app.get(path, async (c) => {
      const result = await handler(c.get("session") as unknown as SessionLike, c);
      return result instanceof Response ? result : c.text("done");
    });
  }
  app.get("/read", (c) => c.json(c.get("session")));
  return { app, client: new Client(app), watch, clock };
}

Deno.test("the token of one session of an application opens no other", async () => {
  const store = new MapStore();
  const app = new Hono()
    .use(session<Data>({ store }))
    .use(session<Data, "admin">({ store, contextKey: "admin", cookieName: "admin" }))
    .get("/login", (c) => {
      c.var.session.userId = "42";
      return c.text("welcome");
    })
    .get("/admin", (c) => c.json(c.get("admin" as never)));
  const client = new Client(app);
  await client.text("/login");
  const response = await app.request("/admin", {
    headers: { cookie: `admin=${await client.value()}` },
  });
  assertEquals(await response.json(), {});
});

Deno.test("no answer of a session stays cacheable when its commit fails", async () => {
  const { app, client, watch } = setup({
    "/set": (session) => session.a = 1,
    "/change": (session, c) => {
      session.a = 2;
      c.header("Cache-Control", "public, max-age=60");
      c.header("Access-Control-Allow-Origin", "https://app.test");
      return c.body("x", 200, { ETag: '"1"', Location: "/elsewhere" });
    },
    "/throw": async (session) => {
      await session.regenerate();
      throw new Error("handler failed");
    },
  });
  app.onError((error, c) => {
    if ("getResponse" in error) return (error as { getResponse(): Response }).getResponse();
    return c.text("the page of Ada", 500, { "Cache-Control": "public, max-age=60" });
  });
  await client.text("/set");
  watch.inject("update", "fail");
  watch.inject("replace", "fail");
  const changed = await client.fetch("/change");
  assertEquals([changed.status, changed.headers.get("cache-control")], [503, "no-store"]);
  assertEquals([changed.headers.get("etag"), changed.headers.get("location")], [null, null]);
  assertEquals(changed.headers.get("access-control-allow-origin"), "https://app.test");
  const thrown = await client.fetch("/throw");
  assertEquals([thrown.status, thrown.headers.get("cache-control")], [500, "max-age=60, private"]);
  assertEquals(thrown.headers.get("vary"), "Cookie");
});

Deno.test("a renewal that was asked for is not undone by a request under way", async () => {
  for (const path of ["/slow", "/slow-write"]) {
    const gate = new Gate();
    const { client, clock } = setup({
      "/set": (session) => session.a = 1,
      "/remember": (session) => session.renew(30 * 86400),
      "/slow": () => gate.pass(),
      "/slow-write": async (session) => {
        await gate.pass();
        session.b = 2;
      },
    }, { rolling: true });
    await client.text("/set");
    clock.advance(80_000);
    const slow = client.fetch(path);
    await gate.arrived();
    await client.text("/remember");
    gate.open();
    for (const cookie of (await slow).headers.getSetCookie()) {
      assertMatch(cookie, /Max-Age=2592000/);
    }
    clock.advance(29 * 86400);
    assertEquals((await client.json("/read") as Data).a, 1, path);
  }
});

Deno.test("a value that another request flashed meanwhile is for the next one", async () => {
  for (const path of ["/slow", "/slow-save"]) {
    const gate = new Gate();
    const { client } = setup({
      "/first": (session) => session.flash("notice", "first"),
      "/second": (session) => session.flash("notice", "second"),
      "/slow": () => gate.pass(),
      "/slow-save": async (session) => {
        await gate.pass();
        session.a = 1;
        await session.save();
        assertEquals(session.hasChanged, false);
      },
    });
    await client.text("/first");
    const slow = client.text(path);
    await gate.arrived();
    await client.text("/second");
    gate.open();
    assertEquals(await slow, "done");
    assertEquals((await client.json("/read") as Data).notice, "second", path);
    assertEquals((await client.json("/read") as Data).notice, undefined);
  }
});

Deno.test("a flashed value hides data of its key, and takes nothing of them away", async () => {
  const { client } = setup({
    "/set": (session) => session.name = "Ada",
    "/flash": (session) => session.flash("name", "hidden"),
    "/list": (session) => session.flash("list", ["a", "b"]),
    "/shift": (session) => (session.list as string[]).shift(),
    "/same": (session) => session.name = "hidden",
    "/replace": (session, c) => {
      session.flash("name", "lost");
      c.set("session" as never, { name: "kept" } as never);
    },
    "/update": async (session) => {
      assertEquals(await session.update("name", (name) => `${name}!`), "hidden!");
    },
  });
  const name = async () => (await client.json("/read") as Data).name;
  await client.text("/set");
  await client.text("/flash");
  assertEquals([await name(), await name()], ["hidden", "Ada"]);
  await client.text("/flash");
  await client.text("/same");
  assertEquals([await name(), await name()], ["hidden", "hidden"]);
  await client.text("/replace");
  assertEquals([await name(), await name()], ["kept", "kept"]);
  await client.text("/flash");
  assertEquals(await client.text("/update"), "done");
  assertEquals([await name(), await name()], ["hidden!", "hidden!"]);
  await client.text("/list");
  await client.text("/shift");
  assertEquals((await client.json("/read") as Data).list, undefined);
});

Deno.test("cookieOptions that are undefined are the defaults, and others are checked", async () => {
  const undefinedOptions = {
    httpOnly: undefined,
    secure: undefined,
    path: undefined,
    sameSite: undefined,
  };
  const { client } = setup({ "/set": (session) => session.a = 1 }, {
    cookieOptions: undefinedOptions as never,
  });
  const [cookie] = (await client.fetch("/set")).headers.getSetCookie();
  assertMatch(cookie!, /Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  const wrong = [{ prefix: "bogus" }, { httponly: false }, { sameSite: "lxa" }, { secure: 0 }, {
    path: 1,
  }];
  for (const cookieOptions of wrong) {
    assertThrows(
      () => setup({}, { cookieOptions: cookieOptions as never }),
      TypeError,
      "cookieOptions.",
    );
  }
});

Deno.test("lifetimes that are no whole milliseconds are stored, those beyond reason refused", async () => {
  const clock = new FakeClock();
  await using store = new DenoKvStore({ path: ":memory:", clock: clock.now });
  const { client } = setup(
    { "/set": (session) => session.renew(100.0005), "/touch": (session) => session.a = 1 },
    { store, clock: clock.now, maxAge: 1000 / 3, rolling: true },
  );
  for (const path of ["/touch", "/set", "/touch"]) assertEquals(await client.text(path), "done");
  for (const maxAge of [Number.MAX_SAFE_INTEGER, 1e306]) {
    assertThrows(() => setup({}, { maxAge }), RangeError, "maxAge");
    const { client } = setup({
      "/": (session) => assertThrows(() => session.renew(maxAge), RangeError),
    });
    assertEquals(await client.text("/"), "done");
  }
  await using lasting = new DenoKvStore({ path: ":memory:" });
  const century = setup({ "/set": (session) => session.a = 1 }, {
    store: lasting,
    maxAge: 3_155_760_000,
    clock: Date.now,
  });
  assertEquals(await century.client.text("/set"), "done");
  assertThrows(() => setup({}, { storeTimeout: 3_000_000 }), RangeError, "storeTimeout");
});

Deno.test("rolling goes on where a session's life is shorter than the throttle, or its policy than it was", async () => {
  const short = setup(
    { "/set": (session) => session.renew(1800), "/a": (session) => session.a = 1 },
    { rolling: { after: 3600 } },
  );
  await short.client.text("/a");
  await short.client.text("/set");
  for (let times = 0; times < 12; times++) {
    short.clock.advance(600);
    assertEquals(await short.client.json("/read"), { a: 1 });
  }
  const store = new Map();
  const before = setup({ "/set": (session) => session.a = 1 }, { store, maxAge: 30 * 86400 });
  await before.client.text("/set");
  const cookie = await before.client.cookie();
  const after = setup({}, { store, maxAge: 86400, rolling: true, clock: before.clock.now });
  for (let times = 0; times < 12; times++) {
    before.clock.advance(4 * 3600);
    assertEquals(await after.client.json("/read", { headers: { cookie } }), { a: 1 });
  }
});

Deno.test("a commit that fails after save() still sends the cookie of what was saved", async () => {
  const { client } = setup({
    "/set": (session) => session.a = 1,
    "/login": async (session) => {
      await session.regenerate();
      await session.save();
      session.bad = NaN;
    },
  });
  await client.text("/set");
  const response = await client.fetch("/login");
  assertEquals([response.status, response.headers.getSetCookie().length], [500, 1]);
  await response.body?.cancel();
  assertEquals(await client.json("/read"), { a: 1 });
});

Deno.test("a change while save() is under way stays mine", async () => {
  const clock = new FakeClock();
  const store = new MapStore({ clock: clock.now });
  const watch = new FaultyStore(store);
  const held = new Gate();
  const options = { clock: clock.now };
  const { client } = setup({
    "/set": (session) => session.a = "first",
    "/mine": async (session) => {
      session.b = 1;
      watch.inject("update", () => held.pass());
      const saving = session.save();
      await held.arrived();
      session.a = "mine";
      // Another process is faster.
      await other.client.text("/theirs", { headers: { cookie: await client.cookie() } });
      held.open();
      await saving;
      assertEquals({ ...session }, { a: "mine", b: 1, c: 1 });
    },
  }, { ...options, store: watch });
  const other = setup({
    "/theirs": (session) => Object.assign(session, { a: "theirs", c: 1 }),
  }, { ...options, store });
  await client.text("/set");
  assertEquals(await client.text("/mine"), "done");
  assertEquals(await client.json("/read"), { a: "mine", b: 1, c: 1 });
});

Deno.test("another middleware under the same name, or with the same cookie, is refused", async () => {
  const store = new MapStore();
  const clashes: [SessionOptions, SessionOptions][] = [
    [{ store }, { store, cookieName: "other" }],
    [{ store }, { store: new MapStore() }],
    [{ store }, { store, contextKey: "admin" }],
  ];
  for (const [one, other] of clashes) {
    const errors: Error[] = [];
    const app = new Hono().use(session(one)).use(session(other)).get("/", (c) => c.text("ok"));
    app.onError((error, c) => {
      errors.push(error);
      return c.text("failed", 500);
    });
    await app.request("/");
    assertMatch(errors[0]!.message, /^Cannot mount session middleware as/);
  }
});

Deno.test("loggers and listeners that can't be called are refused", () => {
  for (const logger of [{}, { error() {} }, { error: 1, warn() {} }]) {
    assertThrows(() => setup({}, { logger: logger as never }), TypeError, "logger.");
  }
  for (const events of [{ creatd() {} }, { created: 1 }]) {
    assertThrows(() => setup({}, { events: events as never }), TypeError, "events.");
  }
});

Deno.test("an outage leaves a session that can be read", async () => {
  const { client, watch } = setup({
    "/set": (session) => session.a = 1,
    "/look": (session, c) => {
      assertEquals([`${session}`, session.a, "a" in session], [
        "[object Object]",
        undefined,
        false,
      ]);
      assert(c.get("session" as never) === session);
      c.set("session" as never, session as never);
      for (const change of [() => session.a = 1, () => delete session.a, () => session.destroy()]) {
        assertThrows(change, Error, "the store is unavailable");
      }
      return c.text("looked");
    },
  }, { onStoreError: "anonymous" });
  await client.text("/set");
  watch.inject("read", "fail");
  assertEquals(await client.text("/look"), "looked");
});

Deno.test("a conflict that a handler lets pass is a 409", async () => {
  assertEquals(new SessionConflictError("Cannot commit session: …").getResponse().status, 409);
  const { client, watch } = setup({
    "/set": (session) => session.a = 1,
    "/save": async (session) => {
      session.a = 2;
      await session.save();
    },
  }, { storeTimeout: 0.3 });
  await client.text("/set");
  watch.inject("update", "refuse");
  assertEquals((await client.fetch("/save")).status, 409);
});

Deno.test("an object assigned after the session was ended elsewhere begins another one", async () => {
  const gate = new Gate();
  const { client } = setup({
    "/set": (session) => session.a = 1,
    "/logout": (session) => session.destroy(),
    "/slow": async (session, c) => {
      await gate.pass();
      session.a = 2;
      await assertRejects(() => session.save(), Error, "it has ended");
      c.set("session" as never, { fresh: 1 } as never);
    },
  });
  await client.text("/set");
  const thief = await client.thief();
  const slow = thief.text("/slow");
  await gate.arrived();
  await client.text("/logout");
  gate.open();
  assertEquals(await slow, "done");
  assertEquals(await thief.json("/read"), { fresh: 1 });
});

Deno.test("the cookie of a session that was ended is cleared though an empty one follows", async () => {
  const { client } = setup({
    "/set": (session) => session.a = 1,
    "/renewed": (session, c) => {
      session.destroy();
      c.set("session" as never, {} as never);
    },
    "/failed": (session, c) => {
      session.destroy();
      c.set("session" as never, { a: 2 } as never);
      return c.text("failed", 500);
    },
  });
  for (const path of ["/renewed", "/failed"]) {
    await client.text("/set");
    assertMatch((await client.fetch(path)).headers.getSetCookie()[0]!, /^sid=; Max-Age=0/, path);
  }
});

Deno.test("a session that ends while it is being saved leaves no record", async () => {
  const gate = new Gate();
  const store = new MapStore();
  const watch = new FaultyStore(store);
  watch.inject("create", () => gate.pass());
  let saving: Promise<void> | undefined;
  const { client } = setup({
    "/": async (session) => {
      session.a = 1;
      saving = session.save().catch(() => {});
      await gate.arrived();
      session.destroy();
    },
  }, { store: watch, clock: Date.now });
  await client.text("/");
  gate.open();
  await saving;
  assertEquals(store.size, 0);
});

Deno.test("startSession() in the place of a live session leaves one record", async () => {
  const store = new MapStore();
  const { client } = setup({
    "/set": (session) => session.a = 1,
    "/start": async (_session, c) => void await startSession(c, { b: 1 }),
  }, { store, clock: Date.now });
  await client.text("/set");
  await client.text("/start");
  assertEquals(store.size, 1);
});

Deno.test("an update() that read before a rolling renewal and writes after it does not undo it", async () => {
  const gate = new Gate();
  const { client, clock } = setup({
    "/set": (session) => session.a = 1,
    "/touch": () => {},
    "/slow": async (session) => {
      await gate.pass();
      await session.update("count", (count) => Number(count ?? 0) + 1);
    },
  }, { maxAge: 1000, rolling: true });
  await client.text("/set");
  clock.advance(600);
  const slow = (await client.thief()).text("/slow");
  await gate.arrived();
  await client.text("/touch");
  clock.advance(600);
  gate.open();
  assertEquals(await slow, "done");
  assertEquals(await client.json("/read"), { a: 1, count: 1 });
});

Deno.test("a request that saw a session near its end writes into it when another has renewed it", async () => {
  const gate = new Gate();
  const { client, clock } = setup({
    "/set": (session) => session.a = 1,
    "/touch": () => {},
    "/slow": async (session) => {
      await gate.pass();
      session.b = 1;
    },
  }, { maxAge: 1000, rolling: true });
  await client.text("/set");
  const slow = (await client.thief()).text("/slow");
  await gate.arrived();
  clock.advance(600);
  await client.text("/touch");
  clock.advance(600);
  gate.open();
  assertEquals(await slow, "done");
  assertEquals(await client.json("/read"), { a: 1, b: 1 });
});

Deno.test("a rotated token is remembered for its own time, not for that of the session before its renewal", async () => {
  const rejected: string[] = [];
  const { app, client, clock } = setup({
    "/set": (session) => session.a = 1,
    "/renew": (session) => session.renew(),
  }, {
    maxAge: 100,
    rotate: { every: 10, grace: 60 },
    events: { rejected: ({ reason }) => void rejected.push(reason) },
  });
  await client.text("/set");
  const headers = { cookie: await client.cookie() };
  clock.advance(90);
  await client.text("/renew");
  clock.advance(20);
  assertEquals(await (await app.request("/read", { headers })).json(), { a: 1 });
  await client.text("/read");
  clock.advance(59);
  assertEquals(await (await app.request("/read", { headers })).json(), { a: 1 });
  clock.advance(1);
  assertEquals(await (await app.request("/read", { headers })).json(), {});
  assertEquals(rejected, ["reuse"]);
});

Deno.test("a session that was given another token meanwhile can be changed and ended by a request that came before", async () => {
  const gate = new Gate();
  const { client, clock } = setup({
    "/set": (session) => session.a = 1,
    "/slow": async (session) => {
      await gate.pass();
      assertEquals(await session.update("a", () => 2), 2);
      session.destroy();
    },
  }, { rotate: { every: 60, grace: 10 } });
  await client.text("/set");
  clock.advance(60);
  const slow = (await client.thief()).text("/slow");
  await gate.arrived();
  assertEquals(await client.json("/read"), { a: 1 });
  clock.advance(10);
  gate.open();
  assertEquals(await slow, "done");
  assertEquals(await client.json("/read"), {});
});

Deno.test("a write under way does not undo the renewal of a request that began after it", async () => {
  const { client, clock, watch } = setup({
    "/set": (session) => session.a = 1,
    "/change": (session) => session.a = 2,
    "/touch": () => {},
  }, { maxAge: 1000, rolling: true });
  await client.text("/set");
  clock.advance(99);
  const held = new Gate();
  watch.inject("update", () => held.pass(), 1);
  const slow = (await client.thief()).text("/change");
  await held.arrived();
  clock.advance(1);
  // Another process, which does not wait for the commits of this one.
  const other = new Hono()
    .use(session<Data>({ store: watch, clock: clock.now, maxAge: 1000, rolling: true }))
    .get("/touch", (c) => c.text("done"));
  const headers = { cookie: await client.cookie() };
  assertEquals(await (await other.request("/touch", { headers })).text(), "done");
  held.open();
  assertEquals(await slow, "done");
  clock.advance(950);
  assertEquals(await client.json("/read", { headers }), { a: 2 });
});

Deno.test("a flashed list that is changed again after save() is kept as it was last", async () => {
  const app = new Hono()
    .use(session<{ list?: number[] }>({ store: new MapStore() }))
    .get("/flash", (c) => {
      c.var.session.flash("list", [1]);
      return c.text("flashed");
    })
    .get("/change", async (c) => {
      c.var.session.reflash();
      c.var.session.list!.push(2);
      await c.var.session.save();
      c.var.session.list!.push(3);
      return c.text("changed");
    })
    .get("/read", (c) => c.json(c.var.session.list ?? null));
  const client = new Client(app);
  await client.text("/flash");
  await client.text("/change");
  assertEquals(await client.json("/read"), [1, 2, 3]);
});

Deno.test("no answer stays cacheable when a new session can't be stored for its data", async () => {
  const app = new Hono()
    .use(session<{ ratio?: number }>({ store: new MapStore() }))
    .get("/", (c) => {
      c.var.session.ratio = NaN;
      return c.text("secret", 200, { "Cache-Control": "public, max-age=60", ETag: '"1"' });
    });
  const response = await app.request("/");
  assertEquals([response.status, response.headers.get("etag")], [500, null]);
  assertEquals(response.headers.get("cache-control"), "no-store");
});

Deno.test("c.session of other middleware, or of another copy of this one, is left alone", async () => {
  const name = "elsewhere";
  const other = new Hono().get("/", (c) => c.text(String(Reflect.get(c, name))));
  const contexts: object[] = [];
  await new Hono().get("/", (c) => c.text(String(contexts.push(c)))).request("/");
  const prototype = Object.getPrototypeOf(contexts[0]);
  Object.defineProperty(prototype, name, { get: () => "theirs", configurable: true });
  try {
    const app = new Hono()
      .use(session({ store: new MapStore(), contextKey: name }))
      .get("/", (c) => c.text(Reflect.get(c, name).isNew ? "ours" : ""));
    assertEquals(await (await app.request("/")).text(), "ours");
    assertEquals(await (await other.request("/")).text(), "theirs");
  } finally {
    Reflect.deleteProperty(prototype, name);
  }
});

Deno.test("keys that are numbers are no change, in whatever order they were stored", async () => {
  const store = new MapStore();
  const record = makeRecord(new FakeClock(Date.now()), { data: '{"b":1,"2":1,"1":1}' });
  const app = new Hono()
    .use(session<Record<string, number>>({ store }))
    .get("/", (c) => c.json(c.var.session.hasChanged));
  const token = "A".repeat(43);
  store.create(await hashToken(token), { ...record, cookieName: "sid" });
  const response = await app.request("/", { headers: { cookie: `sid=${token}` } });
  assertEquals(await response.json(), false);
  assertEquals(store.read(await hashToken(token))?.version, 1);
});

Deno.test("data that were written by hand are no change", async () => {
  const entries = new Map<string, SessionRecord>();
  const data = '{ "v": "\\u00e9", "n": 1.0, "list": [1, 2] }';
  const record = makeRecord(new FakeClock(Date.now()), { data, cookieName: "sid" });
  const token = "A".repeat(43);
  entries.set(await hashToken(token), record);
  const app = new Hono().use(session<Data>({ store: entries }))
    .get("/", (c) => c.json(c.var.session.hasChanged));
  const response = await app.request("/", { headers: { cookie: `sid=${token}` } });
  assertEquals(await response.json(), false);
  assertEquals([...entries.values()], [record]);
});

Deno.test("a listener may ask for the session that is being opened", async () => {
  let calls = 0;
  const seen: unknown[] = [];
  const ask = async (_: unknown, c: unknown) => {
    calls++;
    seen.push((await getSession<Data>(c as Context)).name);
  };
  const events = { loaded: ask, rejected: ask };
  const app = new Hono().use(session<Data>({ store: new MapStore(), events, logger: QUIET }))
    .get("/set", (c) => {
      c.var.session.name = "Ada";
      return c.text("set");
    })
    .get("/read", (c) => c.json(c.var.session));
  const client = new Client(app);
  await client.text("/set");
  assertEquals(await client.json("/read"), { name: "Ada" });
  assertEquals(calls, 1);
  await app.request("/read", { headers: { cookie: "sid=made-up" } });
  assertEquals([calls, seen], [2, ["Ada", undefined]]);
});

Deno.test("a session in a cookie that is far too large is an error that says so, whatever its lifetime", async () => {
  const store = new EncryptedCookieStore({ secret: "at least thirty-two characters, for a test" });
  const large = makeRecord(new FakeClock(), {
    data: JSON.stringify({ text: "x".repeat(500_000) }),
  });
  for (const lifetime of [1000, 1000.5]) {
    await assertRejects(
      async () => await store.create("", { ...large, expiresAt: large.renewedAt + lifetime }),
      SessionTooLargeError,
      'the largest key is "text"',
    );
  }
});

Deno.test("a lazy session that a handler did not wait for is changed before it is committed", async () => {
  const map = new MapStore();
  const slow = new FaultyStore(map);
  const app = new Hono().use(session<Data>({ store: slow, lazy: true }))
    .get("/set", async (c) => {
      (await getSession<Data>(c)).name = "Ada";
      return c.text("set");
    })
    .get("/late", (c) => {
      getSession<Data>(c).then((session) => session.visits = 1);
      return c.text("late");
    })
    .get("/read", async (c) => c.json(await getSession<Data>(c)));
  const client = new Client(app);
  await client.text("/set");
  slow.inject("read", 5, 1);
  await client.text("/late");
  assertEquals(await client.json("/read"), { name: "Ada", visits: 1 });
});

Deno.test("a save that waits for another one does not undo what that one has merged", async () => {
  const store = new MapStore();
  const gate = new Gate();
  const app = new Hono();
  app.use(session<Data>({ store }))
    .get("/set/:key", (c) => {
      c.var.session[c.req.param("key")] = 1;
      return c.text("set");
    })
    .get("/saves", async (c) => {
      await gate.pass();
      c.var.session.x = 1;
      const first = c.var.session.save();
      c.var.session.z = 1;
      await Promise.all([first, c.var.session.save()]);
      // What is stored now, before the end of this request could make up for it.
      return await app.request("/read", { headers: { cookie: c.req.header("cookie")! } });
    })
    .get("/read", (c) => c.json(c.var.session));
  const client = new Client(app);
  await client.text("/set/a");
  const saving = client.json("/saves");
  await gate.arrived();
  await client.text("/set/y");
  gate.open();
  assertEquals(await saving, { a: 1, x: 1, y: 1, z: 1 });
});

Deno.test("a request that fails leaves what was flashed for the next one, also where changes are kept", async () => {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), commitOnError: true, logger: QUIET }))
    .get("/flash", (c) => {
      c.var.session.flash("notice", "hello");
      return c.text("flashed");
    })
    .get("/fail", (c) => {
      c.var.session.tried = true;
      return c.text("failed", 500);
    })
    .get("/read", (c) => c.json(c.var.session));
  const client = new Client(app);
  await client.text("/flash");
  await client.text("/fail");
  assertEquals(await client.json("/read"), { notice: "hello", tried: true });
  assertEquals(await client.json("/read"), { tried: true });
});

Deno.test("what a cookie holds is its own in every request that it comes with", async () => {
  const store = new EncryptedCookieStore({ secret: "a secret of thirty-two characters or more" });
  const wrong: Record<string, unknown> = {
    number: NaN,
    date: new Date(0),
    member: { at: new Date(0) },
    symbol: { at: "1970-01-01T00:00:00.000Z", [Symbol("x")]: 1 },
  };
  const data = JSON.parse(
    '{"number":null,"date":"1970-01-01T00:00:00.000Z","member":{"at":"1970-01-01T00:00:00.000Z"},' +
      '"symbol":{"at":"1970-01-01T00:00:00.000Z"},"list":[{"n":1}],"nested":{"__proto__":{"admin":true}}}',
  );
  const { app } = setup({
    "/fill": (session) =>
      void Object.assign(session, structuredClone(data), { nested: data.nested }),
    "/change": (session) => void ((session.list as { n: number }[])[0]!.n = 2),
    "/wrong": (session, c) => void (session[c.req.query("key")!] = wrong[c.req.query("key")!]),
    "/symbol": (session) => void Object.assign(session, { [Symbol("x")]: 1 }),
  }, { store });
  const [cookie] = (await app.request("/fill")).headers.getSetCookie()[0]!.split(";");
  const ask = (path: string) => app.request(path, { headers: { cookie: cookie! } });
  for (let times = 0; times < 3; times++) {
    assertEquals(await (await ask("/read")).text(), JSON.stringify(data), `read ${times}`);
    assertEquals((await ask("/read")).headers.getSetCookie(), []);
    assertEquals((await ask("/change")).headers.getSetCookie().length, 1);
    for (const key of Object.keys(wrong)) {
      assertEquals((await ask(`/wrong?key=${key}`)).status, 500, key);
    }
    assertEquals((await ask("/symbol")).status, 500);
  }
});

Deno.test("an array that says itself what it is as JSON is refused, in a session that was read often as well", async () => {
  const list = Object.assign([1], { toJSON: () => [2] });
  for (const store of [undefined, new EncryptedCookieStore({ secret: "x1".repeat(20) })]) {
    const { client } = setup({
      "/set": (session) => void (session.list = [1]),
      "/change": (session) => void (session.list = list),
    }, store ? { store } : {});
    await client.fetch("/set");
    for (let times = 0; times < 3; times++) assertEquals(await client.json("/read"), { list: [1] });
    assertEquals((await client.fetch("/change")).status, 500);
    assertEquals(await client.json("/read"), { list: [1] });
  }
});

Deno.test("a context of a class of its own has the session for its property", () => {
  const make = (name: string) =>
    ({
      config: { contextKey: "session" },
      variables: new Map(),
      requestSession: { session: name },
    }) as unknown as ContextSession;
  class Base {}
  class Derived extends Base {
    get session(): string {
      return "its own";
    }
  }
  const contexts = [new Base(), new Derived(), new Base()] as unknown as Context[];
  contexts.forEach((c, index) => attachSession(c, make(`${index}`)));
  assertEquals(contexts.map((c) => (c as { session?: unknown }).session), ["0", "1", "2"]);
});

Deno.test("a session that is saved again and again takes no more memory each time", async () => {
  const program = `
    import { session } from "@x/hono-session";
    import { MapStore } from "@x/hono-session/stores/map";
    import { Hono } from "hono";
    const app = new Hono().use(session({ store: new MapStore() })).get("/", async (c) => {
      const used = [];
      for (let n = 0; n <= 600; n++) {
        c.var.session.text = String.fromCharCode(97 + n % 26).repeat(20_000);
        await c.var.session.save();
        if (n % 300 !== 0) continue;
        gc();
        used.push(Deno.memoryUsage().heapUsed);
      }
      return c.json(used);
    });
    console.log(await (await app.request("/")).text());
  `;
  const map = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  const file = await Deno.makeTempFile({
    dir: fromFileUrl(new URL("./", import.meta.url)),
    suffix: ".ts",
  });
  try {
    await Deno.writeTextFile(file, program);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--no-check", "--v8-flags=--expose-gc"],
        ...(map ? [`--import-map=${map}`] : []),
        file,
      ],
    }).output();
    const [first, , last] = JSON.parse(new TextDecoder().decode(stdout));
    assert(last - first < 3_000_000, `${last - first} bytes for 600 saves of 20,000`);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("the same data are no change, in whatever order and with members that are undefined", async () => {
  const same: Record<string, Data> = {
    order: { list: [], theme: "dark", inner: { n: 1 } },
    undefined: { list: [], theme: "dark", inner: { n: 1 }, user: undefined },
    within: { theme: "dark", list: [], inner: { n: 1, user: undefined } },
    bare: { list: [], theme: "dark", inner: Object.assign(Object.create(null), { n: 1 }) },
  };
  const initial = () => ({ theme: "dark", list: [], inner: { n: 1 } });
  for (const store of [new MapStore(), new EncryptedCookieStore({ secret: "x1".repeat(20) })]) {
    const { app } = setup({
      "/same": (session, c) => {
        const data = same[c.req.query("key")!]!;
        for (const key of Object.keys(session)) delete session[key];
        return c.json([Object.assign(session, data) && session.hasChanged]);
      },
      "/begin": (session) => void (session.begun = true),
      "/settle": (session) => void delete session.begun,
    }, { store, initial });
    const client = new Client(app);
    for (const path of ["/read", "/begin"]) {
      await client.fetch(path);
      if (path === "/begin") await client.fetch("/settle");
      for (const key of Object.keys(same)) {
        for (let times = 0; times < 2; times++) {
          const response = await client.fetch(`/same?key=${key}`);
          assertEquals(response.headers.getSetCookie(), [], `${key} after ${path}`);
          assertEquals(await response.json(), [false], `${key} after ${path}`);
        }
      }
    }
  }
});

Deno.test("a store that fails at once is taken as one that fails later", async () => {
  const failures: Record<string, Error> = {};
  const map = new MapStore();
  const fail = (operation: string) => {
    if (failures[operation]) throw failures[operation];
  };
  const store: SessionStore = {
    capabilities: { ...map.capabilities, index: false },
    read: (key) => (fail("read"), map.read(key)),
    create: (key, record) => map.create(key, record),
    update: (key, record, previous) => (fail("update"), map.update(key, record, previous)),
    replace: (key, next, previous) => map.replace(key, next, previous),
    touch: (key, times, previous) => map.touch(key, times, previous),
    delete: (key) => map.delete(key),
  };
  const interrupted: string[] = [];
  let late: SessionLike | undefined;
  const { app } = setup({
    "/set": (session) => void (session.count = 1),
    "/change": (session) => {
      late = session;
      session.count = 2;
      session.renew(60);
    },
    "/again": async (session) => {
      session.renew(60);
      await assertRejects(() => session.save(), SessionStoreError);
      delete failures.update;
    },
  }, {
    store,
    onStoreError: "anonymous",
    events: { interrupted: ({ sid }) => void interrupted.push(sid) },
  });
  const client = new Client(app);
  await client.fetch("/set");

  failures.read = new Error("the store is down");
  assertEquals(await client.json("/read"), {});
  delete failures.read;

  failures.update = new Error("the store is down");
  assertEquals((await client.fetch("/change")).status, 503);
  assertThrows(() => late!.destroy(), SessionCommittedError);
  assertEquals(await client.json("/read"), { count: 1 });

  const [cookie] = (await client.fetch("/again")).headers.getSetCookie();
  assertMatch(cookie ?? "", /Max-Age=60;/, "what was asked for is asked for still");

  failures.update = new SessionEndedError("Cannot update session: it has ended");
  assertEquals((await client.fetch("/change")).status, 200);
  assertEquals(interrupted.length, 1);
});
