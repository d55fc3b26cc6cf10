// A new session starts with the initial data, however it begins.
import { createSessions, endSession, type SessionStore, startSession } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { type Context, Hono } from "hono";
import { Client } from "../_support/client.ts";
import { COOKIE_STORES } from "../_support/cookie_stores.ts";

interface Data {
  theme?: string;
  cart?: string[];
  userId?: string;
}

const INITIAL: Data = { theme: "light", cart: ["gift"] };

const STORES: Record<string, () => SessionStore & Partial<AsyncDisposable>> = {
  MapStore: () => new MapStore(),
  DenoKvStore: () => new DenoKvStore({ path: ":memory:" }),
  ...COOKIE_STORES,
};

/** Ways to begin a session with some data. */
const WAYS: Record<string, (c: Context, data: Data) => unknown> = {
  "startSession()": (c, data) => startSession(c, data),
  "c.session": (c, data) => Reflect.set(c, "session", data),
  "c.set()": (c, data) => c.set("session", data),
  "c.session after an end": async (c, data) => {
    await endSession(c);
    Reflect.set(c, "session", data);
  },
  "c.session, over what was changed": (c, data) => {
    c.var.session.theme = "dark";
    c.var.session.cart.push("apple");
    Reflect.set(c, "session", data);
  },
};

function setup(store: SessionStore, begin: (c: Context, data: Data) => unknown, data: Data) {
  const sessions = createSessions<Data>({
    store,
    initial: () => INITIAL,
  });
  const app = new Hono()
    .use(sessions.middleware())
    .get("/begin", async (c) => {
      await begin(c, data);
      return c.json(c.var.session);
    })
    .get("/touch", (c) => {
      c.var.session.cart!.push("apple");
      return c.json(c.var.session);
    })
    .get("/read", (c) => c.json([c.var.session, c.var.session.isNew]));
  return { sessions, client: new Client(app), app };
}

for (const [name, makeStore] of Object.entries(STORES)) {
  for (const [way, begin] of Object.entries(WAYS)) {
    Deno.test(`initial: ${way} begins with it, under what is given, in ${name}`, async () => {
      const cases: [given: Data, Data][] = [
        [{ userId: "42" }, { ...INITIAL, userId: "42" }],
        [{ theme: "dark" }, { ...INITIAL, theme: "dark" }],
        [{ cart: [], userId: "42" }, { theme: "light", cart: [], userId: "42" }],
      ];
      for (const [given, expected] of cases) {
        const store = makeStore();
        const { client } = setup(store, begin, given);
        assertEquals(await client.json("/begin"), expected);
        assertEquals(await client.json("/read"), [expected, false]);
        assertEquals(INITIAL, { theme: "light", cart: ["gift"] });
        await store[Symbol.asyncDispose]?.();
      }
    });
  }

  Deno.test(`initial: createSessions().create() begins with it, in ${name}`, async () => {
    const store = makeStore();
    const { sessions, app } = setup(store, () => {}, {});
    const { cookie } = await sessions.create({ userId: "42" });
    const read = await app.request("/read", { headers: { cookie } });
    assertEquals(await read.json(), [{ ...INITIAL, userId: "42" }, false]);
    await store[Symbol.asyncDispose]?.();
  });
}

Deno.test("initial: an object that is assigned to a stored session replaces all data", async () => {
  const { client } = setup(new MapStore(), WAYS["c.session"]!, { userId: "42" });
  await client.json("/touch");
  assertEquals(await client.json("/begin"), { userId: "42" });
  assertEquals(await client.json("/read"), [{ userId: "42" }, false]);
});

Deno.test("initial: it alone is stored by startSession(), and not by an assigned object", async () => {
  for (const [way, records] of [["startSession()", 1], ["c.session", 0]] as const) {
    const store = new MapStore();
    const { client } = setup(store, WAYS[way]!, {});
    assertEquals(await client.json("/begin"), INITIAL);
    assertEquals(store.size, records, way);
    assertEquals(await client.json("/read"), [INITIAL, records === 0]);
  }
});

Deno.test("initial: each session that begins has a copy of its own", async () => {
  const { client } = setup(new MapStore(), async (c) => {
    const first = await startSession<Data>(c);
    first.cart!.push("apple");
    await startSession<Data>(c);
  }, {});
  assertEquals(await client.json("/begin"), INITIAL);
});
