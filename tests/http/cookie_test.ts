import { createSessions, session, type SessionOptions } from "@x/hono-session";
import { type CookieStore, EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import {
  AUTHENTICATED_STORES,
  COOKIE_STORES,
  OLDER_SECRET,
  SECRET,
} from "../_support/cookie_stores.ts";
import { counting } from "../_support/crypto.ts";
import { Gate } from "../_support/gate.ts";
import { withoutIndex } from "../_support/without_index.ts";

interface Data {
  name?: string;
  notes?: string;
}

function setup(store: CookieStore, options: SessionOptions<Data> = {}) {
  const rejected: string[] = [];
  const app = new Hono()
    .use(session<Data>({
      store,
      events: { rejected: ({ reason }) => rejected.push(reason) },
      ...options,
    }))
    .get("/set/:name", (c) => {
      c.var.session.name = c.req.param("name");
      return c.text("set");
    })
    .get("/notes/:length", (c) => {
      c.var.session.notes = "ż".repeat(Number(c.req.param("length")));
      return c.text("noted");
    })
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = "Ada";
      return c.text("welcome");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .get("/read", (c) => c.json(c.var.session.name ?? null))
    .get("/length", (c) => c.json(c.var.session.notes?.length ?? null));
  return { app, client: new Client(app), rejected };
}

/** The names of the cookies that a response sets, and of those that it clears. */
function cookiesOf(response: Response): { set: string[]; cleared: string[] } {
  const cookies = response.headers.getSetCookie();
  const names = (all: string[]) => all.map((cookie) => cookie.split("=")[0]!);
  return {
    set: names(cookies.filter((cookie) => !cookie.includes("Max-Age=0"))),
    cleared: names(cookies.filter((cookie) => cookie.includes("Max-Age=0"))),
  };
}

for (const [name, make] of Object.entries(AUTHENTICATED_STORES)) {
  Deno.test(`${name}: a cookie under an older key is issued again under the first`, async () => {
    const before = setup(make({ secret: OLDER_SECRET }));
    await before.client.text("/set/Ada");
    const during = setup(make({ secret: [SECRET, OLDER_SECRET] }));
    const old = await before.client.cookie();
    const response = await during.app.request("/read", { headers: { cookie: old } });
    assertEquals(await response.json(), "Ada");
    const renewed = response.headers.getSetCookie()[0]!.split(";")[0]!;
    assertEquals(response.headers.getSetCookie().length, 1);

    const again = await during.app.request("/read", { headers: { cookie: renewed } });
    assertEquals([await again.json(), again.headers.getSetCookie()], ["Ada", []]);
    const after = setup(make({ secret: SECRET }));
    const read = async (cookie: string) =>
      await (await after.app.request("/read", { headers: { cookie } })).json();
    assertEquals(await read(renewed), "Ada");
    assertEquals(await read(old), null);
  });

  Deno.test(`${name}: whatever is in the cookie is an anonymous visitor, one event and no clearing cookie`, async () => {
    const { app, client, rejected } = setup(make());
    await client.text("/set/Ada");
    const value = (await client.value())!;
    const damaged = [
      "",
      "x",
      value.slice(1),
      value.slice(0, -1),
      `${value}A`,
      "%00",
      "%",
      "x".repeat(9000),
    ];
    for (const each of damaged) {
      const response = await app.request("/read", { headers: { cookie: `sid=${each}` } });
      assertEquals([response.status, await response.json()], [200, null], each.slice(0, 50));
      assertEquals(response.headers.getSetCookie(), []);
      assertEquals(rejected.splice(0).length, 1, each.slice(0, 50));
    }
  });

  Deno.test(`${name}: a value is worth nothing in a cookie of another name`, async () => {
    const one = setup(make(), { cookieName: "one" });
    const other = setup(make(), { cookieName: "other" });
    await one.client.text("/set/Ada");
    const value = await one.client.value("one");
    const read = async (app: typeof one.app, cookie: string) =>
      await (await app.request("/read", { headers: { cookie } })).json();
    assertEquals(await read(one.app, `one=${value}`), "Ada");
    assertEquals(await read(other.app, `other=${value}`), null);
    // What one store has opened for one cookie it has not opened for the other.
    const store = make();
    const [first, second] = [
      setup(store, { cookieName: "one" }),
      setup(store, { cookieName: "other" }),
    ];
    await first.client.text("/set/Ada");
    const shared = await first.client.value("one");
    assertEquals(await read(first.app, `one=${shared}`), "Ada");
    assertEquals(await read(second.app, `other=${shared}`), null);
  });
}

for (const [name, make] of Object.entries(COOKIE_STORES)) {
  Deno.test(`${name}: a session that is too large is an error, and nothing is sent`, async () => {
    const errors: string[] = [];
    const { app, client } = setup(make());
    app.onError((error, c) => {
      errors.push(error.message);
      return c.text("failed", 500);
    });
    await client.text("/set/Ada");
    const cookie = await client.cookie();
    const response = await client.fetch("/notes/2000");
    assertEquals([response.status, response.headers.getSetCookie()], [500, []]);
    await response.body?.cancel();
    assertMatch(
      errors[0]!,
      /the cookie is \d+ bytes, browsers keep 4096; the largest key is "notes"/,
    );
    assertEquals(await client.cookie(), cookie);
    assertEquals(await client.json("/read"), "Ada");
  });

  Deno.test(`${name}: chunks hold a large session, and are expired when they are no longer used`, async () => {
    const { client } = setup(make({ chunks: 4 }));
    const large = await client.fetch("/notes/3000");
    assertEquals(cookiesOf(large).cleared, []);
    const { set } = cookiesOf(large);
    assert(set.length >= 2 && set.length <= 4, set.join());
    assertEquals(set, ["sid", "sid.1", "sid.2", "sid.3"].slice(0, set.length));
    for (const cookie of large.headers.getSetCookie()) assert(cookie.split(";")[0]!.length <= 4096);
    assertEquals(await client.json("/length"), 3000);

    const small = await client.fetch("/notes/10");
    assertEquals(cookiesOf(small), { set: ["sid"], cleared: set.slice(1) });
    assertEquals(await client.json("/length"), 10);
    assertEquals((await client.fetch("/notes/20")).headers.getSetCookie().length, 1);

    await client.text("/notes/3000");
    const logout = await client.fetch("/logout");
    assertEquals(cookiesOf(logout), { set: [], cleared: set });
    assertEquals(await client.cookie(), "");
  });

  Deno.test(`${name}: more than four chunks are an error`, async () => {
    const { app, client } = setup(make({ chunks: 4 }));
    app.onError((_error, c) => c.text("failed", 500));
    const response = await client.fetch("/notes/12000");
    assertEquals([response.status, response.headers.getSetCookie()], [500, []]);
    await response.body?.cancel();
  });
}

Deno.test("chunks that don't belong together are rejected", async () => {
  const { app, client } = setup(new EncryptedCookieStore({ secret: SECRET, chunks: 3 }));
  await client.text("/notes/3500");
  const cookies = new Map(
    (await client.cookie()).split("; ").map((pair) => pair.split("=") as [string, string]),
  );
  assertEquals([...cookies.keys()], ["sid", "sid.1", "sid.2"]);
  await client.text("/notes/3501");
  const stale = cookies;
  const fresh = new Map(
    (await client.cookie()).split("; ").map((pair) => pair.split("=") as [string, string]),
  );
  const foreign = setup(new EncryptedCookieStore({ secret: SECRET, chunks: 3 })).client;
  await foreign.text("/notes/3501");
  const theirs = new Map(
    (await foreign.cookie()).split("; ").map((pair) => pair.split("=") as [string, string]),
  );

  const length = async (all: Map<string, string>) => {
    const cookie = [...all].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await app.request("/length", { headers: { cookie } });
    assertEquals([response.status, response.headers.getSetCookie()], [200, []]);
    return await response.json();
  };
  const change = (changes: Record<string, string | undefined>) => {
    const all = new Map(fresh);
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) all.delete(name);
      else all.set(name, value);
    }
    return all;
  };
  assertEquals(await length(fresh), 3501);
  assertEquals(
    await length(change({ "sid.3": "more", other: "1" })),
    3501,
    "others are not asked for",
  );
  const rest = fresh.get("sid")!.slice(2);
  for (
    const changes of [
      { "sid.1": undefined },
      { sid: undefined },
      { "sid.1": fresh.get("sid.2"), "sid.2": fresh.get("sid.1") },
      { "sid.1": stale.get("sid.1") },
      { "sid.2": theirs.get("sid.2") },
      { sid: theirs.get("sid") },
      { sid: `2~${rest}` },
      { sid: `4~${rest}` },
      { sid: `999999~${rest}` },
      { sid: `-1~${rest}` },
      { sid: `0~${rest}` },
      { sid: `3~3~${rest}` },
      { sid: rest },
      { sid: "3~" },
    ]
  ) {
    assertEquals(await length(change(changes)), null, JSON.stringify(changes).slice(0, 60));
  }
});

Deno.test("without revocations a copy of a cookie outlives logout, with them it doesn't", async () => {
  for (const make of Object.values(AUTHENTICATED_STORES)) {
    for (
      const revocations of [undefined, new Revocations(new MapStore({ maxEntries: Infinity }))]
    ) {
      const { client } = setup(make(revocations ? { revocations } : {}));
      await client.text("/set/Ada");
      const first = await client.thief();
      await client.text("/set/Bob");
      const second = await client.thief();
      await client.text("/logout");
      assertEquals(await first.json("/read"), revocations ? null : "Ada");
      assertEquals(await second.json("/read"), revocations ? null : "Bob");
      await client.text("/set/Eve");
      assertEquals(await client.json("/read"), "Eve", "another session begins");
    }
  }
});

Deno.test("with revocations the cookies before a login are invalid, those after it valid", async () => {
  const { client } = setup(
    new EncryptedCookieStore({
      secret: SECRET,
      revocations: new Revocations(new MapStore({ maxEntries: Infinity })),
    }),
  );
  await client.text("/set/anonymous");
  const planted = await client.thief();
  await client.text("/login");
  await client.text("/notes/10");
  assertEquals(await planted.json("/read"), null);
  assertEquals(await client.json("/read"), "Ada");
  const before = await client.thief();
  await client.text("/login");
  assertEquals(await before.json("/read"), null);
  assertEquals(await client.json("/read"), "Ada");
});

Deno.test("deleteAll() ends every cookie of a subject, and a login after it lives", async () => {
  const cases = Object.values(AUTHENTICATED_STORES).flatMap((make) =>
    [true, false].map((index) => ({ make, index }))
  );
  for (const { make, index } of cases) {
    const clock = new FakeClock();
    const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
    const watch = new FaultyStore(index ? map : withoutIndex(map));
    const store = make({ revocations: new Revocations(watch), clock: clock.now });
    const { app, client } = setup(store, { clock: clock.now });
    const gate = new Gate();
    app.get("/as/:subject", (c) => {
      c.var.session.subject = c.req.param("subject");
      c.var.session.name = c.req.param("subject");
      return c.text("welcome");
    }).get("/slow", async (c) => {
      await gate.pass();
      c.var.session.name = "slow";
      return c.text("slow");
    });
    const [other, visitor] = [new Client(app), new Client(app)];
    await visitor.text("/set/visitor");
    await client.text("/as/ada");
    await other.text("/as/bob");
    const thief = await client.thief();
    watch.calls();
    assertEquals(await client.json("/read"), "ada");
    assertEquals(watch.calls(), ["read", "read"], "the session's mark and the subject's");

    const slow = thief.fetch("/slow");
    await gate.arrived();
    clock.advance(1);
    assertEquals(await store.deleteAll("ada", {}), index ? 1 : 0);
    gate.open();
    assertEquals(
      (await slow).headers.getSetCookie(),
      [],
      "nor does a request in flight bring it back",
    );
    assertEquals(await client.json("/read"), null);
    assertEquals(await thief.json("/read"), null);
    assertEquals(await other.json("/read"), "bob");
    clock.advance(1);
    await visitor.text("/as/ada");
    assertEquals(await visitor.json("/read"), "ada", "who came before, but logs in after");
    await store.deleteAll("ada", {});
    assertEquals(await visitor.json("/read"), null);
  }
  await assertRejects(
    () => new EncryptedCookieStore({ secret: SECRET }).deleteAll("ada", {}),
    TypeError,
    "no revocations",
  );
});

Deno.test("revoke() ends every cookie of a session, and leaves those of another name", async () => {
  for (const make of Object.values(AUTHENTICATED_STORES)) {
    const store = make({ revocations: new Revocations(new MapStore({ maxEntries: Infinity })) });
    const options = { store, cookieOptions: { prefix: "host" } } as const;
    const users = createSessions<Data>(options);
    const admins = createSessions<Data>({ ...options, cookieName: "admin" });
    const serve = (sessions: typeof users) =>
      new Client(
        new Hono().use(sessions.middleware())
          .get("/login", (c) => {
            c.var.session.subject = "ada";
            c.var.session.meta = { device: "phone" };
            return c.text("welcome");
          })
          .get("/set/:name", (c) => {
            c.var.session.name = c.req.param("name");
            return c.text("set");
          })
          .get("/read", (c) => c.json(c.var.session.name ?? null)),
      );
    const [user, admin] = [serve(users), serve(admins)];
    await user.text("/login");
    await user.text("/set/first");
    const thief = await user.thief();
    await user.text("/set/second");
    await admin.text("/login");
    await admin.text("/set/admin");
    const [{ sid, meta }, ...others] = await Array.fromAsync(users.list("ada")) as [
      { sid: string; meta: unknown },
      ...unknown[],
    ];
    assertEquals([meta, others], [{ device: "phone" }, []]);
    assertEquals(await thief.json("/read"), "first");
    assertEquals(await admins.revoke("ada", sid), false);
    assertEquals(await users.revoke("ada", sid), true);
    assertEquals([await thief.json("/read"), await user.json("/read")], [null, null]);
    assertEquals(await admin.json("/read"), "admin");
    assertEquals([await users.count("ada"), await admins.count("ada")], [0, 1]);
    // Of the store that was made, whatever its cookies are called.
    assertEquals(await store.deleteAll("ada", {}), 1);
    assertEquals(await admin.json("/read"), null);
  }
});

Deno.test("revocations cost one read with a request and are kept no longer than the cookies", async () => {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
  const watch = new FaultyStore(map);
  const store = new EncryptedCookieStore({
    secret: SECRET,
    revocations: new Revocations(watch),
    clock: clock.now,
  });
  const { app, client } = setup(store, { clock: clock.now, maxAge: 1000 });
  await client.text("/read");
  await app.request("/read", { headers: { cookie: "sid=forged" } });
  assertEquals(watch.calls(), [], "nothing for visitors");
  await client.text("/set/Ada");
  assertEquals(watch.calls(), [], "nothing for a new session");
  await client.text("/read");
  assertEquals(watch.calls(), ["read"]);
  await client.text("/set/Bob");
  assertEquals(watch.calls(), ["read", "read"], "and one more for a write");

  clock.advance(400);
  const cookie = await client.cookie();
  await client.text("/logout");
  assertEquals(map.size, 1);
  const read = async () => await (await app.request("/read", { headers: { cookie } })).json();
  clock.advance(599);
  assertEquals(await read(), null);
  const days = 401 * 86400;
  clock.advance(days);
  for (let times = 0; times < 8; times++) {
    const { client } = setup(store, { clock: clock.now });
    await client.text("/set/Ada");
    await client.text("/logout");
  }
  assertEquals(map.size, 8, "the first mark was reclaimed");
});

Deno.test("a mark outlives every cookie that its session was ever given", async () => {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
  const revocations = new Revocations(map);
  const { app, client } = setup(
    new EncryptedCookieStore({ secret: SECRET, revocations, clock: clock.now }),
    { clock: clock.now },
  );
  app.get("/renew/:seconds", (c) => {
    c.var.session.renew(Number(c.req.param("seconds")));
    return c.text("renewed");
  });
  await client.text("/set/Ada");
  await client.text(`/renew/${30 * 86400}`);
  const cookie = await client.cookie();
  await client.text("/renew/3600");
  await client.text("/logout");
  clock.advance(2 * 3600);
  assertEquals(await client.json("/read", { headers: { cookie } }), null);
});

Deno.test("revocations that fail are 503, not a session", async () => {
  const watch = new FaultyStore(new MapStore({ maxEntries: Infinity }));
  const { client } = setup(
    new EncryptedCookieStore({ secret: SECRET, revocations: new Revocations(watch) }),
  );
  await client.text("/set/Ada");
  watch.inject("read", "fail");
  const response = await client.fetch("/read");
  assertEquals([response.status, await response.text()], [503, "Service Unavailable"]);
});

Deno.test("no key is derived or imported on the way of a request", async () => {
  for (const name of ["EncryptedCookieStore", "SignedCookieStore"]) {
    const { client } = setup(AUTHENTICATED_STORES[name]!({ memo: 0 }));
    await client.text("/set/Ada");
    const calls = await counting(async () => {
      for (let times = 0; times < 5; times++) await client.text(`/set/${times}`);
    });
    assertEquals(
      Object.keys(calls).toSorted(),
      name === "SignedCookieStore" ? ["sign"] : ["decrypt", "encrypt"],
    );
  }
});

Deno.test("secret: (c) => … finds the secret of a Worker's environment", async () => {
  const secret = (c: unknown) => (c as { env: { SECRET: string } }).env.SECRET;
  for (
    const options of [
      { store: new EncryptedCookieStore({ secret }) },
      { store: new MapStore(), secret },
    ]
  ) {
    const app = new Hono<{ Bindings: { SECRET: string } }>().use(session<Data>(options))
      .get("/set", (c) => {
        c.var.session.name = "Ada";
        return c.text("set");
      })
      .get("/read", (c) => c.json(c.var.session.name ?? null))
      .onError((_error, c) => c.text("failed", 500));
    const set = await app.request("/set", {}, { SECRET });
    const headers = { cookie: set.headers.getSetCookie()[0]!.split(";")[0]! };
    assertEquals(await (await app.request("/read", { headers }, { SECRET })).json(), "Ada");
    assertEquals(
      await (await app.request("/read", { headers }, { SECRET: OLDER_SECRET })).json(),
      null,
    );
    assertEquals((await app.request("/read", { headers }, { SECRET: "short" })).status, 500);
  }
});

Deno.test("encoder makes the sealed cookie the default store", async () => {
  const encoder = {
    encode: (data: object) => btoa(JSON.stringify(data)),
    decode: (value: string) => JSON.parse(atob(value)),
  };
  const app = new Hono().use(session<Data>({ secret: SECRET, encoder }))
    .get("/", (c) => {
      const { name } = c.var.session;
      c.var.session.name = "Ada";
      return c.json(name ?? null);
    });
  const client = new Client(app);
  assertEquals(await client.json("/"), null);
  assertMatch(atob(decodeURIComponent((await client.value())!)), /^{"name":"Ada","hono-session":{/);
  assertEquals(await client.json("/"), "Ada");
  assertNotEquals(await client.cookie(), "");
});

Deno.test("an encrypted session of 200 bytes is a Set-Cookie of 400 bytes at most", async () => {
  const { client } = setup(new EncryptedCookieStore({ secret: SECRET }));
  const name = "x".repeat(200 - '{"name":""}'.length);
  const [cookie] = (await client.fetch(`/set/${name}`)).headers.getSetCookie();
  assert(cookie!.length <= 400, `${cookie!.length} bytes`);
});
