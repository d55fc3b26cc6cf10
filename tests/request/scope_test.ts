import { endSession, session, type SessionOptions, startSession } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { FakeClock } from "../_support/clock.ts";
import { COOKIE_STORES, SECRET } from "../_support/cookie_stores.ts";

interface Data {
  name?: string;
  visits?: number;
}

type Store = NonNullable<SessionOptions["store"]>;

const ONE = "https://one.test";
const TWO = "https://two.test";

function setup(options: SessionOptions<Data> = {}) {
  const store = new FaultyStore(new MapStore());
  const events: string[] = [];
  const app = new Hono()
    .use(session<Data>({
      store,
      scope: "host",
      logger: { error() {}, warn() {} },
      events: {
        created: () => events.push("created"),
        loaded: () => events.push("loaded"),
        rotated: () => events.push("rotated"),
        rejected: ({ reason }) => events.push(reason),
        interrupted: () => events.push("interrupted"),
      },
      ...options,
    }))
    .get("/login/:name", async (c) => {
      await startSession<Data>(c, { name: c.req.param("name") });
      return c.text(c.get("sessionToken") ?? "");
    })
    .get("/set", (c) => {
      c.var.session.name = "Ada";
      return c.text("set");
    })
    .get("/count", async (c) => c.json(await c.var.session.update("visits", (n = 0) => n + 1)))
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("");
    })
    .get("/renew", (c) => {
      c.var.session.renew(7200);
      return c.text("");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("");
    })
    .get("/end/:token", async (c) => {
      await endSession(c, c.req.param("token"));
      return c.text("");
    })
    .get("/read", (c) => c.json(c.var.session));
  app.onError((error, c) =>
    c.text(error.message, error instanceof HTTPException ? error.status : 500)
  );
  /** One request with a cookie, and the cookie after it. */
  const visit = async (url: string, cookie = "", headers: HeadersInit = {}) => {
    const given = new Headers(headers);
    if (cookie) given.set("cookie", cookie);
    const response = await app.request(url, { headers: given });
    const sent = response.headers.getSetCookie();
    const next = sent[0]?.split(";")[0] ?? cookie;
    return { status: response.status, text: await response.text(), cookie: next, sent };
  };
  return { app, store, events, visit };
}

const STORES: Record<string, () => Store> = {
  MapStore: () => new MapStore(),
  Map: () => new Map(),
  "get, set and delete": () => {
    const entries = new Map<string, string>();
    return {
      get: (key) => JSON.parse(entries.get(key) ?? "null"),
      set: (key, value) => entries.set(key, JSON.stringify(value)),
      delete: (key) => entries.delete(key),
    };
  },
  ...COOKIE_STORES,
};

async function opensNothing(store: Store) {
  const { visit, events } = setup({ store });
  const { cookie } = await visit(`${ONE}/login/Ada`);
  const other = await visit(`${TWO}/read`, cookie);
  assertEquals([other.text, other.sent], ["{}", []]);
  assertEquals(events, ["created", "scope"]);
  assertEquals((await visit(`${ONE}/read`, cookie)).text, '{"name":"Ada"}', "the record stays");

  const login = await visit(`${TWO}/login/Bob`, cookie);
  assertNotEquals(login.cookie, cookie);
  assertEquals((await visit(`${TWO}/read`, login.cookie)).text, '{"name":"Bob"}');
  assertEquals((await visit(`${ONE}/read`, login.cookie)).text, "{}");
  assertEquals((await visit(`${ONE}/read`, cookie)).text, '{"name":"Ada"}');
}

for (const [name, make] of Object.entries(STORES)) {
  Deno.test(`scope: a session is rejected in another scope, on ${name}`, async () => {
    await opensNothing(make());
  });
}

Deno.test("scope: a session is rejected in another scope, on DenoKvStore", async () => {
  await using store = new DenoKvStore({ path: ":memory:" });
  await opensNothing(store);
});

Deno.test("scope: it is kept by regenerate(), renew(), update() and further writes", async () => {
  for (const store of [new MapStore(), COOKIE_STORES["EncryptedCookieStore"]!()]) {
    const { visit } = setup({ store });
    let { cookie } = await visit(`${ONE}/login/Ada`);
    for (const path of ["/regenerate", "/renew", "/count", "/set", "/regenerate"]) {
      ({ cookie } = await visit(ONE + path, cookie));
      assertMatch((await visit(`${ONE}/read`, cookie)).text, /"name":"Ada"/, path);
      assertEquals((await visit(`${TWO}/read`, cookie)).text, "{}", path);
    }
  }
});

Deno.test("scope: it is kept by rotation, whose old token is rejected elsewhere, too", async () => {
  const clock = new FakeClock();
  const store = new MapStore({ clock: clock.now });
  const { visit, events } = setup({ store, clock: clock.now, rotate: { every: 60, grace: 30 } });
  const { cookie: old } = await visit(`${ONE}/login/Ada`);
  clock.advance(60);
  const { cookie } = await visit(`${ONE}/read`, old);
  assertNotEquals(cookie, old);
  events.length = 0;
  for (const token of [old, cookie]) {
    const other = await visit(`${TWO}/read`, token);
    assertEquals([other.text, other.sent], ["{}", []]);
    assertEquals(events.splice(0), ["scope"]);
    assertEquals((await visit(`${ONE}/read`, token)).text, '{"name":"Ada"}');
    assertEquals(events.splice(0), ["loaded"]);
  }
});

Deno.test("scope: a session of another scope is neither rolled, rotated, migrated nor ended", async () => {
  const clock = new FakeClock();
  const store = new FaultyStore(new MapStore({ clock: clock.now }));
  const asked: unknown[] = [];
  const { visit } = setup({
    store,
    clock: clock.now,
    maxAge: 100,
    rolling: true,
    rotate: { every: 0 },
    migrate: (data) => (asked.push(data), data),
  });
  const { cookie } = await visit(`${ONE}/login/Ada`);
  clock.advance(50);
  store.calls();
  for (const path of ["/read", "/logout"]) await visit(TWO + path, cookie);
  assertEquals(store.calls(), ["read", "read"]);
  assertEquals(asked, []);
  assertEquals((await visit(`${ONE}/read`, cookie)).text, '{"name":"Ada"}');
});

Deno.test("scope: the host is the name alone, without port, protocol and letter case", async () => {
  const { visit } = setup();
  const { cookie } = await visit("https://One.test:8443/login/Ada");
  for (const origin of [ONE, "http://ONE.TEST:80", "https://one.test:1", "https://u:p@one.test"]) {
    assertEquals((await visit(`${origin}/read`, cookie)).text, '{"name":"Ada"}', origin);
  }
  const others = ["https://www.one.test", "https://one.test.evil.test", "https://one.tes"];
  for (const origin of others) {
    assertEquals((await visit(`${origin}/read`, cookie)).text, "{}", origin);
  }
});

Deno.test("scope: a function names it, and gets the context", async () => {
  const { visit, events } = setup({ scope: (c) => c.req.header("x-tenant") });
  const at = (tenant: string) => ({ "x-tenant": tenant });
  const { cookie } = await visit(`${ONE}/login/Ada`, "", at("a"));
  assertEquals((await visit(`${TWO}/read`, cookie, at("a"))).text, '{"name":"Ada"}');
  assertEquals((await visit(`${ONE}/read`, cookie, at("A"))).text, "{}");
  assertEquals((await visit(`${ONE}/read`, cookie, at("host"))).text, "{}");
  assertEquals(events, ["created", "loaded", "scope", "scope"]);
});

Deno.test("scope: a function that gives no name fails the request, and loads nothing", async () => {
  const names: unknown[] = ["", undefined, null, 1, ["one.test"], Promise.resolve("one.test"), {}];
  const store = new MapStore();
  const { cookie } = await setup({ store }).visit(`${ONE}/login/Ada`);
  for (const name of names) {
    const { visit } = setup({ store, scope: () => name as string });
    const response = await visit(`${ONE}/read`, cookie);
    assertEquals([response.status, response.text], [
      500,
      name instanceof Promise
        ? "Cannot open session: scope returned a promise instead of a name"
        : "Cannot open session: scope returned no name",
    ]);
    const login = await visit(`${ONE}/login/Ada`);
    assertEquals([login.status, login.sent], [500, []]);
  }
  assertEquals(store.size, 1);
});

Deno.test("scope: a function that throws fails the request, not open", async () => {
  const { visit } = setup({
    scope: () => {
      throw new Error("no tenant");
    },
  });
  assertEquals((await visit(`${ONE}/login/Ada`)).status, 500);
  assertEquals((await visit(`${ONE}/read`)).status, 200, "nobody needs a scope here");
});

Deno.test("scope: a session that was created without one is rejected with one, and the other way round", async () => {
  for (const make of [() => new MapStore(), COOKIE_STORES["EncryptedCookieStore"]!]) {
    const store = make();
    const scoped = setup({ store });
    const { scope: _, ...unscoped } = { scope: undefined, store };
    const free = new Hono().use(session<Data>(unscoped)).get("/set", (c) => {
      c.var.session.name = "Bob";
      return c.text("");
    }).get("/read", (c) => c.json(c.var.session));
    const { cookie } = await scoped.visit(`${ONE}/login/Ada`);
    const headers = { cookie };
    assertEquals(await (await free.request(`${ONE}/read`, { headers })).json(), {});
    const bob = (await free.request(`${ONE}/set`)).headers.getSetCookie()[0]!.split(";")[0]!;
    assertEquals((await scoped.visit(`${ONE}/read`, bob)).text, "{}");
    assertEquals(scoped.events, ["created", "scope"]);
  }
});

Deno.test("scope: a token is rejected in another scope, and ends nothing there", async () => {
  const { visit, events } = setup({ token: { secret: SECRET, maxAge: 3600 } });
  const { text: token } = await visit(`${ONE}/login/Ada`);
  const headers = { authorization: `Bearer ${token}` };
  assertEquals((await visit(`${TWO}/read`, "", headers)).text, "{}");
  assertEquals((await visit(`${TWO}/read?token=${token}`)).text, "{}");
  assertEquals((await visit(`${TWO}/end/${token}`)).status, 200);
  assertEquals(events, ["created", "scope", "scope", "scope"]);
  assertEquals((await visit(`${ONE}/read`, "", headers)).text, '{"name":"Ada"}');
  await visit(`${ONE}/end/${token}`);
  assertEquals((await visit(`${ONE}/read`, "", headers)).text, "{}");
});

Deno.test("scope: a signed token cookie of another scope costs one read, and tells whose it was", async () => {
  const rejected: object[] = [];
  const { visit, store } = setup({
    secret: SECRET,
    events: { rejected: (event) => rejected.push(event) },
  });
  const { cookie } = await visit(`${ONE}/login/Ada`);
  store.calls();
  await visit(`${TWO}/read`, cookie);
  assertEquals(store.calls(), ["read"]);
  assertEquals(rejected.map((event) => Object.keys(event)), [["reason", "sid"]]);
});

Deno.test("scope: one cookie for all subdomains keeps the sessions of two hosts", async () => {
  const { visit } = setup({ cookieOptions: { domain: "test.example" } });
  const ada = await visit("https://a.test.example/login/Ada");
  const bob = await visit("https://b.test.example/login/Bob", ada.cookie);
  assertEquals((await visit("https://a.test.example/read", ada.cookie)).text, '{"name":"Ada"}');
  assertEquals((await visit("https://b.test.example/read", bob.cookie)).text, '{"name":"Bob"}');
});

Deno.test("scope: it is no part of the data, the public handle or the cookie", async () => {
  const { visit } = setup();
  const login = await visit(`${ONE}/login/Ada`);
  assertEquals(login.sent.join().includes("one.test"), false);
  assertEquals((await visit(`${ONE}/read`, login.cookie)).text, '{"name":"Ada"}');
});
