import {
  createSessions,
  type Session,
  session,
  type SessionEnv,
  SessionSerializationError,
  type SessionStore,
  SessionTooLargeError,
  startSession,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Context, Hono } from "hono";
import { Client } from "../_support/client.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { QUIET } from "./_app.ts";

type Data = Record<string, unknown>;

const STORES: Record<string, () => SessionStore | Map<string, unknown>> = {
  MapStore: () => new MapStore(),
  DenoKvStore: () => new DenoKvStore({ path: ":memory:" }),
  EncryptedCookieStore: () => new EncryptedCookieStore({ secret: SECRET }),
  "a bare Map": () => new Map(),
};

/** An application that takes whatever a client says into its session, and gives it back. */
function setup(store: SessionStore | Map<string, unknown> = new MapStore()) {
  const app = new Hono()
    .use(session<Data>({ store, logger: QUIET }))
    .post("/assign", async (c) => {
      Object.assign(c.var.session, await c.req.json());
      return c.json(c.var.session);
    })
    .post("/replace", async (c) => {
      c.set("session", await c.req.json());
      return c.json(c.var.session);
    })
    .post("/start", async (c) => c.json(await startSession(c, await c.req.json())))
    .post("/flash", async (c) => {
      for (const [key, value] of Object.entries(await c.req.json())) {
        c.var.session.flash(key, value);
      }
      return c.json(c.var.session);
    })
    .post("/update", async (c) => {
      for (const [key, value] of Object.entries(await c.req.json())) {
        await c.var.session.update(key, () => value);
      }
      return c.json(c.var.session);
    })
    .post("/meta", async (c) => {
      c.var.session.meta = await c.req.json();
      c.var.session.any = 1;
      return c.json(c.var.session.meta);
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/meta", (c) => c.json(c.var.session.meta));
  return { app, client: new Client(app) };
}

/** What JSON can say that a program may stumble over. */
const HOSTILE = [
  '{"__proto__":{"admin":true}}',
  '{"__proto__":null,"a":1}',
  '{"__proto__":"text"}',
  '{"constructor":{"prototype":{"admin":true}}}',
  '{"prototype":{"admin":true},"a":{"__proto__":{"admin":true},"b":[{"__proto__":{"c":1}}]}}',
  '{"toString":"x","valueOf":1,"hasOwnProperty":false,"isPrototypeOf":null,"then":"x"}',
  '{"__defineGetter__":"x","__lookupSetter__":1,"toLocaleString":[],"propertyIsEnumerable":{}}',
  '{"":"empty"," ":"space","a.b":1,"a[0]":2,"0":3,"-1":4,"$ne":5,"a\\u0000b":6}',
  '{"\\ud800":"\\udc00","lone":"\\ud83d","pair":"\\ud83d\\ude00","bom":"\\ufeff"}',
  '{"n":[0,1e308,5e-324,9007199254740993,1.7976931348623157e308,-1e-7]}',
  '{"text":"\\u0000\\u001f\\u2028\\u2029</script>\\r\\nSet-Cookie: a=b"}',
];

for (const [name, make] of Object.entries(STORES)) {
  Deno.test(`data: whatever JSON says is plain data, in ${name} (CVE-2015-6835, CVE-2017-1000053)`, async () => {
    const store = make();
    for (const body of HOSTILE) {
      for (const path of ["/assign", "/replace", "/start", "/flash", "/update"]) {
        const { client } = setup(store);
        const wanted = Object.entries(JSON.parse(body)).map(([key, value]) => [key, value]);
        const response = await client.fetch(path, { method: "POST", body });
        const what = `${path}: ${body}`;
        assertEquals(response.status, 200, what);
        // Numbers come first in every object.
        const sort = (entries: unknown[][]) => entries.map((each) => JSON.stringify(each)).sort();
        assertEquals(sort(Object.entries(await response.json())), sort(wanted), what);
        assertEquals(sort(Object.entries(await client.json("/read") as Data)), sort(wanted), what);
      }
      const { client } = setup(store);
      assertEquals(
        await client.text("/meta", { method: "POST", body }),
        JSON.stringify(JSON.parse(body)),
      );
      assertEquals(await client.text("/meta"), JSON.stringify(JSON.parse(body)), body);
    }
    assertEquals(Reflect.get({}, "admin"), undefined, "no prototype was reached");
    assertEquals(Reflect.get(setup, "admin"), undefined);
    if (store instanceof DenoKvStore) await store[Symbol.asyncDispose]();
  });
}

const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"];

for (const [name, make] of Object.entries(STORES)) {
  Deno.test(`data: update() of a key that every object has begins with nothing, in ${name}`, async () => {
    const store = make();
    for (const stored of [false, true]) {
      const app = new Hono().use(session<Data>({ store })).get("/", (c) => {
        c.var.session.a = 1;
        return c.text("set");
      }).get("/update/:key", async (c) => {
        return c.json(await c.var.session.update(c.req.param("key"), (n = 0) => (n as number) + 1));
      });
      for (const key of NAMES) {
        const client = new Client(app);
        if (stored) await client.text("/");
        assertEquals(await client.text(`/update/${key}`), "1", key);
        assertEquals(await client.text(`/update/${key}`), "2", key);
      }
    }
    if (store instanceof DenoKvStore) await store[Symbol.asyncDispose]();
  });
}

Deno.test("data: -0 is 0 and a Date is refused, as JSON would have it", async () => {
  const { app, client } = setup();
  app.get("/zero", (c) => {
    c.var.session.zero = -0;
    return c.text("set");
  });
  await client.text("/zero");
  const before = await client.cookie();
  assertEquals(await client.text("/read"), '{"zero":0}');
  assertEquals(await client.text("/zero"), "set");
  assertEquals(await client.cookie(), before);
});

/** Gives objects the accessor `__proto__`, which Node has and Deno has not. */
function withPrototypeAccessor(): Disposable {
  Object.defineProperty(Object.prototype, "__proto__", {
    get(this: object) {
      return Object.getPrototypeOf(this);
    },
    set(this: object, value: unknown) {
      if (typeof value === "object") Object.setPrototypeOf(this, value);
    },
    configurable: true,
  });
  return { [Symbol.dispose]: () => void Reflect.deleteProperty(Object.prototype, "__proto__") };
}

/** An object in an object, so many times. */
function nested(depth: number): Data {
  const outer: Data = {};
  let inner = outer;
  for (let level = 1; level < depth; level++) inner = (inner.in = {}) as Data;
  return outer;
}

/** What does not survive JSON, and what is said of it. */
const REFUSED: Record<string, [value: unknown, said: string]> = {
  "NaN": [[1, NaN], "session.bad[1] is NaN"],
  "Infinity": [{ x: -Infinity }, "session.bad.x is -Infinity"],
  "a BigInt": [1n, "session.bad is a bigint"],
  "a function": [{ toJSON: () => "x" }, "session.bad.toJSON is a function"],
  "a symbol": [Symbol("canary"), "session.bad is a symbol"],
  "a Date": [new Date(0), "session.bad is a Date"],
  "a Map": [new Map([["canary", 1]]), "session.bad is a Map"],
  "bytes": [new Uint8Array(9), "session.bad is a Uint8Array"],
  "a promise": [Promise.resolve("canary"), "session.bad is a Promise"],
  "a hole": [[1, , 3], "session.bad[1] is undefined"],
  "an object of 201 levels": [nested(201), "is nested more than 200 levels deep"],
  "an object of 100,000 levels": [nested(100_000), "is nested more than 200 levels deep"],
};

Deno.test("data: what does not survive JSON is refused by its path, and nothing is stored or sent", async () => {
  for (const [name, [value, said]] of Object.entries(REFUSED)) {
    for (const how of ["at the end", "save()", "update()", "startSession()", "flash()"]) {
      const map = new MapStore();
      const errors: unknown[] = [];
      const app = new Hono().use(session<Data>({ store: map, logger: QUIET }))
        .get("/", async (c) => {
          if (how === "update()") await c.var.session.update("bad", () => value);
          else if (how === "startSession()") await startSession(c, { bad: value });
          else if (how === "flash()") c.var.session.flash("bad", value);
          else c.var.session.bad = value;
          if (how === "save()") await c.var.session.save();
          return c.text("set");
        })
        .onError((error, c) => {
          errors.push(error);
          return c.text("failed", 500);
        });
      const response = await app.request("/");
      const what = `${name}, ${how}`;
      assertEquals(
        [response.status, response.headers.getSetCookie(), map.size],
        [500, [], 0],
        what,
      );
      // What update() put there is refused again when the request ends.
      const [error] = errors as Error[];
      assert(error instanceof SessionSerializationError, what);
      assert(error.message.includes(said), `${what}: ${error.message}`);
      assert(!error.message.includes("canary"), what);
    }
  }
  const cycle: Data = {};
  cycle.self = { cycle };
  const { app } = setup();
  app.get("/cycle", async (c) => {
    c.var.session.bad = cycle;
    await assertRejects(() => c.var.session.save(), SessionSerializationError, "is a cycle");
    delete c.var.session.bad;
    return c.text("refused");
  });
  assertEquals((await app.request("/cycle")).status, 200);
});

Deno.test("data: a symbol as key is refused wherever it is, and nothing is stored or sent", async () => {
  const symbols = { [Symbol("canary")]: "canary" };
  const data = { a: 1, ...symbols };
  const puts: ((c: Context<SessionEnv<Data>>) => unknown)[] = [
    (c) => Object.assign(c.var.session, symbols),
    (c) => Object.assign(c.var.session, data),
    (c) => c.var.session.deep = data,
    (c) => c.var.session.flash("deep", symbols),
    (c) => c.set("session", symbols as never),
    (c) => c.set("session", data as never),
    (c) => startSession(c, symbols),
    (c) => startSession(c, data),
  ];
  for (const [at, put] of puts.entries()) {
    for (const initial of [{}, { first: 1 }]) {
      for (const saves of [false, true]) {
        const map = new MapStore();
        const errors: unknown[] = [];
        const app = new Hono().use(session<Data>({ store: map, initial, logger: QUIET }))
          .get("/", async (c) => {
            await put(c);
            if (saves) await c.var.session.save();
            return c.text("set");
          })
          .onError((error, c) => {
            errors.push(error);
            return c.text("failed", 500);
          });
        const { status, headers } = await app.request("/");
        assertEquals([status, headers.getSetCookie(), map.size], [500, [], 0], `${at}`);
        const [error] = errors;
        assert(error instanceof SessionSerializationError, `${at}`);
        assertMatch(error.message, /session(\.deep)? has a symbol as key$/);
      }
    }
  }
  const sessions = createSessions({ store: new MapStore() });
  await assertRejects(() => sessions.create(symbols), SessionSerializationError, "a symbol as key");
});

Deno.test("data: an array with a member __proto__ is refused by its path, and nothing gets another prototype", async () => {
  const said = 'session.bad has the member "__proto__" beside its items';
  using _accessor = withPrototypeAccessor();
  for (const prototype of [[1], { canary: 1 }, null, "canary"]) {
    const list = Object.defineProperty([1], "__proto__", { value: prototype, enumerable: true });
    const puts: ((held: Session<Data>, c: Context) => unknown)[] = [
      (held) => held.bad = list,
      (held) => held.update("bad", () => list),
      (held) => held.flash("bad", list),
      (_, c) => c.set("session", { bad: list }),
      (_, c) => startSession(c, { bad: list }),
    ];
    for (const [at, put] of puts.entries()) {
      const map = new MapStore();
      const app = new Hono().use(session<Data>({ store: map, logger: QUIET }))
        .get("/", async (c) => {
          await put(c.var.session, c);
          const isArray = Object.getPrototypeOf(c.var.session.bad) === Array.prototype;
          return c.text(isArray ? "set" : "it has another prototype");
        })
        .onError((error, c) => c.text(error.message, 500));
      const response = await app.request("/");
      assertEquals(
        [response.status, await response.text(), response.headers.getSetCookie(), map.size],
        [500, `Cannot serialize session: ${said}`, [], 0],
        `${at}`,
      );
    }
  }
});

Deno.test("data: 200 levels and 10 MB are kept where there is room, and refused whole where there is none (CVE-2016-4423)", async () => {
  const { client } = setup();
  const large = JSON.stringify({ in: nested(198), text: "x".repeat(10_000_000) });
  await client.text("/assign", { method: "POST", body: large });
  assertEquals((await client.text("/read")).length, large.length);

  const errors: unknown[] = [];
  for (
    const store of [
      new EncryptedCookieStore({ secret: SECRET }),
      new DenoKvStore({ path: ":memory:" }),
    ]
  ) {
    const { app, client } = setup(store);
    app.onError((error, c) => {
      errors.push(error);
      return c.text("failed", 500);
    });
    const small = JSON.stringify({ name: "Ada" });
    await client.text("/assign", { method: "POST", body: small });
    const cookie = await client.cookie();
    const response = await client.fetch("/assign", { method: "POST", body: large });
    assertEquals([response.status, response.headers.getSetCookie()], [500, []]);
    assert(errors.at(-1) instanceof SessionTooLargeError);
    assertEquals([await client.cookie(), await client.text("/read")], [cookie, small]);
    if (store instanceof DenoKvStore) await store[Symbol.asyncDispose]();
  }
});

Deno.test("data: emptying a session is a change like any other (CVE-2023-20862)", async () => {
  for (const [name, make] of Object.entries(STORES)) {
    const store = make();
    const { app, client } = setup(store);
    app.get("/empty/:how", (c) => {
      if (c.req.param("how") === "assign") c.set("session", {} as typeof c.var.session);
      else for (const key of Object.keys(c.var.session)) delete c.var.session[key];
      return c.text("emptied");
    });
    for (const how of ["assign", "delete"]) {
      await client.text("/assign", { method: "POST", body: '{"admin":true,"roles":["x"]}' });
      await client.text(`/empty/${how}`);
      assertEquals(await client.text("/read"), "{}", `${how}, ${name}`);
    }
    if (store instanceof DenoKvStore) await store[Symbol.asyncDispose]();
  }
});
