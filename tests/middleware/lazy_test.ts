import {
  endSession,
  getSession,
  requireSession,
  session,
  SessionCommittedError,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  a?: number;
  name?: string;
}

const QUIET = { error() {}, warn() {} };
const LAZY = "it is lazy, await getSession(c) first";

function setup(options: SessionOptions<Data> = {}) {
  const store = new FaultyStore(new MapStore());
  const events: string[] = [];
  const configured: SessionOptions<Data> = {
    store,
    lazy: true,
    logger: QUIET,
    events: {
      created: () => events.push("created"),
      loaded: () => events.push("loaded"),
      renewed: () => events.push("renewed"),
      destroyed: () => events.push("destroyed"),
      rejected: ({ reason }) => events.push(`rejected: ${reason}`),
      storeError: ({ operation }) => events.push(`storeError: ${operation}`),
    },
    ...options,
  };
  const app = new Hono()
    .use(session<Data>(configured))
    .get("/untouched", (c) => c.html("<p>hello</p>", 200, { "Cache-Control": "max-age=60" }))
    .get("/read", async (c) => c.json(await getSession<Data>(c)))
    .get("/set", async (c) => {
      await getSession(c);
      c.var.session.a = 1;
      return c.text("set");
    })
    .get("/start", async (c) => {
      await startSession<Data>(c, { name: "Ada" });
      return c.json(c.var.session);
    })
    .get("/end", async (c) => {
      await endSession(c);
      return c.json(c.var.session);
    });
  return { app, store, events, client: new Client(app), options: configured };
}

Deno.test("lazy: a request that asks for nothing costs no store call and changes no header", async () => {
  const clock = new FakeClock();
  const variants: SessionOptions<Data>[] = [
    {},
    { secret: SECRET },
    { rolling: true, maxAge: 100 },
    { rotate: { every: 0 } },
    { token: { secret: SECRET, maxAge: 60 } },
    { scope: "host", existsCookieName: "sx" },
    { migrate: (data) => ({ ...data, name: "changed" }) },
  ];
  for (const options of variants) {
    const store = new FaultyStore(new MapStore({ clock: clock.now }));
    const { app, client, events } = setup({ ...options, store, clock: clock.now });
    await client.text("/set");
    clock.advance(50);
    store.calls();
    events.length = 0;
    const cookie = await client.cookie();
    for (const given of [cookie, "sid=nonsense", `sid=${"A".repeat(43)}`]) {
      for (const path of ["/untouched", "/missing"]) {
        const headers = { cookie: given, authorization: "Bearer x.y.z" };
        const [actual, expected] = await Promise.all([
          app.request(path, { headers }),
          new Hono().route(
            "/",
            new Hono().get(
              "/untouched",
              (c) => c.html("<p>hello</p>", 200, { "Cache-Control": "max-age=60" }),
            ),
          ).request(path),
        ]);
        assertEquals([...actual.headers], [...expected.headers], JSON.stringify(options));
        assertEquals(await actual.text(), await expected.text());
      }
    }
    assertEquals(store.calls(), []);
    assertEquals(events, []);
  }
});

Deno.test("lazy: a store that is down does not disturb a request that asks for nothing", async () => {
  const { client, store } = setup();
  await client.text("/set");
  store.inject("all", "fail");
  assertEquals((await client.fetch("/untouched")).status, 200);
});

const USES: Record<string, (c: Context) => unknown> = {
  "c.session reads": (c) => (Reflect.get(c, "session") as Record<string, unknown>)["a"],
  "c.session of a member": (c) => (Reflect.get(c, "session") as Record<string, unknown>)["isNew"],
  "c.var reads": (c) => c.var.session.a,
  "c.var calls": (c) => c.var.session.destroy(),
  "c.get reads": (c) => c.get("session").a,
  "optional chaining": (c) => c.get("session")?.name,
  "in": (c) => "a" in c.get("session"),
  "keys": (c) => Object.keys(c.var.session),
  "spread": (c) => ({ ...c.var.session }),
  "destructuring": (c) => {
    const { a } = c.var.session;
    return a;
  },
  "JSON": (c) => JSON.stringify(c.get("session")),
  "c.json()": (c) => c.json(c.get("session")),
  "text": (c) => `${c.get("session")}`,
  "a loop": (c) => {
    for (const key in c.var.session) assert(key);
  },
  "Object.hasOwn": (c) => Object.hasOwn(c.get("session"), "a"),
  "its descriptor": (c) => Object.getOwnPropertyDescriptor(c.get("session"), "a"),
  "c.get of its cookie": (c) => c.get("sessionCookie").sameSite,
  "c.session changes": (c) => (Reflect.get(c, "session") as Record<string, unknown>)["a"] = 1,
  "c.var changes": (c) => c.var.session.a = 1,
  "c.get changes": (c) => Object.assign(c.get("session"), { a: 1 }),
  "delete": (c) => delete c.var.session.a,
  "Object.defineProperty": (c) => Object.defineProperty(c.get("session"), "a", { value: 1 }),
  "Object.setPrototypeOf": (c) => Object.setPrototypeOf(c.get("session"), { a: 1 }),
  "Object.freeze": (c) => Object.freeze(c.get("session")),
  "Object.preventExtensions": (c) => Object.preventExtensions(c.get("session")),
  "c.session = null": (c) => Reflect.set(c, "session", null),
  "c.session = {}": (c) => Reflect.set(c, "session", { a: 1 }),
  "c.set of null": (c) => c.set("session", null),
  "c.set of an object": (c) => c.set("session", { a: 1 }),
  "c.set of its cookie": (c) => c.set("sessionCookie", { sameSite: "Strict" }),
  "a change of its cookie": (c) => c.get("sessionCookie").sameSite = "Strict",
};

for (const [name, use] of Object.entries(USES)) {
  Deno.test(`lazy: using the session before it is loaded is a TypeError that says so: ${name}`, async () => {
    const { app, client, store } = setup();
    app.get("/use", async (c) => {
      assertThrows(() => use(c), TypeError, LAZY);
      assertEquals(store.calls(), []);
      return c.json(await getSession(c));
    });
    await client.text("/set");
    store.calls();
    assertEquals(await client.json("/use"), { a: 1 });
  });
}

Deno.test("lazy: nothing that one visitor does to a session that isn't loaded is seen by another", async () => {
  const { app } = setup();
  app
    .get("/put", (c) => {
      try {
        Object.defineProperty(c.get("session"), "name", { value: "Ada", configurable: true });
      } catch {
        // As it should be.
      }
      return c.text("");
    })
    .get("/look", (c) => {
      try {
        return c.json(Object.getOwnPropertyDescriptor(c.get("session"), "name") ?? {});
      } catch {
        return c.json({});
      }
    });
  await app.request("/put");
  assertEquals(await (await app.request("/look")).json(), {});
});

Deno.test("lazy: getSession() makes the session the same in all its places", async () => {
  const { app, client } = setup();
  app.get("/places", async (c) => {
    const loaded = await getSession<Data>(c);
    assert(loaded === c.var.session && loaded === c.get("session") as unknown);
    assert(loaded === Reflect.get(c, "session"));
    assert(loaded === await getSession(c));
    assertEquals(c.get("sessionCookie").sameSite, "Lax");
    return c.json(loaded);
  });
  await client.text("/set");
  assertEquals(await client.json("/places"), { a: 1 });
});

Deno.test("lazy: concurrent getSession() calls load once", async () => {
  const { app, client, store, events } = setup();
  app.get("/all", async (c) => {
    const all = await Promise.all([
      getSession(c),
      getSession(c),
      getSession(c).then(() => getSession(c)),
    ]);
    assertEquals(new Set(all).size, 1);
    return c.json(all[0]);
  });
  await client.text("/set");
  store.calls();
  events.length = 0;
  assertEquals(await client.json("/all"), { a: 1 });
  assertEquals(store.calls(), ["read"]);
  assertEquals(events, ["loaded"]);
});

Deno.test("lazy: getSession() and startSession() at the same time end up with one session", async () => {
  const { app, client, store } = setup();
  app.get("/both", async (c) => {
    const [, started] = await Promise.all([getSession(c), startSession<Data>(c, { name: "Bob" })]);
    assert(c.get("session") as unknown === started);
    return c.json(await getSession(c));
  });
  await client.text("/set");
  store.calls();
  const response = await client.fetch("/both");
  assertEquals(await response.json(), { name: "Bob" });
  assertEquals(response.headers.getSetCookie().length, 1);
  assertEquals(store.calls(), ["read", "create", "delete"]);
});

Deno.test("lazy: a session that is asked for is committed as otherwise", async () => {
  const { client, store, events } = setup();
  const response = await client.fetch("/set");
  assertMatch(response.headers.getSetCookie()[0]!, /^sid=[\w-]{43};/);
  assertEquals(response.headers.get("cache-control"), "no-store");
  const read = await client.fetch("/read");
  assertEquals(await read.json(), { a: 1 });
  assertEquals([read.headers.get("vary"), read.headers.get("cache-control")], [
    "Cookie",
    "private",
  ]);
  assertEquals(await client.json("/end"), {});
  assertEquals(await client.cookie(), "");
  assertEquals(await client.json("/start"), { name: "Ada" });
  assertEquals(await client.json("/read"), { name: "Ada" });
  assertEquals(store.calls(), ["create", "read", "read", "delete", "create", "read"]);
  assertEquals(events, ["created", "loaded", "loaded", "destroyed", "created", "loaded"]);
});

Deno.test("lazy: tokens that identify no session are rejected when they are asked for", async () => {
  const { app, client, events } = setup();
  await client.text("/untouched", { headers: { cookie: "sid=x" } });
  assertEquals(events, []);
  const response = await app.request("/read", { headers: { cookie: "sid=x" } });
  assertEquals(await response.json(), {});
  assertEquals(events, ["rejected: malformed"]);
});

Deno.test("lazy: assigning works once the session is loaded", async () => {
  const { app, client } = setup();
  app.get("/replace", async (c) => {
    await getSession(c);
    c.set("session", { name: "Ada" } as never);
    return c.json(c.var.session);
  }).get("/null", async (c) => {
    await getSession(c);
    Reflect.set(c, "session", null);
    return c.json([c.get("session"), await getSession(c)]);
  });
  await client.text("/set");
  assertEquals(await client.json("/replace"), { name: "Ada" });
  assertEquals(await client.json("/null"), [{}, {}]);
  assertEquals(await client.json("/read"), {});
});

Deno.test("lazy: other variables can be set before the session is loaded", async () => {
  const { app } = setup();
  app.get("/other", (c) => {
    c.set("sessionId" as never, "x" as never);
    return c.text(c.get("sessionId" as never));
  });
  assertEquals(await (await app.request("/other")).text(), "x");
});

Deno.test("lazy: getSession() after the response can read", async () => {
  const { app, client, store, events } = setup();
  const gate = new Gate();
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  app.get("/later", (c) => {
    gate.pass().then(() => getSession(c)).then(resolve, reject);
    return c.text("gone");
  });
  await client.text("/set");
  store.calls();
  events.length = 0;
  const response = await client.fetch("/later");
  assertEquals(await response.text(), "gone");
  assertEquals(store.calls(), []);
  gate.open();
  assertEquals({ ...await promise as Data }, { a: 1 });
  assertEquals(store.calls(), ["read"]);
  assertEquals(events, ["loaded"]);
});

Deno.test("lazy: after the response a session can be saved, but none begun or ended", async () => {
  const { app, client } = setup();
  const gate = new Gate();
  const work: Promise<void>[] = [];
  const later = async (c: Context) => {
    await gate.pass();
    const loaded = await getSession<Data>(c);
    loaded.name = "Ada";
    await assertRejects(() => startSession(c), SessionCommittedError);
    if (loaded.isNew) return void await assertRejects(() => loaded.save(), SessionCommittedError);
    assertThrows(() => loaded.destroy(), SessionCommittedError);
    assertThrows(() => loaded.renew(), SessionCommittedError);
    await assertRejects(() => loaded.regenerate(), SessionCommittedError);
    await assertRejects(() => endSession(c), SessionCommittedError);
    await loaded.save();
  };
  app.get("/later", (c) => {
    work.push(later(c));
    return c.text("");
  });
  await client.text("/set");
  await client.text("/later");
  await app.request("/later");
  gate.open();
  await Promise.all(work);
  assertEquals(await client.json("/read"), { a: 1, name: "Ada" });
});

Deno.test("lazy: a load that is under way when the handler returns is waited for", async () => {
  const { app, client, store } = setup();
  const gate = new Gate();
  app.get("/forgotten", (c) => {
    getSession(c).catch(() => {});
    return c.text("answered");
  });
  await client.text("/set");
  store.inject("read", () => gate.pass());
  const forgotten = client.fetch("/forgotten");
  await gate.arrived();
  gate.open();
  const response = await forgotten;
  assertEquals([response.status, await response.text()], [200, "answered"]);
});

Deno.test("lazy: a store that fails is a 503 where the session is asked for", async () => {
  for (const path of ["/read", "/start", "/end"]) {
    const { client, store, events } = setup();
    await client.text("/set");
    store.inject("read", "fail", 1);
    const response = await client.fetch(path);
    assertEquals(response.status, 503, path);
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(events, ["created", "storeError: read"]);
    assertEquals(await client.json("/read"), { a: 1 });
  }
});

Deno.test("lazy: a handler that catches the failure of the store keeps its own answer", async () => {
  const { app, client, store } = setup();
  app.get("/caught", async (c) => {
    const error = await assertRejects(() => getSession(c), HTTPException);
    assertEquals(error.status, 503);
    return c.text("without");
  });
  await client.text("/set");
  store.inject("read", "fail", 1);
  const response = await client.fetch("/caught");
  assertEquals([response.status, await response.text()], [200, "without"]);
});

Deno.test("lazy: onStoreError anonymous gives an empty session that refuses changes", async () => {
  const { client, store } = setup({ onStoreError: "anonymous" });
  await client.text("/set");
  store.inject("read", "fail");
  assertEquals(await client.json("/read"), {});
  assertEquals((await client.fetch("/set")).status, 503 as number);
});

Deno.test("lazy: it is rolled, migrated and rotated when it is asked for", async () => {
  const clock = new FakeClock();
  const store = new FaultyStore(new MapStore({ clock: clock.now }));
  const options = { store, clock: clock.now, rolling: true, maxAge: 100 };
  const { client } = setup(options);
  await client.text("/set");
  clock.advance(50);
  store.calls();
  await client.text("/untouched");
  assertEquals(store.calls(), []);
  const response = await client.fetch("/read");
  assertEquals(store.calls(), ["read", "touch"]);
  assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=100/);
  const migrating = setup({ ...options, migrate: (data) => ({ ...data, name: "Ada" }) });
  const headers = { cookie: await client.cookie() };
  const read = await migrating.app.request("/read", { headers });
  assertEquals(await read.json(), { a: 1, name: "Ada" });
  assertEquals(store.calls(), ["read", "update"]);
});

Deno.test("lazy: a cookie session", async () => {
  const { client } = setup({ store: new EncryptedCookieStore({ secret: SECRET }) });
  await client.text("/set");
  assertEquals([...(await client.fetch("/untouched")).headers.keys()], [
    "cache-control",
    "content-type",
  ]);
  assertEquals(await client.json("/read"), { a: 1 });
});

Deno.test("lazy: tokens without a cookie", async () => {
  const { app, store } = setup({ cookieName: false, token: { secret: SECRET, maxAge: 60 } });
  app
    .get("/login", async (c) => {
      assertEquals(c.get("sessionCookie" as never), undefined, "there is none");
      await startSession(c, { a: 1 });
      assertEquals(c.get("sessionCookie" as never), undefined, "there is none");
      return c.text(c.get("sessionToken")!);
    });
  const login = await app.request("/login");
  assertEquals(login.status, 200);
  const headers = { authorization: `Bearer ${await login.text()}` };
  store.calls();
  await app.request("/untouched", { headers });
  assertEquals(store.calls(), []);
  const read = await app.request("/read", { headers });
  assertEquals(await read.json(), { a: 1 });
  assertEquals(read.headers.get("vary"), "Authorization");
});

Deno.test("lazy: endSession() with a token ends that session", async () => {
  const { app, client } = setup({ token: { secret: SECRET, maxAge: 60 } });
  app
    .get("/token", async (c) => {
      await getSession(c);
      return c.text(c.get("sessionToken")!);
    })
    .get("/end/:token", async (c) => {
      await endSession(c, c.req.param("token"));
      return c.text("ended");
    });
  await client.text("/set");
  const token = await client.text("/token");
  await app.request(`/end/${token}`);
  assertEquals(await client.json("/read"), {});
});

Deno.test("lazy: a guard loads the session", async () => {
  const { app, client, store } = setup();
  app
    .use("/account", requireSession({ when: (c) => c.req.method !== "PUT" }))
    .get("/account", (c) => c.json(c.get("session")))
    .put("/account", (c) => c.text("open to all"));
  assertEquals((await client.fetch("/account")).status, 401);
  await client.text("/set");
  store.calls();
  assertEquals(await client.text("/account", { method: "PUT" }), "open to all");
  assertEquals(store.calls(), []);
  assertEquals(await client.json("/account"), { a: 1 });
  assertEquals(store.calls(), ["read"]);
});

Deno.test("lazy: beside a session that is not", async () => {
  const store = new FaultyStore(new MapStore());
  const app = new Hono()
    .use(session<Data>({ store }))
    .use(session<Data, "admin">({ store, contextKey: "admin", cookieName: "admin", lazy: true }))
    .get("/set", async (c) => {
      c.var.session.a = 1;
      assertThrows(() => c.var.admin.a, TypeError, LAZY);
      (await getSession<Data>(c, { contextKey: "admin" })).a = 2;
      return c.text("set");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/admin", async (c) => c.json(await getSession(c, { contextKey: "admin" })));
  const client = new Client(app);
  await client.text("/set");
  store.calls();
  assertEquals(await client.json("/read"), { a: 1 });
  assertEquals(store.calls(), ["read"]);
  assertEquals(await client.json("/admin"), { a: 2 });
});

Deno.test("lazy: mounted once more on some routes, without lazy, the session is loaded there", async () => {
  const { app, client, store, options } = setup();
  app
    .use("/eager/*", session<Data>({ ...options, lazy: false }))
    .get("/eager/read", (c) => c.json(c.var.session));
  await client.text("/set");
  store.calls();
  assertEquals(await client.json("/eager/read"), { a: 1 });
  assertEquals(store.calls(), ["read"]);
});

Deno.test("a session that is not lazy never says that it is, also when the store fails", async () => {
  const { app, client, store } = setup({ lazy: false });
  let shown: unknown;
  app.onError((error, c) => {
    try {
      shown = [Reflect.get(c, "session")?.a, c.get("session" as never)];
    } catch (thrown) {
      shown = thrown;
    }
    return c.text("", error instanceof HTTPException ? error.status : 500);
  });
  await client.text("/set");
  store.inject("read", "fail");
  assertEquals((await client.fetch("/read")).status, 503);
  assert(!String(shown).includes("lazy"), String(shown));
});

Deno.test("lazy: a handler that throws after getSession() drops its changes, and one before has none", async () => {
  const { app, client, store } = setup();
  app.get("/throw", async (c) => {
    await getSession(c);
    c.var.session.a = 2;
    throw new Error("on purpose");
  }).get("/throw/early", () => {
    throw new Error("on purpose");
  }).onError((_, c) => c.text("failed", 500));
  await client.text("/set");
  store.calls();
  assertEquals((await client.fetch("/throw/early")).status, 500);
  assertEquals(store.calls(), []);
  assertEquals((await client.fetch("/throw")).status, 500);
  assertEquals(await client.json("/read"), { a: 1 });
});

Deno.test("lazy: console.log of a session that isn't loaded shows nothing and breaks nothing", async () => {
  const { app, client } = setup();
  app.get("/inspect", (c) => c.text(Deno.inspect(c.get("session"))));
  await client.text("/set");
  const response = await client.fetch("/inspect");
  assertEquals(response.status, 200);
});
