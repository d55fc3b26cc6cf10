import {
  getSession,
  session,
  SessionCommittedError,
  type SessionCookie,
  SessionEndedError,
  type SessionOptions,
  type SessionRecord,
  SessionStoreError,
  startSession,
} from "@x/hono-session";
import { EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { Hono } from "hono";
import { Cookie } from "tough-cookie";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { COOKIE_STORES, SECRET } from "../_support/cookie_stores.ts";

interface Data {
  name?: string;
  a?: number;
}

const QUIET = { error() {}, warn() {} };

type Store = NonNullable<SessionOptions["store"]>;

const STORES: Record<string, (clock: () => number) => Store> = {
  MapStore: (clock) => new MapStore({ clock }),
  Map: () => new Map(),
  "get, set, delete": () => {
    const map = new Map();
    return {
      get: (key) => Promise.resolve(map.get(key)),
      set: (key, value) => Promise.resolve(void map.set(key, value)),
      delete: (key) => Promise.resolve(void map.delete(key)),
    };
  },
  ...Object.fromEntries(
    Object.entries(COOKIE_STORES).map(([name, make]) => [
      name,
      (clock: () => number) => make({ clock }),
    ]),
  ),
  "EncryptedCookieStore with revocations": (clock) =>
    new EncryptedCookieStore({
      secret: SECRET,
      clock,
      revocations: new Revocations(new MapStore({ clock, maxEntries: Infinity })),
    }),
};

type Use = (cookie: SessionCookie) => unknown;

function setup(options: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const uses: { cookie: Use } = { cookie: () => {} };
  const app = new Hono()
    .use(session<Data>({ store: new MapStore({ clock: clock.now }), clock: clock.now, ...options }))
    .get("/login", async (c) => {
      await startSession<Data>(c, { name: "Ada" });
      return c.text("welcome");
    })
    .get("/logout", (c) => {
      c.set("session", null as never);
      return c.text("bye");
    })
    .get("/set", (c) => {
      c.var.session.a = (c.var.session.a ?? 0) + 1;
      return c.text("set");
    })
    .get("/save", async (c) => {
      c.var.session.a = (c.var.session.a ?? 0) + 1;
      await c.var.session.save();
      c.var.session.a++;
      return c.text("saved");
    })
    .get("/update", async (c) => c.json(await c.var.session.update("a", (a = 0) => a + 1)))
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    })
    .get("/renew", (c) => {
      c.var.session.renew();
      return c.text("renewed");
    })
    .get("/edit", async (c) => c.json(await uses.cookie(c.get("sessionCookie")) ?? null))
    .get("/cookie", (c) => c.json(c.get("sessionCookie")))
    .get("/read", (c) => c.json(c.var.session))
    .get("/app/read", (c) => c.json(c.var.session))
    .get("/app/echo", (c) => c.text(c.req.header("cookie") ?? ""))
    .get("/echo", (c) => c.text(c.req.header("cookie") ?? ""));
  const client = new Client(app);
  /** Does something with the cookie of the client's session, at the end of a request. */
  const edit = async (use: Use, path = "/edit") => {
    uses.cookie = use;
    return await client.fetch(path);
  };
  return { app, client, clock, edit };
}

/** The cookies that a response sets, expired ones apart. */
function setBy(response: Response): { kept: Cookie[]; expired: Cookie[] } {
  const cookies = response.headers.getSetCookie().map((line) => Cookie.parse(line)!);
  return {
    kept: cookies.filter(({ maxAge }) => maxAge !== 0),
    expired: cookies.filter(({ maxAge }) => maxAge === 0),
  };
}

/** The attributes in which a line of Set-Cookie ends, but for Max-Age. */
function attributesOf(response: Response, index = 0): string {
  const [, ...attributes] = response.headers.getSetCookie()[index]!.split("; ");
  return attributes.filter((each) => !each.startsWith("Max-Age=")).join("; ");
}

Deno.test("sessionCookie shows the attributes of the cookie", async () => {
  const { client } = setup({ cookieOptions: { sameSite: "Strict", priority: "High" } });
  const expected = {
    httpOnly: true,
    path: "/",
    priority: "High",
    sameSite: "Strict",
    secure: true,
    maxAge: 86400,
  };
  assertEquals(await client.json("/cookie"), expected);
  await client.text("/login");
  assertEquals(await client.json("/cookie"), expected);
});

Deno.test("sessionCookie: what is changed is sent, and there in the next request", async () => {
  const changes: [SessionCookie, string][] = [
    [{ domain: "app.test" }, "Domain=app.test; Path=/; HttpOnly; Secure; SameSite=Lax"],
    [{ httpOnly: false }, "Path=/; Secure; SameSite=Lax"],
    [{ partitioned: true }, "Path=/; HttpOnly; Secure; SameSite=Lax; Partitioned"],
    [{ path: "/app" }, "Path=/app; HttpOnly; Secure; SameSite=Lax"],
    [{ priority: "low" }, "Path=/; HttpOnly; Secure; SameSite=Lax; Priority=Low"],
    [{ sameSite: "none" }, "Path=/; HttpOnly; Secure; SameSite=None"],
    [{ secure: false }, "Path=/; HttpOnly; SameSite=Lax"],
  ];
  for (const [change, line] of changes) {
    for (const login of [false, true]) {
      const { app, client } = setup();
      app.get("/change", (c) => {
        Object.assign(c.get("sessionCookie"), change);
        assertEquals({ ...c.get("sessionCookie"), ...change }, { ...c.get("sessionCookie") });
        c.var.session.a = 1;
        return c.text("changed");
      });
      if (login) await client.text("/login");
      const response = await client.fetch("/change");
      const lines = response.headers.getSetCookie();
      assertEquals(attributesOf(response, lines.length - 1), line);
      const cookie = lines.at(-1)!.split(";")[0]!;
      const next = await app.request("https://app.test/cookie", { headers: { cookie } });
      const { maxAge: _, ...shown } = await next.json();
      assertEquals(shown, {
        ...{ httpOnly: true, path: "/", sameSite: "Lax", secure: true },
        ...change,
      });
    }
  }
});

for (const [name, make] of Object.entries(STORES)) {
  Deno.test(`sessionCookie: changes stick to a session of ${name} over everything that comes later`, async () => {
    const clock = new FakeClock();
    const { client, edit } = setup({
      store: make(clock.now),
      clock: clock.now,
      rolling: { after: 100 },
    });
    await client.text("/login");
    const changed = await edit((cookie) => {
      cookie.sameSite = "Strict";
      cookie.priority = "High";
      cookie.httpOnly = false;
    });
    const line = "Path=/; Secure; SameSite=Strict; Priority=High";
    assertEquals(attributesOf(changed), line);
    for (
      const path of ["/set", "/save", "/update", "/regenerate", "/renew", "/read", "/edit", "/set"]
    ) {
      clock.advance(200);
      const response = await client.fetch(path);
      assertEquals(response.headers.getSetCookie().length, 1, `${path} renews at least`);
      assertEquals(attributesOf(response), line, path);
      assertEquals(setBy(response).kept[0]!.maxAge, 86400, path);
    }
    const { name } = await client.json("/read") as Data;
    assertEquals(name, "Ada");
    const logout = await client.fetch("/logout");
    assertEquals(setBy(logout).expired.length, 1);
    assertEquals(attributesOf(logout), line);
    assertEquals(await client.cookie(), "");
  });

  Deno.test(`sessionCookie: a session of ${name} keeps its cookie in another path or domain`, async () => {
    for (const change of [{ path: "/app" }, { domain: "app.test" }]) {
      const { client, edit } = setup({ store: make(() => Date.now()) });
      const path = "path" in change ? "/app" : "";
      await client.text("/login");
      const before = await client.text("/echo");
      const response = await edit((cookie) => Object.assign(cookie, change) && undefined);
      assertEquals([setBy(response).kept.length, setBy(response).expired.length], [1, 1]);
      assertEquals((await client.text(`${path}/echo`)).split("; ").length, 1);
      if (path) {
        assertEquals(await client.text("/echo"), "", "the cookie has moved");
        assertEquals(await client.json("/read"), {});
      }
      assertEquals(await client.json(`${path}/read`), { name: "Ada" });
      assertMatch(before, /^sid=/);
    }
  });
}

Deno.test("sessionCookie: in another path or domain the cookie is renewed, regenerated, and deleted by a logout", async () => {
  for (const change of [{ path: "/app" }, { domain: "app.test" }]) {
    const { app, client, edit } = setup();
    const prefix = "path" in change ? "/app" : "";
    app.get("/app/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    }).get("/app/logout", (c) => {
      c.set("session", null as never);
      return c.text("bye");
    });
    await client.text("/login");
    await edit((cookie) => Object.assign(cookie, change) && undefined);
    const before = await client.text(`${prefix}/echo`);
    const response = await client.fetch(`${prefix}/regenerate`);
    assertEquals([setBy(response).kept.length, setBy(response).expired.length], [1, 0]);
    const after = await client.text(`${prefix}/echo`);
    assertNotEquals(after, before);
    assertEquals(after.split("; ").length, 1);
    await client.text(`${prefix}/logout`);
    assertEquals(await client.text(`${prefix}/echo`), "");
    // A new session has the cookie that is configured.
    await client.text("/login");
    assertMatch(await client.text("/echo"), /^sid=[\w-]{43}$/);
  }
});

Deno.test("sessionCookie: there and back again leaves one cookie", async () => {
  for (const change of [{ path: "/app" }, { domain: "app.test" }] as SessionCookie[]) {
    const { app, client, edit } = setup();
    app.get("/app/back", (c) => {
      c.set("sessionCookie", {});
      return c.text("back");
    });
    await client.text("/login");
    await edit((cookie) => Object.assign(cookie, change) && undefined);
    const response = await client.fetch("/app/back");
    assertEquals([setBy(response).kept.length, setBy(response).expired.length], [1, 1]);
    assertMatch(await client.text("/app/echo"), /^sid=[\w-]{43}$/);
    assertEquals(await client.json("/read"), { name: "Ada" });
  }
});

Deno.test("sessionCookie: startSession() leaves one cookie, the configured one", async () => {
  for (const change of [{ path: "/app" }, { domain: "app.test" }] as SessionCookie[]) {
    const { app, client, edit } = setup();
    app.get("/app/login", async (c) => {
      await startSession<Data>(c, { name: "Bob" });
      return c.json(c.get("sessionCookie"));
    });
    await client.text("/login");
    await edit((cookie) => Object.assign(cookie, change) && undefined);
    const shown = await client.json("/app/login");
    assertEquals((shown as SessionCookie).path, "/");
    assertEquals((shown as SessionCookie).domain, undefined);
    assertMatch(await client.text("/app/echo"), /^sid=[\w-]{43}$/);
    assertEquals(await client.json("/app/read"), { name: "Bob" });
    assertEquals(await client.json("/read"), { name: "Bob" });
  }
});

Deno.test("sessionCookie: a partitioned cookie takes the place of one that is not, and the other way round", async () => {
  const { client, edit } = setup();
  await client.text("/login");
  const there = await edit((cookie) => void (cookie.partitioned = true));
  assertEquals(there.headers.getSetCookie().map((line) => /Max-Age=0;/.test(line)), [true, false]);
  assertEquals(
    there.headers.getSetCookie().map((line) => line.endsWith("; Partitioned")),
    [false, true],
  );
  const back = await edit((cookie) => void delete cookie.partitioned);
  assertEquals(
    back.headers.getSetCookie().map((line) => line.endsWith("; Partitioned")),
    [true, false],
  );
});

Deno.test("sessionCookie: a changed scope moves all chunks of a cookie", async () => {
  const clock = new FakeClock();
  const { app, client, edit } = setup({
    store: new EncryptedCookieStore({ secret: SECRET, chunks: 3, clock: clock.now }),
    clock: clock.now,
  });
  app.get("/fill", (c) => {
    const random = crypto.getRandomValues(new Uint8Array(3500));
    c.var.session.name = Array.from(random, (byte) => byte.toString(16)).join("");
    return c.text("filled");
  }).get("/app/shrink", (c) => {
    c.var.session.name = "Ada";
    return c.text("small");
  });
  await client.text("/fill");
  assertEquals((await client.text("/echo")).split("; ").length, 3);
  await edit((cookie) => void (cookie.path = "/app"));
  assertEquals(await client.text("/echo"), "");
  assertEquals((await client.text("/app/echo")).split("; ").length, 3);
  const response = await client.fetch("/app/shrink");
  assertEquals(setBy(response).expired.map(({ key, path }) => [key, path]), [
    ["sid.1", "/app"],
    ["sid.2", "/app"],
  ]);
  assertMatch(await client.text("/app/echo"), /^sid=[^;]+$/);
  assertEquals(await client.json("/app/read"), { name: "Ada" });
});

Deno.test("sessionCookie: a dead cookie that is left in the scope of an ended session does not keep its user out", async () => {
  for (const change of [{ path: "/app" }, { domain: "app.test" }] as SessionCookie[]) {
    const store = new Map();
    const { client, edit } = setup({ store });
    await client.text("/login");
    await edit((cookie) => Object.assign(cookie, change) && undefined);
    // Ended elsewhere, as "log out everywhere" does.
    store.clear();
    await client.text("/login");
    assertEquals(await client.json("/app/read"), { name: "Ada" }, JSON.stringify(change));
  }
});

Deno.test("sessionCookie: of two cookies of the name, as browsers keep in two domains, the one that is alive counts", async () => {
  const { app, client, edit } = setup();
  await client.text("/login");
  const dead = await client.cookie();
  // A browser, other than tough-cookie, keeps the one of the host where the answer got lost that moved it to the domain.
  await edit((cookie) => void (cookie.domain = "app.test"));
  await client.text("/regenerate");
  const live = await client.cookie();
  assertNotEquals(live, dead);
  for (const cookie of [`${live}; ${dead}`, `${dead}; ${live}`]) {
    const response = await app.request("https://app.test/read", { headers: { cookie } });
    assertEquals(
      await response.json(),
      { name: "Ada" },
      cookie === `${live}; ${dead}` ? "first" : "last",
    );
  }
});

Deno.test("sessionCookie: c.set() replaces all changes, and says nothing of the rest", async () => {
  const { app, client } = setup();
  const set = (path: string, cookie: SessionCookie) =>
    app.get(path, (c) => {
      c.set("sessionCookie", cookie);
      return c.json(c.get("sessionCookie"));
    });
  set("/one", { sameSite: "Strict", priority: "High" });
  set("/two", { httpOnly: false });
  set("/none", {});
  const shown = { httpOnly: true, path: "/", sameSite: "Lax", secure: true, maxAge: 86400 };
  await client.text("/login");
  assertEquals(await client.json("/one"), { ...shown, sameSite: "Strict", priority: "High" });
  assertEquals(await client.json("/cookie"), { ...shown, sameSite: "Strict", priority: "High" });
  assertEquals(await client.json("/two"), { ...shown, httpOnly: false });
  assertEquals(await client.json("/cookie"), { ...shown, httpOnly: false });
  const response = await client.fetch("/none");
  assertEquals(attributesOf(response), "Path=/; HttpOnly; Secure; SameSite=Lax");
  assertEquals(await client.json("/cookie"), shown);
});

Deno.test("sessionCookie: what is taken back is configured again, and not in the store", async () => {
  const store = new Map<string, SessionRecord>();
  const { client, edit } = setup({
    store: store as Map<string, unknown>,
    cookieOptions: { priority: "Low" },
  });
  await client.text("/login");
  const record = () => [...store.values()][0]!;
  await edit((cookie) => void Object.assign(cookie, { priority: "High", domain: "app.test" }));
  assertEquals(JSON.parse(record().cookie!), { domain: "app.test", priority: "High" });
  const shown = await edit((cookie) => {
    delete cookie.priority;
    delete cookie.domain;
    return { ...cookie };
  });
  const { priority, domain } = await shown.json();
  assertEquals([priority, domain], ["Low", undefined]);
  assertEquals("cookie" in record(), false);
  await edit((cookie) => void Object.assign(cookie, { priority: "High" }));
  await edit((cookie) => void Object.assign(cookie, { priority: undefined }));
  assertEquals("cookie" in record(), false);
});

Deno.test("sessionCookie: only a real change is a write and sends the cookie", async () => {
  const watch = new FaultyStore(new MapStore());
  const { client, edit } = setup({ store: watch });
  await client.text("/login");
  watch.calls();
  const same: Use[] = [
    () => {},
    (cookie) => ({ ...cookie }),
    (cookie) => void (cookie.sameSite = "Lax"),
    (cookie) => {
      cookie.sameSite = "Strict";
      cookie.sameSite = "Lax";
    },
    (cookie) => void delete cookie.domain,
  ];
  for (const use of same) {
    const response = await edit(use);
    assertEquals(response.status, 200);
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals(watch.calls(), ["read"], String(use));
  }
  const response = await edit((cookie) => void (cookie.sameSite = "Strict"));
  assertEquals(response.headers.getSetCookie().length, 1);
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertEquals(watch.calls(), ["read", "update"]);
  await edit((cookie) => void (cookie.sameSite = "Strict"));
  assertEquals(watch.calls(), ["read"]);
  await client.text("/set");
  assertEquals(watch.calls(), ["read", "update"]);
});

Deno.test("sessionCookie of a visitor alone is no reason to store a session", async () => {
  const watch = new FaultyStore(new MapStore());
  const { client, edit } = setup({ store: watch });
  const response = await edit((cookie) => {
    cookie.sameSite = "Strict";
    cookie.maxAge = 60;
  });
  assertEquals(response.headers.getSetCookie(), []);
  assertEquals(watch.calls(), []);
  assertEquals(await client.cookie(), "");
});

Deno.test("sessionCookie of a visitor is that of the session that is stored later in the request", async () => {
  for (const [saved, path] of [[false, "/direct"], [true, "/saved"]] as const) {
    const { app } = setup();
    app.get(path, async (c) => {
      c.get("sessionCookie").sameSite = "Strict";
      if (saved) await c.var.session.save();
      else c.get("sessionCookie").maxAge = 60;
      c.var.session.a = 1;
      return c.text("stored");
    });
    const response = await app.request(path);
    assertEquals(attributesOf(response), "Path=/; HttpOnly; Secure; SameSite=Strict");
    assertEquals(setBy(response).kept[0]!.maxAge, saved ? 86400 : 60);
  }
});

Deno.test("sessionCookie with a maxAge is not forgotten by a save() that has nothing to store", async () => {
  const { app } = setup();
  app.get("/lasting", async (c) => {
    c.get("sessionCookie").sameSite = "Strict";
    c.get("sessionCookie").maxAge = 60;
    await c.var.session.save();
    c.var.session.a = 1;
    return c.text("stored");
  });
  const response = await app.request("/lasting");
  assertEquals(attributesOf(response), "Path=/; HttpOnly; Secure; SameSite=Strict");
  assertEquals(setBy(response).kept[0]!.maxAge, 60);
});

Deno.test("sessionCookie.maxAge renews the session and sticks", async () => {
  const { client, clock, edit } = setup();
  await client.text("/login");
  const response = await edit((cookie) => {
    cookie.maxAge = 60;
    return cookie.maxAge;
  });
  assertEquals(await response.json(), 60);
  assertEquals(setBy(response).kept[0]!.maxAge, 60);
  clock.advance(50);
  assertEquals(setBy(await client.fetch("/renew")).kept[0]!.maxAge, 60);
  clock.advance(59);
  assertEquals(await client.json("/read"), { name: "Ada" });
  clock.advance(1);
  assertEquals(await client.json("/read"), {});
});

Deno.test("sessionCookie.maxAge that is taken away makes a cookie that ends with the browser", async () => {
  const uses: Use[] = [
    (cookie) => void (cookie.maxAge = undefined),
    (cookie) => void delete cookie.maxAge,
  ];
  for (const use of uses) {
    const { client, edit } = setup();
    await client.text("/login");
    const response = await edit(use);
    assertEquals(setBy(response).kept[0]!.maxAge, null);
    assertEquals((await client.json("/cookie") as SessionCookie).maxAge, undefined);
    const lasting = await edit((cookie) => void (cookie.maxAge = 60));
    assertEquals(setBy(lasting).kept[0]!.maxAge, 60);
  }
});

Deno.test("sessionCookie that is copied and set again keeps the lifetime of its session", async () => {
  const { app, client, clock } = setup();
  app.get("/copy", (c) => {
    const copy = { ...c.get("sessionCookie") };
    // The application looks something up.
    clock.advance(2);
    c.set("sessionCookie", { ...copy, sameSite: "Strict" });
    return c.text(c.var.session.expiresAt.toISOString());
  });
  await client.text("/login");
  clock.advance(86400 - 100);
  const expiresAt = new Date(clock.now() + 100_000).toISOString();
  assertEquals(await client.text("/copy"), expiresAt);
  const renewed = await client.fetch("/renew");
  assertEquals(setBy(renewed).kept[0]!.maxAge, 86400, "its life is not cut to what was left of it");
});

Deno.test("sessionCookie to which a copy of itself is assigned is no change", async () => {
  const watch = new FaultyStore(new MapStore());
  const { client, edit } = setup({ store: watch });
  await client.text("/login");
  watch.calls();
  const response = await edit((cookie) => void Object.assign(cookie, { ...cookie }));
  assertEquals(response.headers.getSetCookie(), []);
  assertEquals(watch.calls(), ["read"]);
});

Deno.test("sessionCookie: what is not valid throws at the assignment, names it, and changes nothing", async () => {
  const refused: [string, unknown][] = [
    ["sameSite", "none of it"],
    ["sameSite", "Lax; Domain=evil.example"],
    ["sameSite", true],
    ["sameSite", null],
    ["secure", "yes"],
    ["httpOnly", 1],
    ["partitioned", "x"],
    ["priority", "urgent"],
    ["priority", ""],
    ["domain", 5],
    ["domain", "app.test; HttpOnly"],
    ["domain", "app.test\r\nSet-Cookie: a=b"],
    ["path", ["/"]],
    ["path", "/; Secure"],
    ["path", "/\n"],
    ["path", null],
    ["expires", new Date()],
    ["prefix", "host"],
    ["name", "other"],
    ["toString", () => "x"],
    ["maxAge", 0],
    ["maxAge", -1],
    ["maxAge", NaN],
    ["maxAge", Infinity],
    ["maxAge", "60"],
    ["maxAge", new Date()],
  ];
  const watch = new FaultyStore(new MapStore());
  const { app, client } = setup({ store: watch });
  let attempt: { name: string; value: unknown } = { name: "", value: undefined };
  app.get("/assign", (c) => {
    const { name, value } = attempt;
    const before = JSON.stringify(c.get("sessionCookie"));
    const ways = [
      () => Reflect.set(c.get("sessionCookie"), name, value),
      () => c.set("sessionCookie", { [name]: value } as SessionCookie),
      () => c.set("sessionCookie", { sameSite: "Strict", [name]: value } as SessionCookie),
    ];
    for (const way of ways) {
      const error = assertThrows(way);
      assert(error instanceof TypeError || error instanceof RangeError, `${name}: ${error}`);
      assertMatch(error.message, /^Cannot (change session cookie|renew session): /);
      assert(error.message.includes(name) || name === "path" || name === "domain", error.message);
    }
    assertEquals(JSON.stringify(c.get("sessionCookie")), before, `${name}: ${String(value)}`);
    return c.text("refused");
  });
  await client.text("/login");
  watch.calls();
  for (const [name, value] of refused) {
    attempt = { name, value };
    const response = await client.fetch("/assign");
    const label = `${name}: ${String(value)}`;
    assertEquals([response.status, await response.text()], [200, "refused"], label);
    assertEquals(watch.calls(), ["read"], label);
    assertEquals(response.headers.getSetCookie(), [], label);
  }
});

Deno.test("sessionCookie: attributes that contradict each other throw at the assignment", async () => {
  const { edit } = setup();
  const response = await edit((cookie) => {
    cookie.sameSite = "None";
    assertThrows(() => cookie.secure = false, TypeError, "sameSite");
    delete cookie.sameSite;
    cookie.secure = false;
    assertThrows(() => cookie.sameSite = "None", TypeError, "sameSite");
    assertThrows(() => cookie.partitioned = true, TypeError, "Partitioned");
    return [cookie.sameSite, cookie.secure, cookie.partitioned ?? null];
  });
  assertEquals(await response.json(), ["Lax", false, null]);
});

Deno.test("sessionCookie of a __Host- cookie keeps to its prefix", async () => {
  for (const options of [{ cookieOptions: { prefix: "host" } }, { cookieName: "__Host-sid" }]) {
    const { client, edit } = setup(options as SessionOptions<Data>);
    await client.text("/login");
    const response = await edit((cookie) => {
      assertThrows(() => cookie.domain = "app.test", TypeError, "__Host-");
      assertThrows(() => cookie.path = "/app", TypeError, "__Host-");
      assertThrows(() => cookie.secure = false, TypeError, "__Host-");
      cookie.sameSite = "Strict";
    });
    assertEquals(response.status, 200);
    assertMatch(response.headers.getSetCookie()[0]!, /^__Host-sid=[^;]+;.*SameSite=Strict$/);
    assertEquals(await client.json("/read"), { name: "Ada" });
  }
});

Deno.test("sessionCookie.maxAge is not there where cookies end with the browser, until it is set", async () => {
  const app = new Hono().use(session<{ a?: number }>({ store: new MapStore(), persistent: false }))
    .get("/set", (c) => {
      c.var.session.a = 1;
      return c.json([c.get("sessionCookie").maxAge ?? null, "maxAge" in c.get("sessionCookie")]);
    })
    .get("/remember", (c) => {
      c.get("sessionCookie").maxAge = 600;
      return c.json(c.get("sessionCookie").maxAge);
    })
    .get("/site", (c) => {
      c.get("sessionCookie").sameSite = "Strict";
      return c.json(c.get("sessionCookie").maxAge ?? null);
    });
  const client = new Client(app);
  const set = await client.fetch("/set");
  assertEquals(await set.json(), [null, false]);
  assert(!set.headers.getSetCookie()[0]!.includes("Max-Age"));
  const strict = await client.fetch("/site");
  assertEquals(await strict.json(), null);
  assertMatch(
    strict.headers.getSetCookie()[0]!,
    /^[^;]+; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  );
  const remembered = await client.fetch("/remember");
  assertEquals(await remembered.json(), 600);
  assertMatch(remembered.headers.getSetCookie()[0]!, /Max-Age=600;.*SameSite=Strict/);
});

Deno.test("sessionCookie takes no path that browsers would ignore, and none that can't be sent", async () => {
  for (
    const path of [
      "",
      "app",
      " /app",
      "/\u65e5\u672c",
      "/\0",
      "/a\tb",
      "/a\x7fb",
      `/${"a".repeat(1024)}`,
    ]
  ) {
    const { client, edit } = setup();
    await client.text("/login");
    const response = await edit((cookie) => {
      assertThrows(() => cookie.path = path, TypeError, "path");
    });
    assertEquals(response.status, 200, JSON.stringify(path));
    assertEquals(await client.json("/read"), { name: "Ada" });
  }
});

Deno.test("sessionCookie takes no domain that browsers would refuse, and none that can't be sent", async () => {
  const domains = ["", ".", "https://app.test", "app.test:443", "app.test/", "a b", "app.test,x"];
  for (const domain of [...domains, "\u65e5\u672c.test", "app\0test", "app..test"]) {
    const { client, edit } = setup();
    await client.text("/login");
    const response = await edit((cookie) => {
      assertThrows(() => cookie.domain = domain, TypeError, "domain");
    });
    assertEquals(response.status, 200, JSON.stringify(domain));
    assertEquals(await client.json("/read"), { name: "Ada" });
  }
});

Deno.test("cookieOptions takes no path and no domain that browsers would ignore or refuse", () => {
  for (const path of ["", "app", "/\u65e5\u672c", "/\0"]) {
    assertThrows(
      () => session({ store: new MapStore(), cookieOptions: { path } }),
      TypeError,
      "cookieOptions",
    );
  }
  for (const domain of ["https://app.test", "app.test:443", "a b", "\u65e5\u672c.test"]) {
    assertThrows(
      () => session({ store: new MapStore(), cookieOptions: { domain } }),
      TypeError,
      "cookieOptions",
    );
  }
});

Deno.test("sessionCookie is replaced by an object and by nothing else", async () => {
  const { app, client, edit } = setup();
  app.get("/assign", (c) => {
    for (
      const value of [null, undefined, 5, true, "Lax", [], [1], () => {}, new Date(), new Map()]
    ) {
      const label = Deno.inspect(value);
      const error = assertThrows(
        () => c.set("sessionCookie", value as never),
        TypeError,
        "session cookie",
      );
      assertMatch(error.message, /^Cannot change session cookie: /, label);
    }
    assertEquals(c.get("sessionCookie").sameSite, "Strict");
    return c.text("refused");
  });
  await client.text("/login");
  await edit((cookie) => void (cookie.sameSite = "Strict"));
  const response = await client.fetch("/assign");
  assertEquals([response.status, await response.text()], [200, "refused"]);
});

Deno.test("sessionCookie: an object that was taken before keeps what was changed over another one", async () => {
  const { app, client } = setup();
  app.get("/two", async (c) => {
    const first = c.get("sessionCookie");
    await c.var.session.regenerate();
    c.set("sessionCookie", { sameSite: "Strict" });
    first.priority = "High";
    const { sameSite, priority } = c.get("sessionCookie");
    return c.json([sameSite, priority, first.sameSite, first.priority]);
  }).get("/regenerated", async (c) => {
    const first = c.get("sessionCookie");
    await c.var.session.regenerate();
    const second = c.get("sessionCookie");
    first.priority = "High";
    second.sameSite = "Strict";
    const { sameSite, priority } = c.get("sessionCookie");
    return c.json([sameSite, priority]);
  });
  await client.text("/login");
  assertEquals(await client.json("/regenerated"), ["Strict", "High"]);
  assertEquals(await client.json("/two"), ["Strict", "High", "Strict", "High"]);
});

Deno.test("sessionCookie: changes of a request that failed are dropped, and kept with commitOnError", async () => {
  for (const commitOnError of [false, true]) {
    for (const status of [200, 404, 500]) {
      const { app, client } = setup({ commitOnError });
      app.get("/fail", (c) => {
        c.get("sessionCookie").sameSite = "Strict";
        c.get("sessionCookie").maxAge = 60;
        return c.text("failed", status as 200);
      });
      await client.text("/login");
      const kept = commitOnError || status < 500;
      const response = await client.fetch("/fail");
      assertEquals(response.headers.getSetCookie().length, kept ? 1 : 0);
      const { sameSite, maxAge } = await client.json("/cookie") as SessionCookie;
      assertEquals([sameSite, maxAge], kept ? ["Strict", 60] : ["Lax", 86400]);
    }
  }
});

Deno.test("sessionCookie: what a request that failed changed does not come with its new token", async () => {
  const { app, client } = setup();
  app.get("/fail", async (c) => {
    await c.var.session.regenerate();
    c.get("sessionCookie").path = "/app";
    return c.text("failed", 500);
  });
  await client.text("/login");
  const response = await client.fetch("/fail");
  assertEquals(response.headers.getSetCookie().length, 1);
  assertEquals(attributesOf(response), "Path=/; HttpOnly; Secure; SameSite=Lax");
  assertEquals(await client.json("/read"), { name: "Ada" });
});

Deno.test("sessionCookie: a change with regenerate() and data is one cookie", async () => {
  const { app, client } = setup();
  app.get("/all", async (c) => {
    c.get("sessionCookie").sameSite = "None";
    await c.var.session.regenerate();
    c.get("sessionCookie").partitioned = true;
    c.var.session.a = 1;
    await c.var.session.save();
    c.get("sessionCookie").priority = "High";
    return c.text("all");
  });
  const line = "Path=/; HttpOnly; Secure; SameSite=None; Priority=High; Partitioned";
  const fresh = await app.request("/all");
  assertEquals(fresh.headers.getSetCookie().length, 1);
  assertEquals(attributesOf(fresh), line);
  await client.text("/login");
  const response = await client.fetch("/all");
  assertEquals(setBy(response).kept.length, 1);
  assertEquals(attributesOf(response, response.headers.getSetCookie().length - 1), line);
});

Deno.test("sessionCookie is the configured one when the session has ended, and can't be changed", async () => {
  const { app, client } = setup();
  app.get("/end", (c) => {
    const cookie = c.get("sessionCookie");
    cookie.priority = "High";
    c.set("session", null as never);
    assert(c.get("sessionCookie") === cookie);
    assertEquals({ ...cookie }, { httpOnly: true, secure: true, sameSite: "Lax", path: "/" });
    assertThrows(() => cookie.sameSite = "Strict", SessionEndedError);
    assertThrows(() => cookie.maxAge = 60, SessionEndedError);
    assertThrows(() => c.set("sessionCookie", {}), SessionEndedError);
    return c.text("ended");
  });
  await client.text("/login");
  assertEquals(await client.text("/end"), "ended");
  assertEquals(await client.cookie(), "");
});

Deno.test("sessionCookie throws when the response has left", async () => {
  const { app, client } = setup();
  const { promise, resolve } = Promise.withResolvers<void>();
  let late = Promise.resolve();
  app.get("/late", (c) => {
    const cookie = c.get("sessionCookie");
    late = promise.then(() => {
      assertThrows(() => cookie.sameSite = "Strict", SessionCommittedError);
      assertThrows(() => cookie.maxAge = 60, SessionCommittedError);
      assertThrows(() => c.set("sessionCookie", { priority: "High" }), SessionCommittedError);
    });
    return c.text("left");
  });
  await client.text("/login");
  await client.text("/late");
  resolve();
  await late;
  assertEquals((await client.json("/cookie") as SessionCookie).sameSite, "Lax");
});

Deno.test("sessionCookie of a lazy session waits for getSession()", async () => {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), lazy: true }))
    .get("/", async (c) => {
      for (
        const use of [
          () => c.get("sessionCookie").sameSite,
          () => c.get("sessionCookie").sameSite = "Strict",
          () => c.set("sessionCookie", { sameSite: "Strict" }),
        ]
      ) assertThrows(use, TypeError, "await getSession(c) first");
      const session = await getSession<Data>(c);
      c.get("sessionCookie").sameSite = "Strict";
      session.a = 1;
      return c.text("changed");
    });
  const response = await app.request("/");
  assertEquals(attributesOf(response), "Path=/; HttpOnly; Secure; SameSite=Strict");
});

Deno.test("sessionCookie is the configured one while the store fails, and can't be changed", async () => {
  const watch = new FaultyStore(new MapStore());
  const { app, client } = setup({ store: watch, onStoreError: "anonymous", logger: QUIET });
  app.get("/outage", (c) => {
    const cookie = c.get("sessionCookie");
    for (
      const change of [
        () => cookie.sameSite = "Strict",
        () => cookie.maxAge = 60,
        () => c.set("sessionCookie", { sameSite: "Strict" }),
      ]
    ) assertThrows(change, SessionStoreError, "the store is unavailable");
    return c.text(String(cookie.sameSite));
  });
  await client.text("/login");
  watch.inject("read", "fail");
  assertEquals(await client.text("/outage"), "Lax");
});

Deno.test("sessionCookie: nonsense in a store is the configured cookie", async () => {
  const store = new Map<string, SessionRecord>();
  const { client } = setup({ store: store as Map<string, unknown> });
  const texts = [
    "",
    "null",
    "[]",
    "{",
    '"x"',
    '{"sameSite":"nonsense"}',
    '{"__proto__":{"path":"/evil"}}',
    '{"path":"/; Domain=evil.example"}',
    '{"domain":5}',
    '{"prefix":"host"}',
    '{"maxAge":1}',
    '{"secure":false,"sameSite":"None"}',
  ];
  for (const text of texts) {
    store.clear();
    await client.text("/login");
    const [[key, record]] = [...store] as [[string, SessionRecord]];
    store.set(key, { ...record, cookie: text });
    assertEquals(await client.json("/read"), { name: "Ada" }, text);
    const response = await client.fetch("/regenerate");
    const lines = response.headers.getSetCookie();
    assertEquals(
      attributesOf(response, lines.length - 1),
      "Path=/; HttpOnly; Secure; SameSite=Lax",
    );
  }
});

Deno.test("sessionCookie: a session follows the configuration where it changed nothing", async () => {
  const store = new Map();
  const before = setup({ store });
  await before.client.text("/login");
  await before.edit((cookie) => void (cookie.priority = "High"));
  const cookie = await before.client.cookie();
  const after = setup({ store, cookieOptions: { sameSite: "Strict", httpOnly: false } });
  const response = await after.client.fetch("/renew", { headers: { cookie } });
  assertEquals(attributesOf(response), "Path=/; Secure; SameSite=Strict; Priority=High");
});

Deno.test("sessionCookie: parallel requests keep the data, and the cookie of the last", async () => {
  const { app, client } = setup();
  const gates: (() => void)[] = [];
  app.get("/slow/:value", async (c) => {
    const value = c.req.param("value");
    if (value === "Strict") c.get("sessionCookie").sameSite = "Strict";
    c.set("session", { ...c.var.session, [value]: 1 } as never);
    await new Promise<void>((resolve) => gates.push(resolve));
    return c.text("done");
  });
  await client.text("/login");
  const requests = ["Strict", "other"].map((value) => client.fetch(`/slow/${value}`));
  while (gates.length < 2) await new Promise((resolve) => setTimeout(resolve));
  for (const open of gates) open();
  await Promise.all(requests);
  assertEquals(await client.json("/read"), { name: "Ada", Strict: 1, other: 1 });
  assertEquals((await client.json("/cookie") as SessionCookie).sameSite, "Strict");
});

Deno.test("sessionCookie: rotation keeps what was changed", async () => {
  const { client, clock, edit } = setup({ rotate: { every: 60 } });
  await client.text("/login");
  await edit((cookie) => void Object.assign(cookie, { path: "/app", priority: "High" }));
  const before = await client.text("/app/echo");
  clock.advance(60);
  const response = await client.fetch("/app/read");
  assertEquals(attributesOf(response), "Path=/app; HttpOnly; Secure; SameSite=Lax; Priority=High");
  const after = await client.text("/app/echo");
  assertNotEquals(after, before);
  assertMatch(after, /^sid=[\w-]{43}$/);
  assertEquals(await client.json("/app/read"), { name: "Ada" });
});

Deno.test("sessionCookie of several sessions are each their own", async () => {
  const store = new MapStore();
  const app = new Hono()
    .use(session<Data>({ store }))
    .use(session<Data, "admin">({ store, contextKey: "admin", cookieName: "adm" }))
    .get("/", (c) => {
      c.get("adminCookie").sameSite = "Strict";
      c.var.session.a = 1;
      c.var.admin.a = 2;
      return c.json([c.get("sessionCookie").sameSite, c.get("adminCookie").sameSite]);
    });
  const response = await app.request("/");
  assertEquals(await response.json(), ["Lax", "Strict"]);
  const lines = response.headers.getSetCookie().map((line) => line.replace(/=[^;]+; .*; /, " "));
  assertEquals(lines.sort(), ["adm SameSite=Strict", "sid SameSite=Lax"]);
});

Deno.test("sessionCookie is a variable like any other where there is no cookie", async () => {
  const app = new Hono<{ Variables: { sessionCookie: string } }>()
    .use(
      session({
        store: new MapStore(),
        cookieName: false,
        token: { secret: SECRET, maxAge: 60 },
      }) as never,
    )
    .get("/", (c) => {
      c.set("sessionCookie", "mine");
      return c.text(c.get("sessionCookie"));
    });
  assertEquals(await (await app.request("/")).text(), "mine");
});

Deno.test("sessionCookie: a change is not lost when the store fails and the client tries again", async () => {
  const watch = new FaultyStore(new MapStore());
  const { app, client } = setup({ store: watch, logger: QUIET });
  app.get("/retry", async (c) => {
    c.get("sessionCookie").sameSite = "Strict";
    await assertRejects(() => c.var.session.save());
    return c.text("tried");
  });
  await client.text("/login");
  watch.inject("update", "fail", 1);
  const response = await client.fetch("/retry");
  assertEquals(attributesOf(response), "Path=/; HttpOnly; Secure; SameSite=Strict");
});
