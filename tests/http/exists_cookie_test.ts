import { requireSession, session, type SessionOptions, startSession } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Hono } from "hono";
import type { HTTPException } from "hono/http-exception";
import { setCookie } from "hono/cookie";
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
  ...Object.fromEntries(
    Object.entries(COOKIE_STORES).map(([name, make]) => [
      name,
      (clock: () => number) => make({ clock }),
    ]),
  ),
};

function setup(options: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const app = new Hono()
    .use(session<Data>({
      store: new MapStore({ clock: clock.now }),
      clock: clock.now,
      existsCookieName: "sx",
      ...options,
    }))
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
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    })
    .get("/again", (c) => {
      c.set("session", null as never);
      c.set("session", { name: "Bob" } as never);
      return c.text("again");
    })
    .get("/renew/:maxAge", (c) => {
      const maxAge = c.req.param("maxAge");
      c.var.session.renew(maxAge === "browser" ? maxAge : Number(maxAge));
      return c.text("renewed");
    })
    .get("/edit", (c) => {
      c.get("sessionCookie").priority = "High";
      return c.text("edited");
    })
    .get("/move", (c) => {
      c.get("sessionCookie").path = "/app";
      return c.text("moved");
    })
    .get("/fail", async (c) => {
      c.var.session.a = 1;
      await c.var.session.regenerate();
      throw new Error("failed");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/app/logout", (c) => {
      c.set("session", null as never);
      return c.text("bye");
    });
  app.onError((_, c) => c.text("failed", 500));
  return { app, client: new Client(app), clock };
}

function setBy(response: Response): Cookie[] {
  return response.headers.getSetCookie().map((line) => Cookie.parse(line)!);
}

/** What a response says of the session's cookie and of the one that tells of it, as their last word. */
function wordOn(response: Response, [name, exists]: [string, string] = ["sid", "sx"]) {
  const said = (key: string) => {
    const lines = setBy(response).filter((cookie) => cookie.key === key);
    const last = lines.at(-1);
    return last && { maxAge: last.maxAge, deletes: last.maxAge === 0 };
  };
  return { session: said(name), exists: said(exists) };
}

for (const [name, make] of Object.entries(STORES)) {
  Deno.test(`existsCookieName: with ${name} it is written and deleted exactly when the session's cookie is`, async () => {
    const clock = new FakeClock();
    const { client } = setup({
      store: make(clock.now),
      clock: clock.now,
      rolling: { after: 1000 },
    });
    const program: [path: string, advance: number][] = [
      ["/read", 0],
      ["/logout", 0],
      ["/login", 0],
      ["/read", 10],
      ["/set", 10],
      ["/read", 2000],
      ["/renew/60", 0],
      ["/renew/browser", 0],
      ["/edit", 0],
      ["/edit", 0],
      ["/regenerate", 0],
      ["/login", 0],
      ["/again", 0],
      ["/fail", 0],
      ["/renew/86400", 0],
      ["/logout", 0],
      ["/logout", 0],
      ["/set", 0],
      ["/missing", 0],
      ["/read", 100_000],
      ["/set", 0],
    ];
    let written = 0;
    for (const [path, seconds] of program) {
      clock.advance(seconds);
      const response = await client.fetch(path);
      const { session, exists } = wordOn(response);
      assertEquals(exists, session, path);
      if (session) written++;
      const lines = setBy(response).filter(({ key }) => key === "sx");
      assert(lines.length <= 1, `${path} sends it once`);
      for (const { value, httpOnly, maxAge } of lines) {
        assertEquals([value, httpOnly], [maxAge === 0 ? "" : "1", false]);
      }
      assertEquals(await client.value("sx"), await client.value() === undefined ? undefined : "1");
    }
    assert(written > 8);
  });
}

Deno.test("existsCookieName is off by default", async () => {
  const { client } = setup({ existsCookieName: undefined as never });
  const response = await client.fetch("/login");
  assertEquals(setBy(response).map(({ key }) => key), ["sid"]);
});

Deno.test("existsCookieOptions: it has the attributes of the cookie but for the prefix, and is never httpOnly", async () => {
  const cases: [SessionOptions<Data>, string][] = [
    [{}, "Path=/; Secure; SameSite=Lax"],
    [{ cookieOptions: { httpOnly: true } }, "Path=/; Secure; SameSite=Lax"],
    [
      {
        cookieOptions: {
          path: "/app",
          domain: "app.test",
          sameSite: "Strict",
          priority: "High",
          partitioned: true,
        },
      },
      "Domain=app.test; Path=/app; Secure; SameSite=Strict; Priority=High; Partitioned",
    ],
    [{ cookieOptions: { secure: false } }, "Path=/; SameSite=Lax"],
    [{ cookieOptions: { prefix: "host" } }, "Path=/; Secure; SameSite=Lax"],
    [
      {
        cookieOptions: { prefix: "host", sameSite: "Strict" },
        existsCookieOptions: { domain: "app.test" },
      },
      "Domain=app.test; Path=/; Secure; SameSite=Strict",
    ],
    [
      {
        cookieOptions: { sameSite: "None", path: "/app" },
        existsCookieOptions: { path: "/", sameSite: "Lax", secure: false },
      },
      "Path=/; SameSite=Lax",
    ],
    [
      { existsCookieOptions: { httpOnly: true } as SessionOptions["existsCookieOptions"] & object },
      "Path=/; Secure; SameSite=Lax",
    ],
    [
      { cookieOptions: { priority: "High" }, existsCookieOptions: {} },
      "Path=/; Secure; SameSite=Lax; Priority=High",
    ],
  ];
  for (const [options, attributes] of cases) {
    const { app } = setup(options);
    const response = await app.request("https://app.test/login");
    const line = response.headers.getSetCookie().find((each) => each.startsWith("sx="));
    assertEquals(line, `sx=1; Max-Age=86400; ${attributes}`);
    const cookie = response.headers.getSetCookie().map((each) => each.split(";")[0]).join("; ");
    const logout = await app.request("https://app.test/logout", { headers: { cookie } });
    assertEquals(
      logout.headers.getSetCookie().find((each) => each.startsWith("sx=")),
      `sx=; Max-Age=0; ${attributes}`,
    );
  }
});

Deno.test("existsCookieOptions: a prefix of its own makes a name of its own", async () => {
  const { app } = setup({ existsCookieOptions: { prefix: "secure" } });
  const response = await app.request("/login");
  assertEquals(setBy(response).map(({ key }) => key), ["sid", "__Secure-sx"]);
});

Deno.test("existsCookieOptions: what is undefined is that of the cookie", async () => {
  const { app } = setup({
    cookieOptions: { sameSite: "Strict" },
    existsCookieOptions: { sameSite: undefined as never, domain: undefined as never },
  });
  const response = await app.request("/login");
  assertMatch(
    response.headers.getSetCookie()[1]!,
    /^sx=1; Max-Age=86400; Path=\/; Secure; SameSite=Strict$/,
  );
});

Deno.test("existsCookieName: it lives as long as the session's cookie", async () => {
  const { client } = setup({ maxAge: 500 });
  const maxAges = async (path: string) =>
    setBy(await client.fetch(path)).map(({ maxAge }) => maxAge);
  assertEquals(await maxAges("/login"), [500, 500]);
  assertEquals(await maxAges("/renew/60"), [60, 60]);
  assertEquals(await maxAges("/renew/browser"), [null, null]);
  assertEquals(await maxAges("/regenerate"), [null, null]);
});

Deno.test("existsCookieName: one that scripts wrote identifies no session and costs nothing", async () => {
  const watch = new FaultyStore(new MapStore());
  const { app } = setup({ store: watch });
  app.use("/guarded", requireSession());
  app.onError((error) => (error as HTTPException).getResponse());
  for (const cookie of ["sx=1", "sx=admin", `sx=${"x".repeat(43)}`]) {
    const response = await app.request("/read", { headers: { cookie } });
    assertEquals(await response.json(), {});
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals((await app.request("/guarded", { headers: { cookie } })).status, 401);
  }
  assertEquals(watch.calls(), []);
});

Deno.test("existsCookieName: it is deleted where the session's cookie identifies no session and the session is ended", async () => {
  const { app } = setup();
  const cookie = `sid=${"x".repeat(43)}; sx=1`;
  const read = await app.request("/read", { headers: { cookie } });
  assertEquals(read.headers.getSetCookie(), []);
  const logout = await app.request("/logout", { headers: { cookie } });
  assertEquals(setBy(logout).map(({ key, maxAge }) => [key, maxAge]), [["sid", 0], ["sx", 0]]);
});

Deno.test("existsCookieName: nothing is sent when the session was ended elsewhere meanwhile", async () => {
  const store = new Map();
  const { app, client } = setup({ store });
  app.get("/meanwhile", (c) => {
    c.var.session.a = 5;
    store.clear();
    return c.text("done");
  });
  await client.text("/login");
  const response = await client.fetch("/meanwhile");
  assertEquals(response.headers.getSetCookie(), []);
});

Deno.test("existsCookieName: nothing is sent when the store fails", async () => {
  const watch = new FaultyStore(new MapStore());
  const { app, client } = setup({ store: watch, logger: QUIET });
  watch.inject("create", "fail", 1);
  const set = await app.request("/set");
  assertEquals([set.status, set.headers.getSetCookie()], [500, []]);
  await client.text("/login");
  watch.inject("delete", "fail", 1);
  const logout = await client.fetch("/logout");
  assertEquals([logout.status, logout.headers.getSetCookie()], [500, []]);
});

Deno.test("existsCookieName: a session with a cookie in another path is deleted with it", async () => {
  const { client } = setup();
  await client.text("/login");
  const moved = await client.fetch("/move");
  assertEquals(setBy(moved).map(({ key, path, maxAge }) => [key, path, maxAge]), [
    ["sid", "/", 0],
    ["sid", "/app", 86400],
    ["sx", "/", 86400],
  ]);
  assertEquals(await client.value("sx"), "1");
  const logout = await client.fetch("/app/logout");
  assertEquals(setBy(logout).map(({ key, path, maxAge }) => [key, path, maxAge]), [
    ["sid", "/app", 0],
    ["sx", "/", 0],
  ]);
  assertEquals(await client.cookie(), "");
});

Deno.test("existsCookieName: cookies of the application are left alone", async () => {
  const { app, client } = setup();
  app.get("/others", async (c) => {
    setCookie(c, "sx2", "other");
    setCookie(c, "x", "sx=1");
    await startSession(c, { name: "Ada" });
    return c.text("ok");
  });
  const response = await client.fetch("/others");
  assertEquals(setBy(response).map(({ key }) => key).sort(), ["sid", "sx", "sx2", "x"]);
});

Deno.test("existsCookieName goes with a cookie that is split", async () => {
  const clock = new FakeClock();
  const { app, client } = setup({
    store: new EncryptedCookieStore({ secret: SECRET, chunks: 3, clock: clock.now }),
    clock: clock.now,
  });
  app.get("/fill", (c) => {
    const random = crypto.getRandomValues(new Uint8Array(3500));
    c.var.session.name = Array.from(random, (byte) => byte.toString(16)).join("");
    return c.text("filled");
  });
  const filled = await client.fetch("/fill");
  assertEquals(setBy(filled).map(({ key }) => key), ["sid", "sid.1", "sid.2", "sx"]);
  const logout = await client.fetch("/logout");
  assertEquals(setBy(logout).filter(({ maxAge }) => maxAge === 0).length, 4);
  assertEquals(await client.cookie(), "");
});

Deno.test("existsCookieName: nothing is sent for a session that came by token", async () => {
  const { app, client } = setup({ token: { secret: SECRET, maxAge: 60 } });
  app.get("/token", async (c) => {
    await startSession(c, { name: "Ada" });
    return c.text(c.get("sessionToken")!);
  });
  const token = await (await app.request("/token")).text();
  for (const path of ["/set", "/renew/60", "/regenerate"]) {
    const response = await client.fetch(`${path}?token=${token}`);
    assertEquals(response.headers.getSetCookie(), [], path);
  }
});

Deno.test("existsCookieName of several sessions are each their own", async () => {
  const store = new MapStore();
  const app = new Hono()
    .use(session<Data>({ store, existsCookieName: "sx" }))
    .use(session<Data, "admin">({
      store,
      contextKey: "admin",
      cookieName: "adm",
      existsCookieName: "ax",
    }))
    .get("/login", (c) => {
      c.var.session.a = 1;
      c.var.admin.a = 2;
      return c.text("welcome");
    })
    .get("/logout", (c) => {
      c.set("admin", null as never);
      return c.text("bye");
    });
  const client = new Client(app);
  await client.text("/login");
  assertEquals([await client.value("sx"), await client.value("ax")], ["1", "1"]);
  await client.text("/logout");
  assertEquals([await client.value("sx"), await client.value("ax")], ["1", undefined]);
});

Deno.test("existsCookieName: two sessions on one application can't share one", async () => {
  const store = new MapStore();
  for (const other of [{ cookieName: "adm", existsCookieName: "sx" }, { cookieName: "sx" }]) {
    const app = new Hono()
      .use(session<Data>({ store, existsCookieName: "sx" }))
      .use(session<Data, "admin">({ store, contextKey: "admin", ...other }))
      .get("/", (c) => c.text("ok"));
    let error: Error | undefined;
    app.onError((each, c) => {
      error = each;
      return c.text("failed", 500);
    });
    assertEquals((await app.request("/")).status, 500, JSON.stringify(other));
    assertMatch(error!.message, /^Cannot mount session middleware/);
  }
});

Deno.test("existsCookieName and existsCookieOptions: misuse throws when the middleware is built, with a message that names it", () => {
  const refused: [object, RegExp][] = [
    [{ existsCookieName: 5 }, /option existsCookieName /],
    [{ existsCookieName: false }, /option existsCookieName /],
    [{ existsCookieName: null }, /option existsCookieName /],
    [{ existsCookieName: "" }, /existsCookieName/],
    [{ existsCookieName: "a b" }, /existsCookieName/],
    [{ existsCookieName: "a=b" }, /existsCookieName/],
    [{ existsCookieName: "a;b" }, /existsCookieName/],
    [{ existsCookieName: "sid" }, /existsCookieName/],
    [{ existsCookieName: "sid.1" }, /existsCookieName/],
    [{ existsCookieName: "sid.3" }, /existsCookieName/],
    [{ existsCookieName: "my", cookieName: "my" }, /existsCookieName/],
    [
      { existsCookieName: "__Host-s", cookieName: "s", cookieOptions: { prefix: "host" } },
      /existsCookieName/,
    ],
    [
      { existsCookieName: "__Host-sx", existsCookieOptions: { domain: "app.test" } },
      /existsCookie/,
    ],
    [{ existsCookieName: "__Host-sx", cookieOptions: { path: "/app" } }, /existsCookie/],
    [{ existsCookieName: "__Secure-sx", existsCookieOptions: { secure: false } }, /existsCookie/],
    [{ existsCookieOptions: {} }, /existsCookieOptions.*existsCookieName/],
    [{ existsCookieName: "sx", existsCookieOptions: null }, /option existsCookieOptions /],
    [{ existsCookieName: "sx", existsCookieOptions: [] }, /option existsCookieOptions /],
    [{ existsCookieName: "sx", existsCookieOptions: "x" }, /option existsCookieOptions /],
    [
      { existsCookieName: "sx", existsCookieOptions: { maxAge: 60 } },
      /existsCookieOptions\.maxAge/,
    ],
    [
      { existsCookieName: "sx", existsCookieOptions: { expires: 1 } },
      /existsCookieOptions\.expires/,
    ],
    [{ existsCookieName: "sx", existsCookieOptions: { colour: 1 } }, /existsCookieOptions\.colour/],
    [{ existsCookieName: "sx", existsCookieOptions: { secure: 1 } }, /existsCookieOptions\.secure/],
    [
      { existsCookieName: "sx", existsCookieOptions: { sameSite: "x" } },
      /existsCookieOptions\.sameSite/,
    ],
    [
      { existsCookieName: "sx", existsCookieOptions: { sameSite: "None", secure: false } },
      /existsCookieOptions\.sameSite/,
    ],
    [
      {
        existsCookieName: "sx",
        cookieOptions: { sameSite: "None" },
        existsCookieOptions: { secure: false },
      },
      /existsCookieOptions\.sameSite/,
    ],
    [
      {
        existsCookieName: "sx",
        cookieOptions: { partitioned: true },
        existsCookieOptions: { secure: false },
      },
      /existsCookie/,
    ],
    [{ existsCookieName: "sx", existsCookieOptions: { path: "/; Secure" } }, /existsCookieOptions/],
    [{ existsCookieName: "sx", cookieOptions: { maxAge: 60 } }, /option cookieOptions\.maxAge/],
  ];
  for (const [options, message] of refused) {
    const error = assertThrows(
      () => session({ store: new MapStore(), ...options } as SessionOptions),
      TypeError,
    );
    assertMatch(error.message, /^Cannot build session middleware: /);
    assertMatch(error.message, message, Deno.inspect(options));
  }
  session({ store: new MapStore(), existsCookieName: "sid.x" });
  session({ store: new MapStore(), existsCookieName: "SID" });
});
