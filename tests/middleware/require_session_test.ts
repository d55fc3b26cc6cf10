import {
  endSession,
  getSession,
  requireSession,
  type RequireSessionOptions,
  session,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";

interface Data {
  userId?: string;
  role?: string | null;
  count?: number;
  ok?: boolean;
}

type Guard = RequireSessionOptions<Data>;

const DENIED = '{"status":false,"message":"Invalid session"}';
const QUIET = { error() {}, warn() {} };

function setup(guard: Guard = {}, options: SessionOptions<Data> = {}) {
  const store = new FaultyStore(new MapStore());
  let reached = 0;
  const app = new Hono()
    .use(session<Data>({ store, logger: QUIET, ...options }))
    .post("/login", async (c) => {
      await startSession<Data>(c, await c.req.json());
      return c.text(c.get("sessionToken") ?? "");
    })
    .use("/account/*", requireSession<Data>(guard))
    .all("/account/page", (c) => {
      reached++;
      return c.json(c.get("session"));
    });
  app.onError((error, c) =>
    error instanceof HTTPException ? error.getResponse() : c.text(error.message, 500)
  );
  const client = new Client(app);
  const login = (data: unknown) =>
    client.text("/login", { method: "POST", body: JSON.stringify(data) });
  return { app, store, client, login, reached: () => reached };
}

Deno.test("requireSession() denies as hono-kv-session's denyAccess did", async () => {
  const { client, reached } = setup();
  const response = await client.fetch("/account/page");
  assertEquals(response.status, 401);
  assertEquals(response.headers.get("content-type"), "application/json");
  assertEquals(await response.text(), DENIED);
  assertEquals([...response.headers.keys()], ["content-type"]);
  assertEquals(reached(), 0);
});

Deno.test("requireSession() lets a stored session pass, with or without data", async () => {
  for (const data of [{ userId: "42" }, {}]) {
    const { client, login, store } = setup();
    await login(data);
    store.calls();
    assertEquals(await client.json("/account/page"), data);
    assertEquals(store.calls(), ["read"]);
  }
});

Deno.test("requireSession() lets nobody pass by a token that identifies no session", async () => {
  const clock = new FakeClock();
  const { client, login, app, reached } = setup({}, {
    store: new MapStore({ clock: clock.now }),
    clock: clock.now,
    maxAge: 60,
    schema: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) =>
          (value as Data).userId === "bad" ? { issues: [{}] } : { value: value as Data },
      },
    },
    scope: "host",
  });
  const denied = async (cookie: string, origin = "https://app.test") => {
    const response = await app.request(`${origin}/account/page`, { headers: { cookie } });
    assertEquals([response.status, await response.text()], [401, DENIED], cookie);
  };
  for (const value of ["", "x", "A".repeat(43), `${"A".repeat(43)}.${"A".repeat(43)}`]) {
    await denied(`sid=${value}`);
  }
  await login({ userId: "42" });
  const cookie = await client.cookie();
  await denied(cookie, "https://other.test");
  clock.advance(60);
  await denied(cookie);
  await login({ userId: "bad" });
  await denied(await client.cookie());
  assertEquals(reached(), 0);
});

Deno.test("requireSession() wants the keys of has, which are there when they are not null", async () => {
  const cases: [Data, boolean][] = [
    [{}, false],
    [{ userId: "42" }, false],
    [{ userId: "42", role: "admin" }, true],
    [{ userId: "", role: "" }, true],
    [{ userId: "42", role: null }, false],
    [{ role: "admin" }, false],
  ];
  for (const [data, allowed] of cases) {
    const { client, login } = setup({ has: ["userId", "role"] });
    await login(data);
    const { status } = await client.fetch("/account/page");
    assertEquals(status, allowed ? 200 : 401, JSON.stringify(data));
  }
  for (const data of [{ count: 0 }, { ok: false }]) {
    const { client, login } = setup({ has: Object.keys(data) as "count"[] });
    await login(data);
    assertEquals((await client.fetch("/account/page")).status, 200, "falsy values are values");
  }
});

Deno.test("requireSession() takes nothing that every object has for data", async () => {
  for (const key of ["constructor", "toString", "valueOf", "hasOwnProperty", "__proto__"]) {
    const { client, login } = setup({ has: [key as "userId"] });
    await login({ userId: "42" });
    assertEquals((await client.fetch("/account/page")).status, 401, key);
    await login(JSON.parse(`{"${key}":"data"}`));
    assertEquals((await client.fetch("/account/page")).status, 200, key);
  }
});

Deno.test("requireSession() guards the requests that when says", async () => {
  const whens: NonNullable<Guard["when"]>[] = [
    (c) => c.req.method !== "GET",
    (c) => Promise.resolve(!["GET", "HEAD"].includes(c.req.method)),
  ];
  for (const when of whens) {
    const { client, login } = setup({ when });
    assertEquals((await client.fetch("/account/page")).status, 200);
    assertEquals((await client.fetch("/account/page", { method: "POST" })).status, 401);
    assertEquals((await client.fetch("/account/page", { method: "DELETE" })).status, 401);
    await login({});
    assertEquals((await client.fetch("/account/page", { method: "POST" })).status, 200);
  }
});

Deno.test("requireSession() lets nobody pass when when fails", async () => {
  const whens: NonNullable<Guard["when"]>[] = [
    () => {
      throw new Error("no idea");
    },
    () => Promise.reject(new Error("no idea")),
  ];
  for (const when of whens) {
    const { client, reached } = setup({ when });
    assertEquals((await client.fetch("/account/page")).status, 500);
    assertEquals(reached(), 0);
  }
});

Deno.test("requireSession() answers as JSON, HTML or text, with a status and a body of yours", async () => {
  const JSON_TYPE = "application/json";
  const HTML_TYPE = "text/html; charset=UTF-8";
  const TEXT_TYPE = "text/plain; charset=UTF-8";
  const cases: [Guard, number, string, string][] = [
    [{}, 401, JSON_TYPE, DENIED],
    [{ type: "json" }, 401, JSON_TYPE, DENIED],
    [{ type: "html" }, 401, HTML_TYPE, "Invalid session"],
    [{ type: "text" }, 401, TEXT_TYPE, "Invalid session"],
    [{ type: "html", response: "<p>Log in" }, 401, HTML_TYPE, "<p>Log in"],
    [{ type: "text", response: "Log in", status: 403 }, 403, TEXT_TYPE, "Log in"],
    [{ response: { error: "no" }, status: 404 }, 404, JSON_TYPE, '{"error":"no"}'],
    [{ response: "Log in" }, 401, JSON_TYPE, '"Log in"'],
    [{ response: [1, 2] }, 401, JSON_TYPE, "[1,2]"],
    [{ response: "", type: "text" }, 401, TEXT_TYPE, ""],
  ];
  for (const [guard, status, type, body] of cases) {
    const { client } = setup(guard);
    const response = await client.fetch("/account/page");
    assertEquals(
      [response.status, response.headers.get("content-type"), await response.text()],
      [status, type, body],
    );
  }
});

Deno.test("requireSession() takes the response of a function, whatever kind it is", async () => {
  const cases: [NonNullable<Guard["response"]>, number, string | null][] = [
    [(c) => c.redirect("/login"), 302, "/login"],
    [(c) => Promise.resolve(c.redirect("/login", 303)), 303, "/login"],
    [() => Response.redirect("https://app.test/login"), 302, "https://app.test/login"],
    [() => new Response(null, { status: 204 }), 204, null],
  ];
  for (const [response, status, location] of cases) {
    for (const token of [undefined, { secret: SECRET, maxAge: 60 }]) {
      const { client, reached } = setup({ response }, token ? { token } : {});
      const denied = await client.fetch("/account/page");
      assertEquals([denied.status, denied.headers.get("location")], [status, location]);
      assertEquals(denied.headers.get("www-authenticate"), token ? "Bearer" : null);
      assertEquals(reached(), 0);
    }
  }
});

Deno.test("requireSession() reaches no handler when its response function fails or gives nothing", async () => {
  const responses = [
    () => {
      throw new Error("no");
    },
    () => Promise.reject(new Error("no")),
    () => undefined as unknown as Response,
  ];
  for (const response of responses) {
    for (const token of [undefined, { secret: SECRET, maxAge: 60 }]) {
      const { client, reached } = setup({ response }, token ? { token } : {});
      assertEquals((await client.fetch("/account/page")).status, 500);
      assertEquals(reached(), 0);
    }
  }
});

Deno.test("requireSession() says Bearer where tokens open sessions, and only there", async () => {
  const token = { secret: SECRET, maxAge: 60 };
  const { app, login, client } = setup({}, { token });
  const denied = await app.request("/account/page");
  assertEquals([denied.status, denied.headers.get("www-authenticate")], [401, "Bearer"]);
  assertEquals(await denied.text(), DENIED);
  const headers = { authorization: `Bearer ${await login({ userId: "42" })}` };
  const allowed = await app.request("/account/page", { headers });
  assertEquals([allowed.status, allowed.headers.get("www-authenticate")], [200, null]);
  const forged = { authorization: headers.authorization.slice(0, -2) + "AA" };
  assertEquals((await app.request("/account/page", { headers: forged })).status, 401);
  assertEquals((await client.fetch("/account/page")).headers.get("www-authenticate"), null);

  const alone = setup({ type: "text" }, { token, cookieName: false });
  const response = await alone.app.request("/account/page");
  assertEquals(response.headers.get("www-authenticate"), "Bearer");
  const others = setup({
    response: (c) => c.text("", 401, { "WWW-Authenticate": 'Basic realm="x"' }),
  }, { token });
  const both = await others.app.request("/account/page");
  assertEquals(both.headers.get("www-authenticate"), 'Basic realm="x", Bearer');
});

Deno.test("requireSession() says invalid_token where the token of the request is rejected, and only there", async () => {
  const clock = new FakeClock();
  const token = { secret: SECRET, maxAge: 60 };
  const store = new FaultyStore(new MapStore({ clock: clock.now }));
  const { app, login, client } = setup({ has: ["userId"] }, {
    store,
    token,
    clock: clock.now,
    onStoreError: "anonymous",
  });
  app.post("/logout", async (c) => {
    await endSession(c);
    return c.text("bye");
  });
  app.get("/left", (c, next) => (c.set("session", null as never), next()), requireSession());
  const INVALID = 'Bearer error="invalid_token"';
  const challenge = async (headers: HeadersInit, path = "/account/page") => {
    const response = await app.request(path, { headers });
    return response.headers.get("www-authenticate");
  };
  const valid = await login({ userId: "42" });
  const cookie = await client.cookie();
  const authorization = `Bearer ${valid}`;
  assertEquals(await challenge({ authorization }), null);
  assertEquals(await challenge({ authorization: `Bearer x${valid}` }), INVALID, "forged");
  assertEquals(await challenge({ authorization: "bearer x" }), INVALID, "malformed");
  assertEquals(await challenge({}, "/account/page?token=x"), INVALID, "in the query");

  assertEquals(await challenge({}), "Bearer", "no credential");
  assertEquals(await challenge({ cookie: "sid=x" }), "Bearer", "a cookie");
  assertEquals(await challenge({ authorization: "Basic eDp5" }), "Bearer", "another scheme");
  assertEquals(await challenge({ authorization: "Bearer" }), "Bearer", "no token");
  assertEquals(await challenge({ authorization: "Bearer x", cookie }), null, "a valid cookie");
  const other = await new Client(app).text("/login", { method: "POST", body: "{}" });
  const lacking = `Bearer ${other}`;
  assertEquals(await challenge({ authorization: lacking }), "Bearer", "a valid token without data");
  store.inject("read", "fail");
  assertEquals(await challenge({ authorization }), "Bearer", "the store failed");
  store.heal();

  assertEquals(await challenge({ authorization }), null);
  clock.advance(61);
  assertEquals(await challenge({ authorization }), INVALID, "expired");
  const ended = { authorization: `Bearer ${await login({ userId: "42" })}` };
  assertEquals(await challenge(ended), null);
  assertEquals(await challenge(ended, "/left"), "Bearer", "the session ends in this request");
  assertEquals(await challenge(ended), INVALID, "of a session that has just ended");
  ended.authorization = `Bearer ${await login({ userId: "42" })}`;
  await app.request("/logout", { method: "POST", headers: ended });
  assertEquals(await challenge(ended), INVALID, "of a session that has ended");

  const cookies = setup();
  const response = await cookies.app.request("/account/page", { headers: { authorization } });
  assertEquals(response.headers.get("www-authenticate"), null, "without the option token");
  const redirect = setup({ response: (c) => c.redirect("/login") }, { token });
  const { headers } = await redirect.app.request("/account/page?token=x");
  assertEquals(headers.get("www-authenticate"), "Bearer", "not 401");
});

/** What is done to the session before the guard, and whether it passes afterwards. */
const BEFORE: Record<
  string,
  [change: (c: Context) => unknown, visitor: number, user: number]
> = {
  "nothing": [() => {}, 401, 200],
  "c.session = null": [(c) => Reflect.set(c, "session", null), 401, 401],
  "c.set of null": [(c) => c.set("session", null), 401, 401],
  "destroy()": [(c) => c.var.session.destroy(), 401, 401],
  "endSession()": [(c) => endSession(c), 401, 401],
  "endSession() and startSession()": [
    async (c) => {
      await endSession(c);
      await startSession(c, { userId: "43" });
    },
    200,
    200,
  ],
  "startSession()": [(c) => startSession(c, { userId: "43" }), 200, 200],
  "a change that isn't stored yet": [(c) => c.var.session.userId = "43", 401, 200],
  "a change that is saved": [
    (c) => {
      c.var.session.userId = "43";
      return c.var.session.save();
    },
    200,
    200,
  ],
  "null, then data that aren't stored yet": [
    (c) => {
      Reflect.set(c, "session", null);
      Reflect.set(c, "session", { userId: "43" });
    },
    401,
    401,
  ],
  "other data, without the key": [(c) => Reflect.set(c, "session", { count: 1 }), 401, 401],
  "delete of the key": [(c) => delete c.var.session.userId, 401, 401],
  "regenerate()": [(c) => c.var.session.regenerate(), 401, 200],
};

for (const [name, [change, visitor, user]] of Object.entries(BEFORE)) {
  Deno.test(`requireSession() behind a middleware of the same request: ${name}`, async () => {
    for (const lazy of [false, true]) {
      const app = new Hono()
        .use(session<Data>({ store: new MapStore(), lazy, logger: QUIET }))
        .get("/login", async (c) => {
          await startSession<Data>(c, { userId: "42" });
          return c.text("");
        })
        .use("/account", async (c, next) => {
          // A lazy session is loaded by whom it concerns first.
          if (lazy) await getSession(c);
          await change(c);
          await next();
        })
        .use("/account", requireSession<{ userId: string }>({ has: ["userId"] }))
        .get("/account", (c) => c.text(c.var.session.userId));
      const client = new Client(app);
      assertEquals((await new Client(app).fetch("/account")).status, visitor, "a visitor");
      await client.text("/login");
      assertEquals((await client.fetch("/account")).status, user, "a user");
    }
  });
}

Deno.test("requireSession() does not pass for initial data, which nobody has logged in with", async () => {
  const { client, reached } = setup({ has: ["userId"] }, { initial: { userId: "guest" } });
  assertEquals((await client.fetch("/account/page")).status, 401);
  assertEquals(reached(), 0);
});

Deno.test("requireSession() denies in an outage of the store, whatever onStoreError says", async () => {
  for (const [onStoreError, status] of [["anonymous", 401], ["error", 503]] as const) {
    for (const lazy of [false, true]) {
      const { client, login, store, reached } = setup({ has: ["userId"] }, {
        onStoreError,
        lazy,
        initial: { userId: "guest" },
      });
      await login({ userId: "42" });
      store.inject("read", "fail");
      assertEquals((await client.fetch("/account/page")).status, status as number);
      store.inject("read", "tear");
      assertEquals((await client.fetch("/account/page")).status, 401);
      assertEquals(reached(), 0);
    }
  }
});

Deno.test("requireSession() marks its answer to those who have a session, as every response", async () => {
  const { client, login } = setup({ has: ["role"] });
  await login({ userId: "42" });
  const { headers, status } = await client.fetch("/account/page");
  assertEquals(status, 401);
  assertEquals([headers.get("vary"), headers.get("cache-control")], ["Cookie", "private"]);
});

Deno.test("requireSession() of another session", async () => {
  const store = new MapStore();
  const app = new Hono()
    .use(session<Data>({ store }))
    .use(session<Data, "admin">({ store, contextKey: "admin", cookieName: "admin" }))
    .get("/login/:key", async (c) => {
      await startSession<Data>(c, { userId: "42" }, { contextKey: c.req.param("key") });
      return c.text("");
    })
    .use(
      "/admin",
      requireSession<{ userId: string }, "admin">({ contextKey: "admin", has: ["userId"] }),
    )
    .get("/admin", (c) => c.text(c.var.admin.userId satisfies string));
  const client = new Client(app);
  await client.text("/login/session");
  assertEquals((await client.fetch("/admin")).status, 401);
  await client.text("/login/admin");
  assertEquals(await client.text("/admin"), "42");
});

Deno.test("requireSession() narrows the types", async () => {
  const app = new Hono()
    .use(session<{ userId?: string; theme?: string }>({ store: new MapStore() }))
    .get("/before", (c) => {
      // @ts-expect-error -- Nobody has seen to it.
      c.var.session.userId satisfies string;
      return c.text("");
    })
    .get("/login", async (c) => {
      await startSession(c, { userId: "42" });
      return c.text("");
    })
    .use("/account", requireSession<{ userId: string }>({ has: ["userId"] }))
    .get("/account", (c) => {
      c.var.session.userId satisfies string;
      c.get("session").userId satisfies string;
      c.var.session.theme satisfies string | undefined;
      // @ts-expect-error -- Data of theirs it is not.
      c.var.session.nothing;
      // @ts-expect-error -- A theme isn't required.
      c.var.session.theme satisfies string;
      return c.text(c.var.session.userId);
    });
  // @ts-expect-error -- No key of the data.
  requireSession<{ userId: string }>({ has: ["name"] });
  const client = new Client(app);
  await client.text("/login");
  assertEquals(await client.text("/account"), "42");
});

Deno.test("requireSession() without session() before it is an error, not an open door", async () => {
  for (const when of [undefined, () => false]) {
    let reached = 0;
    const app = new Hono()
      .use(requireSession(when ? { when } : {}))
      .get("/", (c) => {
        reached++;
        return c.text("");
      });
    let message = "";
    app.onError((error, c) => {
      message = error.message;
      return c.text("", 500);
    });
    assertEquals((await app.request("/")).status, 500);
    assertEquals(reached, 0);
    assertEquals(message, 'Cannot require session: no session middleware is mounted as "session"');
  }
});

Deno.test("requireSession() is not changed by what is done to its options later", async () => {
  const has: "userId"[] = ["userId"];
  const response = { message: "as it was" };
  const { client, login } = setup({ has, response });
  has.pop();
  response.message = "changed";
  await login({ count: 1 });
  const denied = await client.fetch("/account/page");
  assertEquals([denied.status, await denied.json()], [401, { message: "as it was" }]);
});

/** Every option of the guard, with values that it must not take. */
const MISUSES: Record<keyof RequireSessionOptions, unknown[]> = {
  has: ["userId", null, 1, true, {}, new Set(["userId"]), [1], [null], [undefined], [["userId"]]],
  confirmed: [true, null, 300, "otp", ["otp"], { within: 0 }, { by: [] }, { by: ["a b"] }],
  device: ["yes", null, 1, {}, [true]],
  when: [true, false, "GET", null, 1, {}, ["GET"]],
  type: ["xml", "JSON", "", null, 1, true, ["json"], {}],
  status: [
    0,
    -401,
    100,
    101,
    199,
    600,
    401.5,
    NaN,
    Infinity,
    "401",
    null,
    true,
    [401],
    {},
    1n,
    Symbol("x"),
  ],
  response: [null, 1, NaN, true, false, 1n, Symbol("x")],
  contextKey: ["", null, 1, true, {}, ["session"], "req", "__proto__"],
};

for (const [name, values] of Object.entries(MISUSES)) {
  Deno.test(`requireSession() refuses misuse of ${name} when it is built`, () => {
    assert(values.length > 0);
    const accepted: string[] = [];
    for (const value of values) {
      try {
        requireSession({ [name]: value });
        accepted.push(Deno.inspect(value));
      } catch (error) {
        assert(error instanceof TypeError || error instanceof RangeError, String(error));
        assert(error.message.includes(`option ${name}`), error.message);
      }
    }
    assertEquals(accepted, []);
  });
}

Deno.test("requireSession() refuses a status that can have no body when it is built", () => {
  for (const status of [204, 205, 304]) {
    assertThrows(() => requireSession({ status }), RangeError, "option status");
  }
});

Deno.test("requireSession() refuses a response that is no JSON when it is built", () => {
  const cycle: Record<string, unknown> = {};
  cycle["cycle"] = cycle;
  for (const response of [cycle, { count: 1n }]) {
    assertThrows(() => requireSession({ response }), TypeError, "option response");
  }
});

Deno.test("requireSession() refuses a response of another kind than its type", () => {
  for (const type of ["html", "text"] as const) {
    for (const response of [{}, [], { message: "no" }]) {
      assertThrows(() => requireSession({ type, response }), TypeError, "option response");
    }
  }
});

Deno.test("requireSession() refuses a type or status that its response function makes meaningless", () => {
  const response = () => new Response("no", { status: 401 });
  assertThrows(() => requireSession({ response, type: "html" }), TypeError, "option type");
  assertThrows(() => requireSession({ response, status: 403 }), TypeError, "option status");
});

Deno.test("requireSession() refuses members of sessions as keys of data", () => {
  for (const key of ["sid", "isNew", "subject"]) {
    assertThrows(() => requireSession({ has: [key as never] }), TypeError, "option has");
  }
});

Deno.test("requireSession() names itself when it refuses an option, whichever it is", () => {
  const wrong: Record<string, RequireSessionOptions> = {
    type: { type: "xml" as never },
    status: { status: 204 },
    response: { type: "text", response: {} },
    "response of JSON": { response: 1n as never },
    "status of a function": { response: () => new Response(), status: 403 },
    has: { has: ["sid"] as never },
    "confirmed.by": { confirmed: { by: [] } },
    "confirmed.within": { confirmed: { within: -1 } },
    device: { device: 1 as never },
    contextKey: { contextKey: "header" as never },
  };
  for (const [what, options] of Object.entries(wrong)) {
    const { message } = assertThrows(() => requireSession(options)) as Error;
    const name = what.split(" ")[0]!;
    assertMatch(
      message,
      new RegExp(`^Cannot build requireSession\\(\\): option ${name} is `),
      what,
    );
  }
});

Deno.test("requireSession() refuses options that there are none of, and what are no options", () => {
  assertThrows(() => requireSession({ statuz: 403 } as never), TypeError, "option statuz");
  for (const options of [null, "json", 401, true, [], ["userId"], () => true]) {
    assertThrows(
      () => requireSession(options as never),
      TypeError,
      "Cannot build requireSession(): ",
    );
  }
});
