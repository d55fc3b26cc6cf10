// Each row of the README's table has a test of its name.
import { session, type SessionOptions } from "@x/hono-session";
import { CloudflareKvStore, type KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
import {
  EncryptedCookieStore,
  SignedCookieStore,
  UnsignedCookieStore,
} from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { RedisStore } from "@x/hono-session/stores/redis";
import { assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import { createClient } from "redis";
import { Client } from "../_client.ts";
import { pooled } from "../_pooled.ts";
import { RedisServer, skipRedis } from "../_redis.ts";

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

row("`new SignedCookieStore(keys)`, `new EncryptedCookieStore(keys)`", async () => {
  for (const Store of [SignedCookieStore, EncryptedCookieStore]) {
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

row("`new KvSessionStore({ getStore })`", async () => {
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
