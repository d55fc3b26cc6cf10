import { createSessions, session, type SessionEncoder, type SessionOptions } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals, assertMatch } from "@std/assert";
import { Hono, type MiddlewareHandler } from "hono";
import { SHAPES } from "../../src/options/shapes.ts";
import { SECRET } from "../_support/cookie_stores.ts";

const store = new MapStore();
const schema = {
  "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
};
const token = { secret: SECRET, maxAge: 60 };
const cookieOptions = { sameSite: "Strict", domain: "app.test" } as const;
const read = () => undefined;
const adopt = () => ({ cookie: "old", until: new Date(0), read });

/** Of each option two values that are not the same, and the names that are told. */
const DIFFERENT: Record<string, [SessionOptions, SessionOptions, string][]> = {
  store: [[{ store }, { store: new MapStore() }, ""]],
  secret: [[{}, { secret: SECRET }, "secret"]],
  encoder: [],
  maxAge: [[{}, { maxAge: 600 }, "maxAge"]],
  rolling: [
    [{}, { rolling: true }, "rolling"],
    [{ rolling: true }, { rolling: { after: 60 } }, "rolling.after"],
  ],
  absoluteMaxAge: [[{}, { absoluteMaxAge: 3600 }, "absoluteMaxAge"]],
  persistent: [[{}, { persistent: false }, "persistent"]],
  rotate: [
    [{ rotate: { every: 60 } }, { rotate: { every: 60, grace: 10 } }, "rotate.grace"],
    [{}, { rotate: { every: 60 } }, "rotate"],
  ],
  cookieName: [[{}, { cookieName: "other" }, ""]],
  cookieOptions: [
    [{}, { cookieOptions: { sameSite: "Strict" } }, "cookieOptions.sameSite"],
    [{}, { cookieOptions }, "cookieOptions.sameSite and cookieOptions.domain"],
    [{}, { cookieOptions: { partitioned: true } }, "cookieOptions.partitioned"],
  ],
  existsCookieName: [[{}, { existsCookieName: "sx" }, "existsCookieName"]],
  existsCookieOptions: [[
    { existsCookieName: "sx" },
    { existsCookieName: "sx", existsCookieOptions: { path: "/admin" } },
    "existsCookieOptions.path",
  ]],
  device: [[
    { secret: SECRET, device: true },
    { secret: SECRET, device: { every: 300 } },
    "device.every",
  ]],
  token: [[{ token }, { token: { ...token, maxAge: 90 } }, "token.maxAge"], [
    {},
    { token },
    "token",
  ]],
  adopt: [
    [{}, { adopt: adopt() }, "adopt"],
    [{ adopt: adopt() }, { adopt: { ...adopt(), until: new Date(1) } }, "adopt.until"],
    [
      { adopt: adopt() },
      { adopt: { ...adopt(), cookieOptions: { path: "/app" } } },
      "adopt.cookieOptions",
    ],
  ],
  initial: [
    [{}, { initial: { a: 1 } as never }, "initial"],
    [{ initial: () => ({}) }, { initial: () => ({}) }, "initial"],
  ],
  schema: [[{}, { schema: schema as never }, "schema"]],
  migrate: [[{}, { migrate: (data) => data }, "migrate"]],
  scope: [[{}, { scope: "host" }, "scope"]],
  maxSessions: [[
    { maxSessions: { limit: 1 } },
    { maxSessions: { limit: 1, policy: "reject" } },
    "maxSessions.policy",
  ]],
  revokeEverything: [[{}, { revokeEverything: true }, "revokeEverything"]],
  allowOverwrite: [[{}, { allowOverwrite: false }, "allowOverwrite"]],
  commitOnError: [[{}, { commitOnError: true }, "commitOnError"]],
  onStoreError: [[{}, { onStoreError: "anonymous" }, "onStoreError"]],
  storeTimeout: [[{}, { storeTimeout: 1 }, "storeTimeout"]],
  cacheControl: [[{}, { cacheControl: false }, "cacheControl"]],
  contextKey: [[{}, { contextKey: "admin" }, ""]],
  lazy: [[{}, { lazy: true }, "lazy"]],
  events: [[{ events: { created() {} } }, { events: { created() {} } }, "events.created"]],
  logger: [[{}, { logger: { error() {}, warn() {} } }, "logger"]],
  live: [[{}, { live: { every: 5 } }, "live.every"], [
    { live: { every: 5 } },
    { live: { every: 6 } },
    "live.every",
  ]],
  clock: [[{}, { clock: () => 0 }, "clock"]],
};

/** What a request ends with whose session is mounted twice. */
async function outcome(first: MiddlewareHandler, second: MiddlewareHandler): Promise<string> {
  const app = new Hono().use(first).use("/admin/*", second)
    .get("/admin/home", (c) => c.text("served"))
    .get("/home", (c) => c.text("served"))
    .onError((error, c) => c.text(`${error.name}: ${error.message}`, 500));
  assertEquals(await (await app.request("/home")).text(), "served");
  const said = new Set<string>();
  for (let times = 0; times < 3; times++) said.add(await (await app.request("/admin/home")).text());
  return [...said].join();
}

Deno.test("session() mounted twice: every option has its case", () => {
  assertEquals(Object.keys(DIFFERENT).toSorted(), Object.keys(SHAPES).toSorted());
});

for (const [name, cases] of Object.entries(DIFFERENT)) {
  for (const [first, second, told] of cases) {
    Deno.test(`session() mounted twice with another ${name} is a TypeError: ${told}`, async () => {
      const said = await outcome(session({ store, ...first }), session({ store, ...second }));
      assertMatch(said, /^TypeError: Cannot mount session middleware as "/);
      if (told) {
        const differ = told.includes(" and ") ? "differ" : "differs";
        assertEquals(
          said,
          'TypeError: Cannot mount session middleware as "session" twice: ' +
            `${told} ${differ}; give both the same options, or the second one a contextKey and a cookieName of its own`,
        );
      }
      assertEquals(said.includes(SECRET), false);
    });
  }
}

const NAMED_LIKE_DEFAULTS: SessionOptions = {
  maxAge: 86400,
  rolling: false,
  persistent: true,
  cookieName: "sid",
  cookieOptions: { httpOnly: true, secure: true, sameSite: "Lax", path: "/" },
  initial: {},
  allowOverwrite: true,
  commitOnError: false,
  onStoreError: "error",
  storeTimeout: 5,
  cacheControl: true,
  contextKey: "session",
  lazy: false,
  events: {},
  logger: console,
  clock: Date.now,
};

Deno.test("session() mounted twice with equal options is one", async () => {
  const bare = new Map();
  const clock = () => 1000;
  const initial = () => ({});
  const events = { created() {} };
  const equal: [SessionOptions, SessionOptions][] = [
    [{ store }, { store }],
    [{ store: bare }, { store: bare }],
    [{ store, clock, initial }, { initial, store, clock }],
    [{ store, events: { ...events } }, { store, events: { ...events } }],
    [{ store, maxAge: undefined as never }, { store }],
    [{ store, secret: [SECRET] }, { store, secret: [SECRET] }],
    [{ store, token: { ...token } }, { store, token: { ...token } }],
    [{ store, rotate: { every: 60 } }, { store, rotate: { every: 60, grace: 30 } }],
    [{ store, adopt: adopt() }, { store, adopt: adopt() }],
    [{ store, maxSessions: { limit: 1 } }, {
      store,
      maxSessions: { limit: 1, policy: "evict-oldest" },
    }],
    [{ store, initial: { list: [{ a: 1 }] } as never }, {
      store,
      initial: { list: [{ a: 1 }] } as never,
    }],
    // The second one takes effect: it loads the session.
    [{ store, lazy: true }, { store }],
  ];
  for (const [first, second] of equal) {
    assertEquals(await outcome(session(first), session(second)), "served");
  }
  const { clock: _, ...named } = NAMED_LIKE_DEFAULTS;
  assertEquals(await outcome(session({ store }), session({ store, ...named })), "served");
  const one = session({ store });
  assertEquals(await outcome(one, one), "served");
  const sessions = createSessions({ store });
  assertEquals(await outcome(sessions.middleware(), sessions.middleware()), "served");
});

Deno.test("session() mounted twice without a store is one", async () => {
  const logger = { error() {}, warn() {} };
  const secret = SECRET;
  assertEquals(await outcome(session({ secret, logger }), session({ secret, logger })), "served");
  const encoder: SessionEncoder = {
    encode: (data) => JSON.stringify(data),
    decode: (value) => JSON.parse(value),
  };
  const options = { secret, encoder, logger };
  assertEquals(await outcome(session(options), session({ ...options })), "served");
  assertMatch(
    await outcome(
      session(options),
      session({ ...options, encoder: { ...encoder, encode: (data) => JSON.stringify(data) } }),
    ),
    /encoder.encode differs/,
  );
});

Deno.test("options that are changed after the middleware was made change nothing of it", async () => {
  const options: SessionOptions = { store, cookieOptions: { sameSite: "Strict" } };
  const one = session(options);
  options.cookieOptions!.sameSite = "Lax";
  options.maxAge = 5;
  const same = session({ store, cookieOptions: { sameSite: "Strict" } });
  assertEquals(await outcome(one, same), "served");
});

Deno.test("two mounts are compared once, not with each request", async () => {
  let looked = 0;
  const events = {
    get created() {
      looked++;
      return undefined;
    },
  };
  const app = new Hono()
    .use(session({ store, events: events as never }))
    .use(session({ store, events: events as never }))
    .get("/", (c) => c.text("served"));
  await app.request("/");
  const before = looked;
  for (let times = 0; times < 5; times++) await app.request("/");
  assertEquals(looked, before);
});
