// Each row of the table in .github/MIGRATING.md has a test of its name.
import { session, type SessionOptions } from "@x/hono-session";
import { CloudflareKvStore, type KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
import {
  EncryptedCookieStore,
  SignedCookieStore,
  UnsignedCookieStore,
} from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { RedisStore } from "@x/hono-session/stores/redis";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { SimpleCookieStore } from "@hattip/session";
import { Hono } from "hono";
import { createClient } from "redis";
import { Client } from "../_support/client.ts";
import { pooled } from "../_support/pooled.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";

interface Data {
  userId?: string;
  cart?: string[];
  theme?: string;
}

const SECRET = "a secret of thirty-two characters or more";

const nameOf = (name: string) => `coming from @hattip/session: ${name}`;

function row(name: string, run: () => Promise<void>): void {
  Deno.test(nameOf(name), run);
}

function setup(options: SessionOptions<Data> = {}, env: object = {}) {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), ...options }))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.userId = "42";
      return c.text("ok");
    })
    .get("/add", (c) => {
      (c.var.session.cart ??= []).push("apple");
      return c.text("ok");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("ok");
    })
    .get("/", (c) => c.json({ ...c.var.session, isNew: c.var.session.isNew }));
  const fetch = (request: Request) => app.fetch(request, env);
  return { app, client: new Client({ fetch }) };
}

row("`ctx.session.data.userId`, `ctx.session.isFresh`", async () => {
  const { client } = setup();
  assertEquals(await client.json("/"), { isNew: true });
  await client.text("/login");
  assertEquals(await client.json("/"), { userId: "42", isNew: false });
});

row("`ctx.session.regenerate()`, `ctx.session.destroy()`", async () => {
  const { client } = setup();
  await client.text("/add");
  const planted = await client.thief();
  await client.text("/login");
  assertEquals(await planted.json("/"), { isNew: true });
  assertEquals(await client.json("/"), { cart: ["apple"], userId: "42", isNew: false });
  const stolen = await client.thief();
  await client.text("/logout");
  assertEquals(await stolen.json("/"), { isNew: true });
});

row("`session({ store })`, with what it does by default", async () => {
  const { app } = setup({ cookieName: "session", maxAge: 300 });
  const [cookie] = (await app.request("/login")).headers.getSetCookie();
  assertMatch(cookie!, /^session=[\w-]{43}; Max-Age=300;/);
  const [other] = (await setup().app.request("/login")).headers.getSetCookie();
  assertMatch(other!, /^sid=[\w-]{43}; Max-Age=86400;/);
});

row("cookies without attributes", async () => {
  const [cookie] = (await setup().app.request("/login")).headers.getSetCookie();
  assertMatch(cookie!, /; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  const cookieOptions = { secure: false, httpOnly: false } as const;
  const [open] = (await setup({ cookieOptions }).app.request("/login")).headers.getSetCookie();
  assertMatch(open!, /; Path=\/; SameSite=Lax$/);
});

row("`defaultSessionData: async (ctx) => …`", async () => {
  for (const initial of [async () => await {}, (c: unknown) => ({ c })]) {
    assertThrows(
      () => setup({ initial: initial as never }),
      TypeError,
      "option initial is not valid",
    );
  }
  assertThrows(
    () => setup({ defaultSessionData: {} } as never),
    TypeError,
    "there is no option defaultSessionData; use initial",
  );
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .use(async (c, next) => {
      if (c.var.session.isNew) {
        c.var.session.theme = await Promise.resolve(c.req.query("theme") ?? "light");
      }
      await next();
    })
    .get("/", (c) => c.text(c.var.session.theme!));
  const client = new Client(app);
  assertEquals(await client.text("/?theme=dark"), "dark");
  assertEquals(await client.text("/"), "dark");
});

row("`getSessionId`, `setSessionId`, `hash`", async () => {
  for (const name of ["getSessionId", "setSessionId", "hash"]) {
    assertThrows(() => setup({ [name]() {} } as never), TypeError, `there is no option ${name}; `);
  }
  const { app } = setup({ secret: SECRET, token: { maxAge: 60 } });
  app.get("/token", async (c) => {
    await c.var.session.save();
    return c.text(c.get("sessionToken" as never));
  });
  const client = new Client(app);
  await client.text("/login");
  const headers = { authorization: `Bearer ${await client.text("/token")}` };
  assertEquals(await (await app.request("/", { headers })).json(), { userId: "42", isNew: false });
});

row("`defaultSessionData`", async () => {
  for (const initial of [{ cart: [] as string[] }, () => ({ cart: [] })]) {
    const { app } = setup({ initial });
    for (let visitor = 0; visitor < 3; visitor++) {
      const client = new Client(app);
      assertEquals((await client.fetch("/")).headers.getSetCookie(), []);
      await client.text("/add");
      assertEquals(await client.json("/"), { cart: ["apple"], isNew: false });
    }
  }
});

row("`new UnsignedCookieStore({ parse })`", async () => {
  const store = new UnsignedCookieStore({
    parse(text) {
      const { theme } = JSON.parse(text);
      if (theme !== "dark" && theme !== undefined) throw new Error("no such theme");
      return { theme };
    },
  });
  const { app, client } = setup({ store });
  app.get("/dark", (c) => {
    c.var.session.theme = "dark";
    return c.text("ok");
  });
  await client.text("/dark");
  assertEquals(await client.json("/"), { theme: "dark", isNew: false });
  const forged = btoa(atob((await client.value())!).replace("dark", "evil"));
  assertEquals(await (await app.request("/", { headers: { cookie: `sid=${forged}` } })).json(), {
    isNew: true,
  });
});

row("`new SimpleCookieStore({ parse })`", async () => {
  assertThrows(
    () => setup({ store: new SimpleCookieStore() as never }),
    TypeError,
    "it is a store of @hattip/session, use new UnsignedCookieStore({ parse })",
  );
  const { client } = setup({ store: new UnsignedCookieStore({ parse: JSON.parse }) });
  await client.text("/add");
  assertEquals(await client.json("/"), { cart: ["apple"], isNew: false });
});

row('`generateKeysFromSecrets(["secret"])`', async () => {
  for (const Store of [SignedCookieStore, EncryptedCookieStore]) {
    await assertRejects(
      () => Store.generateKeysFromSecrets(["secret"]),
      RangeError,
      "secret is 6 characters, at least 32 are required",
    );
    const { client } = setup({ store: new Store({ secret: SECRET }) });
    await client.text("/login");
    assertEquals(await client.json("/"), { userId: "42", isNew: false });
  }
});

row("`new SignedCookieStore(keys)`, `new EncryptedCookieStore(keys)`", async () => {
  for (const Store of [SignedCookieStore, EncryptedCookieStore]) {
    const keys = await Store.generateKeysFromSecrets([SECRET]);
    assertThrows(() => new Store(keys as never), TypeError, "write { keys }");
    const [newer] = await Store.generateKeysFromSecrets([SECRET]);
    const older = await Store.generateKey();
    const [again] = await Store.generateKeysFromBase64([await Store.exportKey(older)]);
    const { client } = setup({ store: new Store({ keys: [older] }) });
    await client.text("/login");
    const value = await client.value();
    const { app } = setup({ store: new Store({ keys: [newer!, again!] }) });
    const response = await app.request("/", { headers: { cookie: `sid=${value}` } });
    assertEquals(await response.json(), { userId: "42", isNew: false });
    assertEquals(response.headers.getSetCookie().length, 1, "issued again under the first");
  }
});

row("`new UnsafeMemoryStore()`", async () => {
  const store = new MapStore({ maxEntries: 2 });
  const { app } = setup({ store });
  for (let visitor = 0; visitor < 5; visitor++) await app.request("/login");
  assertEquals(store.size, 2);
});

let server: RedisServer;
const ignore = skipRedis();
if (!ignore) {
  Deno.test.beforeAll(async () => void (server = await RedisServer.start()));
  Deno.test.afterAll(() => server.stop());
}

pooled({ ignore })(
  nameOf("`new RedisSessionStore({ getClient })`"),
  async () => {
    const redis = await createClient({ url: server.url }).connect();
    try {
      const { client } = setup({ store: new RedisStore({ client: (c) => c.env.redis }) }, {
        redis,
      });
      await client.text("/login");
      assertEquals(await client.json("/"), { userId: "42", isNew: false });
    } finally {
      await redis.close();
    }
  },
);

pooled({ ignore })(
  nameOf("`getClient: () => redis.createClient()`"),
  async () => {
    assertThrows(
      () => new RedisStore({ getClient: () => createClient() } as never),
      TypeError,
      "there is no option getClient; use client: (c) => …",
    );
    const errors: unknown[] = [];
    const { app } = setup({
      store: new RedisStore({ client: () => createClient({ url: server.url }) }),
      events: { storeError: ({ error }) => void errors.push(error) },
    });
    assertEquals((await app.request("/login")).status, 503);
    const { cause } = errors[0] as Error;
    assert(cause instanceof Error);
    assertMatch(cause.message, /it is not connected; await client.connect\(\) before/);
    const redis = await createClient({ url: server.url }).connect();
    try {
      const { client } = setup({ store: new RedisStore({ client: redis }) });
      await client.text("/login");
      assertEquals(await client.json("/"), { userId: "42", isNew: false });
    } finally {
      await redis.close();
    }
  },
);

pooled({ ignore })(
  nameOf("`session:<uuid>` in Redis, `<uuid>` in Workers KV"),
  async () => {
    const redis = await createClient({ url: server.url }).connect();
    try {
      await redis.flushDb();
      const { client } = setup({ store: new RedisStore({ client: redis }) });
      await client.text("/login");
      const [key, ...others] = await redis.keys("*");
      assertMatch(key!, /^session:[\w-]{43}$/);
      assertEquals([others, key!.includes((await client.value())!)], [[], false]);
    } finally {
      await redis.close();
    }
  },
);

row("`new KvSessionStore({ getStore })`", async () => {
  assertThrows(
    () => new CloudflareKvStore({ getStore() {} } as never),
    TypeError,
    "there is no option getStore; use namespace: (c) => c.env.SESSION",
  );
  const texts = new Map<string, string>();
  const SESSION: KvNamespaceLike = {
    get: (key) => texts.get(key) ?? null,
    put: (key, value) => void texts.set(key, value),
    delete: (key) => void texts.delete(key),
  };
  const store = new CloudflareKvStore({ namespace: (c) => c.env.SESSION });
  const { client } = setup({ store }, { SESSION });
  await client.text("/login");
  assertEquals(await client.json("/"), { userId: "42", isNew: false });
  assertEquals(texts.size > 0, true);
});

row("`cookieOptions: { maxAge }`", async () => {
  const { app } = setup({ maxAge: 300 });
  assertMatch((await app.request("/login")).headers.getSetCookie()[0]!, /Max-Age=300;/);
});
