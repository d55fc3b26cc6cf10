// What is shown of a session when somebody prints it, or what leads to it.
import {
  createSessions,
  getSession,
  session,
  type SessionCookie,
  type SessionOptions,
} from "@x/hono-session";
import {
  EncryptedCookieStore,
  Revocations,
  SealedCookieStore,
} from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { type Context, Hono } from "hono";
import { format, inspect } from "node:util";

interface Data {
  password?: string;
}

const SECRET = "a secret of thirty-two characters or more";
const PASSWORD = "correct horse battery staple";

/** All ways to print a value, as deep as it goes. */
const PRINTERS: Record<string, (value: unknown) => string> = {
  "Deno.inspect": (value) => Deno.inspect(value, { depth: 50 }),
  "Deno.inspect, nested": (value) => Deno.inspect({ deep: [value] }, { depth: 50 }),
  "Deno.inspect, with proxies": (value) => Deno.inspect(value, { depth: 50, showProxy: true }),
  "Deno.inspect, with getters": (value) => Deno.inspect(value, { depth: 50, getters: true }),
  "inspect": (value) => inspect(value, { depth: 50 }),
  "inspect, nested": (value) => inspect({ deep: [value] }, { depth: 50 }),
  "inspect, with proxies": (value) => inspect(value, { depth: 50, showProxy: true }),
  "inspect, with getters": (value) => inspect(value, { depth: 50, getters: true }),
  "%o": (value) => format("%o", value),
  "%O": (value) => format("%O", value),
};

const OPTIONS: SessionOptions<Data> = {
  secret: SECRET,
  token: { maxAge: 60, secret: `another ${SECRET}` },
};

const STORES: Record<string, () => SessionOptions<Data>> = {
  "MapStore": () => ({ ...OPTIONS, store: new MapStore() }),
  "SealedCookieStore": () => ({ store: new SealedCookieStore({ secret: SECRET }) }),
  "EncryptedCookieStore": () => ({
    store: new EncryptedCookieStore({
      secret: SECRET,
      revocations: new Revocations(new MapStore({ maxEntries: Infinity })),
    }),
  }),
};

/** Runs something within the request of a session in which a password lies. */
async function within(options: SessionOptions<Data>, run: (c: Context) => unknown): Promise<void> {
  let ran = false;
  const app = new Hono()
    .use(session<Data>(options))
    .get("/set", async (c) => {
      (await getSession<Data>(c)).password = PASSWORD;
      return c.text("set");
    })
    .get("/", async (c) => {
      await getSession(c);
      await run(c);
      ran = true;
      return c.text("ran");
    });
  const set = await app.request("/set");
  const cookie = set.headers.getSetCookie()[0]!.split(";")[0]!;
  assertEquals(await (await app.request("/", { headers: { cookie } })).text(), "ran");
  assert(ran);
}

Deno.test("sessionCookie shows its attributes when it is printed, as an object of them does", async () => {
  for (const makeOptions of Object.values(STORES)) {
    await within(makeOptions(), (c) => {
      const cookie: SessionCookie = c.get("sessionCookie");
      cookie.sameSite = "Strict";
      const attributes = {
        httpOnly: true,
        path: "/",
        sameSite: "Strict",
        secure: true,
        maxAge: 86400,
      };
      for (const print of [Deno.inspect, inspect, (value: unknown) => format("%O", value)]) {
        assertEquals(print(cookie), print(attributes));
        assertEquals(print({ deep: [cookie] }), print({ deep: [attributes] }));
      }
      assertEquals({ ...cookie }, attributes as SessionCookie);
      assertEquals(JSON.stringify(cookie), JSON.stringify(attributes));
    });
  }
});

for (const [name, makeOptions] of Object.entries(STORES)) {
  for (const lazy of [false, true]) {
    Deno.test(`what leads to a session shows no data, token or secret, in ${name}${lazy ? ", lazy" : ""}`, async () => {
      const options = { ...makeOptions(), lazy };
      const check = (what: string, value: unknown) => {
        for (const [how, print] of Object.entries(PRINTERS)) {
          // The cookie of the request is the client's own word.
          const text = print(value).replaceAll(/sid=[^"'\s]*/g, "");
          assert(!text.includes("thirty-two"), `${what} by ${how} shows a secret`);
          assert(!text.includes("horse"), `${what} by ${how} shows data`);
        }
      };
      await within(options, (c) => {
        check("cookie", c.get("sessionCookie"));
        check("session", c.get("session"));
        check("context", c);
        c.get("session").destroy();
        check("session that has ended", c.get("session"));
        check("context of a session that has ended", c);
        check("cookie of a session that has ended", c.get("sessionCookie"));
      });
      check("manager", createSessions(options));
      check("store", options.store);
    });
  }
}

Deno.test("a session of a store that failed shows nothing of it when it is printed", async () => {
  const store = new MapStore();
  const app = new Hono().use(session<Data>({
    ...OPTIONS,
    store,
    onStoreError: "anonymous",
    logger: { error() {}, warn() {} },
    initial: { password: PASSWORD },
  })).get("/", (c) => {
    for (const print of Object.values(PRINTERS)) {
      for (const value of [c.var.session, c.get("sessionCookie"), c]) {
        const text = print(value);
        assert(!text.includes("thirty-two") && !text.includes("horse"), text);
      }
    }
    return c.text("ran");
  });
  store.read = () => {
    throw new Error("store failed");
  };
  const headers = { cookie: `sid=${"A".repeat(43)}.${"A".repeat(43)}` };
  assertEquals(await (await app.request("/", { headers })).text(), "ran");
});
