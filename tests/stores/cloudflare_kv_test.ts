import { session, type SessionRecord, SessionTooLargeError } from "@x/hono-session";
import { CloudflareKvStore, type KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
import { Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore, storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { COOKIE_STORES } from "../_support/cookie_stores.ts";
import { pooled } from "../_support/pooled.ts";
import { makeRecord } from "../_support/record.ts";
import { bundleApp, openWorkers, type Workers } from "../_support/workers.ts";

const { capabilities } = new CloudflareKvStore({ namespace: (c) => c.env.SESSION });

/** A namespace in memory, for what happens before KV is asked. */
function makeNamespace() {
  const entries = new Map<string, string>();
  const namespace: KvNamespaceLike = {
    get: (key) => entries.get(key) ?? null,
    put: (key, value) => void entries.set(key, value),
    delete: (key) => void entries.delete(key),
  };
  return { namespace, entries };
}

Deno.test("CloudflareKvStore declares what KV can't promise", () => {
  assertEquals(capabilities, {
    atomic: false,
    index: false,
    consistency: "eventual",
    maxBytes: 26_214_400,
    minTtl: 60,
  });
});

Deno.test("CloudflareKvStore ends nothing for a record that is too large", async () => {
  const clock = new FakeClock();
  const { namespace, entries } = makeNamespace();
  const store = new CloudflareKvStore({ namespace, clock: clock.now });
  const record = makeRecord(clock);
  await store.create("key", record);
  // Two bytes a character: a count of characters would not notice.
  const data = JSON.stringify({ text: "é".repeat(capabilities.maxBytes! / 2) });
  const large: SessionRecord = { ...record, version: 2, data };
  for (
    const write of [
      () => store.create("other", large),
      () => store.update("key", large, record),
      () => store.replace("key", { key: "other", record: large }, record),
    ]
  ) {
    const { size, limit } = await assertRejects(write, SessionTooLargeError);
    assert(size > limit && limit === capabilities.maxBytes);
  }
  assertEquals([...entries.keys()], ["session:key"]);
  assertEquals(await store.read("key"), record);
});

Deno.test("CloudflareKvStore finds its namespace in each request", async () => {
  const [one, other] = [makeNamespace(), makeNamespace()];
  const store = new CloudflareKvStore({
    namespace: (c: Context<{ Bindings: { SESSION: KvNamespaceLike } }>) => c.env.SESSION,
  });
  const app = new Hono().use(session<{ name?: string }>({ store })).get("/", (c) => {
    c.var.session.name = "Ada";
    return c.text("ok");
  });
  await app.request("/", {}, { SESSION: one.namespace });
  assertEquals([one.entries.size, other.entries.size], [1, 0]);
  await app.request("/", {}, { SESSION: other.namespace });
  assertEquals([one.entries.size, other.entries.size], [1, 1]);
});

Deno.test("CloudflareKvStore finds a namespace later", async () => {
  const { namespace, entries } = makeNamespace();
  let found = 0;
  const store = new CloudflareKvStore({
    namespace: async (c: Context<{ Bindings: { SESSION: Promise<KvNamespaceLike> } }>) => {
      found++;
      return await c.env.SESSION;
    },
  });
  const app = new Hono()
    .use(session<{ name?: string }>({ store }))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = "Ada";
      return c.text("welcome");
    })
    .get("/me", (c) => c.text(c.var.session.name ?? "nobody"))
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
  const env = { SESSION: Promise.resolve(namespace) };
  const client = new Client({ fetch: (request) => app.fetch(request, env) });
  await client.text("/login");
  await client.text("/login");
  const kept = () => [...entries.values()].filter((text) => !text.includes('"trace"')).length;
  assertEquals([kept(), await client.text("/me")], [1, "Ada"]);
  await client.text("/logout");
  assertEquals([kept(), await client.text("/me")], [0, "nobody"]);
  assert(found > 0);
});

Deno.test("CloudflareKvStore says when a namespace is not found later", async () => {
  const cause = new Error("no binding");
  const finds: [find: () => Promise<never>, cause: unknown][] = [
    [() => Promise.reject(cause), cause],
    [() => Promise.resolve(undefined as never), undefined],
  ];
  for (const [namespace, cause] of finds) {
    const store = new CloudflareKvStore({ namespace });
    const error = await assertRejects(
      () => store.read("key", {}),
      TypeError,
      "Cannot reach Workers KV: namespace(c) finds none",
    );
    assertEquals(error.cause, cause);
  }
});

Deno.test("CloudflareKvStore says when there is no namespace", async () => {
  const record = makeRecord(new FakeClock());
  const store = new CloudflareKvStore({ namespace: (c) => c.env.SESSION });
  for (const c of [{ env: {} }, { env: undefined }, { env: { SESSION: "a name" } }]) {
    for (
      const call of [
        () => store.read("key", c),
        () => store.create("key", record, c),
        () => store.update("key", record, record, c),
        () => store.replace("key", { key: "other", record }, record, c),
        () => store.touch("key", record, record, c),
        () => store.delete("key", c),
      ]
    ) {
      await assertRejects(call, TypeError, "Cannot reach Workers KV: namespace(c) finds none");
    }
  }
  await assertRejects(
    () => store.read("key"),
    TypeError,
    "Cannot reach Workers KV: namespace(c) failed without a Hono context; pass { c }",
  );
  const { namespace } = makeNamespace();
  const free = new CloudflareKvStore({ namespace: () => namespace });
  assertEquals(await free.read("key"), undefined, "a function may find it without a request");
});

Deno.test("CloudflareKvStore refuses options that can't work", () => {
  for (const namespace of [undefined, null, "SESSION", {}, { get() {}, put() {} }]) {
    assertThrows(
      () => new CloudflareKvStore({ namespace: namespace as never }),
      TypeError,
      "Cannot create CloudflareKvStore: option namespace is not valid: ",
    );
  }
  const { namespace } = makeNamespace();
  new CloudflareKvStore({ namespace, prefix: "ż".repeat(234) });
  assertThrows(
    () => new CloudflareKvStore({ namespace, prefix: "ż".repeat(235) }),
    RangeError,
    "Cannot create CloudflareKvStore: option prefix is 470 bytes, at most 469",
  );
});

Deno.test("Revocations refuse a store where they may get lost or be seen late, and cookie stores a bare one", () => {
  const unbounded = () => new MapStore({ maxEntries: Infinity });
  const map = unbounded();
  const late = unbounded();
  Object.assign(late, { capabilities: { ...late.capabilities, consistency: "eventual" } });
  const lossy = unbounded();
  Object.assign(lossy, { capabilities: { ...lossy.capabilities, atomic: false } });
  const { namespace } = makeNamespace();
  const eventual = new CloudflareKvStore({ namespace });
  const cookies = Object.values(COOKIE_STORES).map((make) => make());
  for (const store of [eventual, late, lossy, ...cookies]) {
    assertThrows(() => new Revocations(store), TypeError, "strongly consistent is required");
  }
  for (const evicting of [new MapStore(), new MapStore({ maxEntries: 1e9 })]) {
    for (const store of [evicting, new FaultyStore(evicting)]) {
      assertThrows(() => new Revocations(store), TypeError, "set maxEntries: Infinity of MapStore");
    }
  }
  for (const nothing of [new Map(), {}, undefined, null, "redis"]) {
    assertThrows(
      () => new Revocations(nothing as never),
      TypeError,
      "Cannot create Revocations: a store on the server",
    );
  }
  for (const make of Object.values(COOKIE_STORES)) {
    for (const bare of [map, eventual, make(), new Map(), {}]) {
      assertThrows(
        () => make({ revocations: bare as never }),
        TypeError,
        "option revocations is not valid: write revocations: new Revocations(store)",
      );
    }
    make({ revocations: new Revocations(map) });
  }
});

const workers = await openWorkers(await bundleApp("workers_app.ts"));
if (workers) {
  Deno.test.afterAll(async () => await workers[Symbol.asyncDispose]());
  testInWorkerd(workers);
}

function testInWorkerd({ namespace, url }: Workers): void {
  const test = pooled();

  storeConformance({
    name: "CloudflareKvStore",
    capabilities,
    canFail: true,
    canRecover: true,
    test,
    open(clock) {
      // KV refuses a key of more than 512 bytes.
      let suffix = "";
      const store = new CloudflareKvStore({
        clock,
        prefix: `${crypto.randomUUID()}:`,
        namespace: {
          get: (key) => namespace.get(key + suffix),
          put: (key, value, options) => namespace.put(key + suffix, value, options),
          delete: (key) => namespace.delete(key + suffix),
        },
      });
      return {
        store,
        fail: () => void (suffix = "x".repeat(512)),
        recover: () => void (suffix = ""),
      };
    },
  });

  test("Workers KV takes no time to live below 60 or above 31 bits, and cuts fractions", async () => {
    const put = async (expirationTtl: number) => {
      await namespace.put("ttl", "text", { expirationTtl });
    };
    await assertRejects(() => put(59), Error, "must be at least 60");
    await assertRejects(() => put(59.9), Error, "must be at least 60");
    await assertRejects(() => put(2 ** 31), Error, "out of range");
    await put(60);
    await put(2 ** 31 - 1);
    await put(3600.9);
    const { keys } = await namespace.list();
    const { expiration } = keys.find(({ name }) => name === "ttl")!;
    const left = expiration! - Date.now() / 1000;
    assert(left < 3600.5, `it ends in ${left} seconds, before the record`);
    await namespace.delete("ttl");
  });

  test("CloudflareKvStore gives KV a time to live that it takes", async () => {
    const clock = new FakeClock();
    const lives: number[] = [];
    const store = new CloudflareKvStore({
      clock: clock.now,
      prefix: "lives:",
      namespace: {
        get: (key) => namespace.get(key),
        put(key, value, options) {
          lives.push(options.expirationTtl);
          return namespace.put(key, value, options);
        },
        delete: (key) => namespace.delete(key),
      },
    });
    const life = (milliseconds: number) =>
      makeRecord(clock, { expiresAt: clock.now() + milliseconds });

    for (const milliseconds of [1, 59_999, 60_000, 60_001, 3_600_000.5, 3_155_760_000_000]) {
      const key = crypto.randomUUID();
      const record = life(milliseconds);
      assertEquals(await store.create(key, record), true);
      assertEquals(await store.read(key), record);
    }
    assertEquals(lives.splice(0), [60, 60, 60, 61, 3601, 2_147_483_647]);

    const [first, second, third] = [1, 2, 3].map((version) => ({ ...life(600_000), version }));
    await store.create("key", first!);
    clock.advance(100.25);
    await store.update("key", second!, first!);
    await store.touch("key", { ...second!, expiresAt: clock.now() + 900_000 }, second!);
    await store.replace("key", { key: "other", record: third! }, second!);
    assertEquals(lives, [600, 500, 900, 500]);
  });

  test("CloudflareKvStore takes what is no record of its own for nothing", async () => {
    const clock = new FakeClock();
    const store = new CloudflareKvStore({ namespace, prefix: "junk:", clock: clock.now });
    const record = makeRecord(clock);
    const text = JSON.stringify(record);
    for (
      const junk of [
        "",
        "null",
        "[]",
        "42",
        '"text"',
        "\ufffd",
        "{}",
        text.slice(0, -1),
        `${text}${text}`,
        text.replace('"format":1', '"format":2'),
        text.replace(/"expiresAt":\d+/, '"expiresAt":"never"'),
      ]
    ) {
      await namespace.put("junk:key", junk, { expirationTtl: 60 });
      assertEquals(await store.read("key"), undefined, junk);
      assertEquals(await store.update("key", { ...record, version: 2 }, record), false, junk);
      assertEquals(await store.touch("key", record, record), false, junk);
      assertEquals(await namespace.get("junk:key"), junk);
      assertEquals(await store.create("key", record), true, junk);
      assertEquals(await store.read("key"), record);
    }
  });

  test("Workers KV takes keys with the shortest and the longest prefix", async () => {
    const clock = new FakeClock();
    const record = makeRecord(clock);
    const key = "k".repeat(43);
    for (const prefix of ["", "ż".repeat(234)]) {
      const store = new CloudflareKvStore({ namespace, prefix, clock: clock.now });
      assertEquals(await store.create(key, record), true);
      assertEquals(await store.read(key), record);
    }
  });

  test("an application in workerd keeps its sessions in KV", async () => {
    const app: Pick<Hono, "fetch"> = {
      fetch: (request: Request) =>
        fetch(new URL(new URL(request.url).pathname, url), {
          method: request.method,
          headers: request.headers,
          redirect: "manual",
        }),
    };
    const client = new Client(app);
    const post = (path: string) => client.fetch(path, { method: "POST" });
    const operations = () => client.json("/operations");
    const kept = async () => {
      const { keys } = await namespace.list();
      const names = keys.filter(({ name }) => name.startsWith("session:"));
      const texts = await Promise.all(names.map(({ name }) => namespace.get(name)));
      return names.filter((_, index) => !JSON.parse(texts[index]!).trace);
    };

    for (const path of ["/static", "/read", "/missing"]) {
      const response = await client.fetch(path);
      assertEquals(response.headers.getSetCookie(), [], path);
      await response.text();
    }
    const forged = { headers: { cookie: `sid=${"A".repeat(43)}.${"A".repeat(43)}` } };
    assertEquals(await client.json("/read", forged), {});
    assertEquals(await operations(), [], "anonymous visitors cost nothing");

    assertEquals(await (await post("/visit")).json(), { visits: 1 });
    assertEquals(await (await post("/visit")).json(), { visits: 2 });
    assertEquals(await operations(), ["put", "get", "get", "put"]);
    const [before, ...others] = await kept();
    assertEquals(others, []);
    assertMatch(before!.name, /^session:[\w-]{43}$/);
    const left = before!.expiration! - Date.now() / 1000;
    assert(left > 590 && left <= 601, `KV reclaims it in ${left} seconds`);

    assertEquals(await (await post("/background")).text(), "begun");
    // workerd goes on with the task when the response has left.
    for (let tries = 0; tries < 50; tries++) {
      if ((await client.json("/warnings") as string[]).length > 0) break;
    }
    const warnings = await client.json("/warnings") as string[];
    assertEquals(warnings.length, 1);
    assertMatch(warnings[0]!, /^Cannot keep change of session: .* call save\(\)/);
    await operations();

    const thief = await client.thief();
    const login = await post("/login/Ada");
    assertEquals([login.status, login.headers.getSetCookie().length], [302, 1]);
    await login.text();
    // The new key is not looked at: Cloudflare would remember for a minute that there is nothing under it.
    assertEquals(await operations(), ["get", "get", "put", "put"]);
    assertEquals(await client.json("/read"), { visits: 2, name: "Ada" });
    assertEquals(await thief.json("/read"), {}, "the token before the login is invalid");
    const [after, ...more] = await kept();
    assertEquals(more, []);
    assert(after!.name !== before!.name);

    const copy = await client.thief();
    const logout = await post("/logout");
    assertEquals(logout.status, 204);
    assertMatch(logout.headers.getSetCookie()[0]!, /^sid=; Max-Age=0/);
    assertEquals(await kept(), []);
    assertEquals(await copy.json("/read"), {}, "the cookie that was copied is invalid");
    assertEquals(await client.json("/read"), {});
  });
}
