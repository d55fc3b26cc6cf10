import { runInNewContext } from "node:vm";
import { setFlagsFromString } from "node:v8";
import { session } from "@x/hono-session";
import {
  type NodeRedisClusterLike,
  type RedisClientLike,
  RedisStore,
} from "@x/hono-session/stores/redis";
import { storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { createClient } from "redis";
import { Client } from "../_client.ts";
import { FakeClock } from "../_clock.ts";
import { DroppingProxy } from "../_dropping_proxy.ts";
import { pooled } from "../_pooled.ts";
import { makeRecord } from "../_record.ts";
import { RedisServer, skipRedis } from "../_redis.ts";
import { CLIENTS, CLUSTER_CLIENTS, type RedisConnection } from "../_redis_clients.ts";
import { RedisCluster } from "../_redis_cluster.ts";

const ignore = skipRedis();

const { capabilities } = new RedisStore({ client: () => Promise.reject() });

let server: RedisServer;
let cluster: RedisCluster;

Deno.test.beforeAll(async () => {
  if (ignore) return;
  [server, cluster] = await Promise.all([RedisServer.start(), RedisCluster.start()]);
});

Deno.test.afterAll(async () => {
  await Promise.all([server?.stop(), cluster?.stop()]);
});

/** In its cluster client, commands after `disconnect()` never end. */
const NEVER_FAILS = "node-redis 4 cluster";

function conformance(name: string, connect: () => Promise<RedisConnection>): void {
  storeConformance({
    name: `RedisStore with ${name}`,
    capabilities,
    canFail: name !== NEVER_FAILS,
    test: pooled({ ignore }),
    async open(clock) {
      const { client, close } = await connect();
      let closed = false;
      const closeOnce = async () => {
        if (!closed) await close();
        closed = true;
      };
      return { store: new RedisStore({ client, clock }), fail: closeOnce, close: closeOnce };
    },
    onSkip: () => {},
  });
}

for (const [name, connect] of Object.entries(CLIENTS)) {
  conformance(name, () => connect(server.url));
}
for (const [name, connect] of Object.entries(CLUSTER_CLIENTS)) {
  conformance(name, () => connect(cluster.urls));
}

/** Runs a test with a store over a connection of its own. */
function test(
  name: string,
  run: (scene: {
    clock: FakeClock;
    store: RedisStore;
    client: RedisConnection["client"];
  }) => Promise<void>,
): void {
  Deno.test({
    name: `RedisStore ${name}`,
    ignore,
    async fn() {
      const clock = new FakeClock();
      const { client, close } = await CLIENTS["node-redis 6"]!(server.url);
      try {
        await run({ clock, client, store: new RedisStore({ client, clock: clock.now }) });
      } finally {
        await close();
      }
    },
  });
}

test("keeps a record as one JSON text that lives as long", async ({ store, clock }) => {
  const record = makeRecord(clock, { flash: '{"a":1}', subject: "user:42" });
  await store.create("layout", record);
  const { write, ...kept } = JSON.parse(String(await server.command("GET", "session:layout")));
  assertEquals(kept, record);
  assertEquals(typeof write, "string");
  const timeToLive = Number(await server.command("PTTL", "session:layout"));
  assert(timeToLive > 3_590_000 && timeToLive <= 3_600_000, `${timeToLive} ms to live`);
});

test("gives Redis whole milliseconds, whatever the times are", async ({ store, clock }) => {
  const record = makeRecord(clock, { expiresAt: clock.now() + 1500.25 });
  assertEquals(await store.create("fraction", record), true);
  const times = { ...record, expiresAt: clock.now() + 99_000.75 };
  assertEquals(await store.touch("fraction", times, record), true);
  assertEquals(await store.read("fraction"), times);
  const timeToLive = Number(await server.command("PTTL", "session:fraction"));
  assert(timeToLive > 90_000 && timeToLive <= 99_001, `${timeToLive} ms to live`);
});

test("costs one command for each operation", async ({ store, clock }) => {
  const record = makeRecord(clock);
  const second = { ...record, version: 2 };
  const third = { ...record, version: 3 };
  // The server knows the scripts from here on.
  await store.create("warm", record);
  await store.touch("warm", record, record);
  await store.replace("warm", { key: "warmer", record: second }, record);
  await server.command("CONFIG", "RESETSTAT");
  await store.create("cost", record);
  await store.read("cost");
  await store.update("cost", second, record);
  await store.touch("cost", second, second);
  await store.replace("cost", { key: "moved", record: third }, second);
  await store.delete("moved");
  const stats = String(await server.command("INFO", "commandstats"));
  // What a script does counts as well: a look and a write, or two.
  assertEquals(
    Object.fromEntries(
      Array.from(stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g), ([, name, calls]) => [name, +calls!])
        .filter(([name]) => name !== "config"),
    ),
    { evalsha: 4, get: 1 + 3 + 2, set: 4, del: 1 + 1 },
  );
});

test("teaches its scripts to a server that has forgotten them", async ({ store, clock }) => {
  const record = makeRecord(clock);
  await store.create("forgotten", record);
  await server.command("SCRIPT", "FLUSH");
  assertEquals(await store.update("forgotten", { ...record, version: 2 }, record), true);
  assertEquals((await store.read("forgotten"))?.version, 2);
});

const NO_END = '{"version":1,"lastSeenAt":1,"renewedAt":1,"expiresAt":null,"write":"x"}';
const NEWER = '{"format":2,"version":1,"expiresAt":8e15}';

test("takes what it did not write for nothing, and a key of another type for a failure", async ({ store, clock }) => {
  const record = makeRecord(clock);
  for (
    const junk of ["", "junk", "{", "null", "[]", '{"version":1}', '{"version":"1"}', NO_END, NEWER]
  ) {
    await server.command("SET", "session:junk", junk);
    assertEquals(await store.read("junk"), undefined, junk);
    assertEquals(await store.update("junk", { ...record, version: 2 }, record), false, junk);
    assertEquals(await store.touch("junk", record, record), false, junk);
    assertEquals(await store.create("junk", record), true, junk);
  }
  await server.command("HSET", "session:hash", "a", "1");
  await assertRejects(async () => await store.read("hash"), Error, "WRONGTYPE");
});

test("is not led astray by what a session holds", async ({ store, clock }) => {
  const data = JSON.stringify({
    a: '{"version":9,"lastSeenAt":1,"renewedAt":1,"expiresAt":1,"write":"x",',
    version: 9,
    expiresAt: 1,
  });
  const record = makeRecord(clock, { data, flash: data, subject: data });
  await store.create("astray", record);
  const next = { ...record, version: 2 };
  assertEquals(await store.update("astray", next, record), true);
  const times = { lastSeenAt: clock.now(), renewedAt: clock.now(), expiresAt: clock.now() + 5000 };
  assertEquals(await store.touch("astray", times, next), true);
  assertEquals(await store.read("astray"), { ...next, ...times });
});

test("keeps to its prefix", async ({ client, clock }) => {
  const [one, other] = ["one:", "other:"].map((prefix) =>
    new RedisStore({ client, prefix, clock: clock.now })
  );
  await one!.create("key", makeRecord(clock));
  assertEquals(await other!.read("key"), undefined);
  assertEquals(await server.command("EXISTS", "one:key"), 1);
});

test("finds its client in each request", async ({ client, clock }) => {
  type Bindings = { REDIS: RedisClientLike };
  for (
    const find of [
      (c: Context<{ Bindings: Bindings }>) => c.env.REDIS,
      (c: Context<{ Bindings: Bindings }>) => Promise.resolve(c.env.REDIS),
    ]
  ) {
    const store = new RedisStore({ client: find, clock: clock.now });
    const app = new Hono<{ Bindings: Bindings }>()
      .use(session<{ name?: string }>({ store, clock: clock.now }))
      .get("/login", async (c) => {
        await c.var.session.regenerate();
        return c.text(c.var.session.name = "Ada");
      })
      .get("/", (c) => c.text(c.var.session.name ?? "stranger"));
    let env: Bindings = { REDIS: client };
    const browser = new Client({ fetch: (request) => app.fetch(request, env) });
    assertEquals(await browser.text("/login"), "Ada");
    assertEquals(await browser.text("/login"), "Ada");
    assertEquals(await browser.text("/"), "Ada");
    env = { REDIS: { send: () => Promise.resolve(null) } };
    assertEquals(await browser.text("/"), "stranger");
  }
});

Deno.test({
  name: "RedisStore asks once more over a dropped connection, and does nothing twice",
  ignore,
  // A pool clears its timers a moment after it is closed.
  sanitizeResources: false,
  async fn(t) {
    for (const [name, connect] of Object.entries(CLIENTS)) {
      await t.step(name, async () => {
        const clock = new FakeClock();
        await using proxy = await DroppingProxy.start(server.port);
        const { client, close } = await connect(proxy.url);
        const store = new RedisStore({ client, clock: clock.now });
        const key = `dropped with ${name}`;
        const first = makeRecord(clock);
        const [second, third, fourth] = [2, 3, 4].map((version) => ({ ...first, version }));
        // The server knows the scripts from here on, so that a lost answer is that of EVALSHA.
        await store.create(`${key} before`, first);
        await store.touch(`${key} before`, first, first);
        await store.replace(`${key} before`, { key: `${key} after`, record: second! }, first);

        proxy.drop();
        assertEquals(await store.create(key, first), true, "create");
        proxy.drop();
        assertEquals(await store.read(key), first, "read");
        proxy.drop();
        assertEquals(await store.update(key, second!, first), true, "update");
        proxy.drop();
        assertEquals(await store.touch(key, second!, second!), true, "touch");
        proxy.drop();
        const moved = { key: `${key} moved`, record: third! };
        assertEquals(await store.replace(key, moved, second!), true, "replace");
        assertEquals(await store.read(`${key} moved`), third, "what was moved");
        proxy.drop();
        await store.delete(`${key} moved`);
        assertEquals(await store.read(`${key} moved`), undefined, "what was deleted");
        assertEquals(proxy.drops, 0, "all answers were lost");

        // Somebody else's write is not taken for one's own.
        await store.create(`${key} theirs`, first);
        await store.update(`${key} theirs`, { ...second!, data: '{"theirs":1}' }, first);
        proxy.drop();
        assertEquals(await store.update(`${key} theirs`, second!, first), false, "too late");
        assertEquals(await store.update(`${key} theirs`, fourth!, first), false, "still too late");
        await close();
      });
    }
  },
});

Deno.test({
  name:
    "RedisStore fails with errors that hold neither data nor keys, whatever the client puts into them",
  ignore,
  sanitizeResources: false,
  async fn() {
    const clock = new FakeClock();
    await using full = await RedisServer.start(["--maxmemory", "1"]);
    const record = makeRecord(clock, { data: '{"note":"very private"}', subject: "user:42" });
    for (const [name, connect] of Object.entries(CLIENTS)) {
      const { client, close } = await connect(full.url);
      const store = new RedisStore({ client, clock: clock.now });
      const error = await assertRejects(async () => await store.create("hashed", record), Error);
      const shown = Deno.inspect(error, { depth: 20, showHidden: true });
      assert(shown.includes("OOM"), `${name}: ${shown}`);
      for (const secret of ["very private", "user:42", "hashed"]) {
        assert(!shown.includes(secret), `${name}: ${secret} in ${shown}`);
      }
      await close();
    }
  },
});

Deno.test({
  name: "RedisStore fails when the connection is dropped twice",
  ignore,
  async fn() {
    const clock = new FakeClock();
    await using proxy = await DroppingProxy.start(server.port);
    const { client, close } = await CLIENTS["node-redis 6"]!(proxy.url);
    const store = new RedisStore({ client, clock: clock.now });
    await store.read("key");
    proxy.drop(2);
    await assertRejects(async () => await store.read("key"), Error, "Socket closed unexpectedly");
    assertEquals(await store.read("key"), undefined);
    await close();
  },
});

Deno.test({
  name: "RedisStore never does later what was called off before it was sent",
  ignore,
  async fn() {
    const clock = new FakeClock();
    await using own = await RedisServer.start();
    const { client, close } = await CLIENTS["node-redis 6"]!(own.url);
    const store = new RedisStore({ client, clock: clock.now });
    const record = makeRecord(clock);
    await store.create("key", record);
    await own.kill();
    const abort = new AbortController();
    const update = store.update("key", { ...record, version: 2 }, record, undefined, abort.signal);
    abort.abort(new Error("called off"));
    await assertRejects(() => update);
    await own.restart();
    // What is asked now comes after whatever was waiting.
    assertEquals(await store.read("key"), record);
    await close();
  },
});

Deno.test({
  name: "RedisStore moves a session over the nodes of a cluster, old record first",
  ignore,
  async fn() {
    const clock = new FakeClock();
    const { client, close } = await CLUSTER_CLIENTS["node-redis 6 cluster"]!(cluster.urls);
    const store = new RedisStore({ client, clock: clock.now });
    const [key, next] = ["key 1", await elsewhere("key 1")];
    const record = makeRecord(clock);
    await store.create(key, record);
    const stale = { ...record, version: 7 };
    assertEquals(await store.replace(key, { key: next, record: stale }, stale), false);
    assertEquals(await store.read(key), record);
    const moved = { ...record, version: 2 };
    assertEquals(await store.replace(key, { key: next, record: moved }, record), true);
    assertEquals(await store.read(key), undefined);
    assertEquals(await store.read(next), moved);

    // The old one is gone before the new one is there.
    const third = { ...record, version: 3 };
    await (await cluster.masterOf(`session:${key}`)).command("SET", `session:${key}`, "{}");
    const asked: string[] = [];
    const redis = client as NodeRedisClusterLike;
    const spy: NodeRedisClusterLike = {
      masters: [],
      sendCommand(firstKey, isReadonly, args, options) {
        asked.push(args.slice(3, 3 + Number(args[2])).join());
        return redis.sendCommand(firstKey, isReadonly, args, options);
      },
    };
    const watched = new RedisStore({ client: spy, clock: clock.now });
    assertEquals(await watched.replace(next, { key, record: third }, moved), true);
    assertEquals(asked, [
      `session:${next},session:${key}`, // refused by the cluster, once
      `session:${next}`,
      `session:${key}`,
    ]);
    asked.length = 0;
    const back = { key: next, record: { ...record, version: 4 } };
    assertEquals(await watched.replace(key, back, third), true);
    assertEquals(asked, [`session:${key}`, `session:${next}`]);
    await close();
  },
});

Deno.test({
  name: "RedisStore moves a session over the nodes of a cluster although an answer is lost",
  ignore,
  async fn() {
    const clock = new FakeClock();
    const { client, close } = await CLUSTER_CLIENTS["node-redis 6 cluster"]!(cluster.urls);
    const redis = client as NodeRedisClusterLike;
    let losses = 0;
    const losing: NodeRedisClusterLike = {
      masters: [],
      async sendCommand(...args) {
        const answer = await redis.sendCommand(...args);
        if (losses-- > 0) throw new Error("Socket closed unexpectedly");
        return answer;
      },
    };
    const store = new RedisStore({ client: losing, clock: clock.now });
    const [key, next] = ["key 2", await elsewhere("key 2")];
    const record = makeRecord(clock);
    await store.create(key, record);
    const second = { ...record, version: 2 };
    const third = { ...record, version: 3 };
    // From here on it knows that it talks to a cluster, and both nodes know the scripts.
    assertEquals(await store.replace(key, { key: next, record: second }, record), true);
    assertEquals(await store.replace(next, { key, record: third }, second), true);
    losses = 1;
    const fourth = { ...record, version: 4 };
    assertEquals(await store.replace(key, { key: next, record: fourth }, third), true);
    assertEquals(losses, -2, "REMOVE was sent twice");
    assertEquals(await store.read(key), undefined);
    assertEquals(await store.read(next), fourth);
    await close();
  },
});

Deno.test({
  name: "RedisStore sends nothing over a client that is found too late",
  ignore,
  async fn() {
    const found = Promise.withResolvers<RedisConnection["client"]>();
    const sent: string[] = [];
    const store = new RedisStore({ client: () => found.promise });
    const abort = new AbortController();
    const deletion = store.delete("key", undefined, abort.signal);
    abort.abort(new Error("called off"));
    found.resolve({ send: (command) => Promise.resolve(sent.push(command)) });
    await assertRejects(() => deletion, Error, "called off");
    assertEquals(sent, []);
  },
});

/** A key that another node of the cluster answers for. */
async function elsewhere(key: string): Promise<string> {
  const node = await cluster.masterOf(`session:${key}`);
  for (let count = 0;; count++) {
    if (await cluster.masterOf(`session:other ${count}`) !== node) return `other ${count}`;
  }
}

Deno.test("RedisStore asks once more after a dropped connection alone, and never when it is called off", async () => {
  const dropped = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  const closed = new Error("Socket closed unexpectedly");
  for (
    const [error, calls] of [
      [dropped, 2],
      [Object.assign(new Error("write EPIPE"), { code: "EPIPE" }), 2],
      [closed, 2],
      [new Error("LOADING Redis is loading the dataset in memory"), 1],
      [null, 1],
    ] as const
  ) {
    let asked = 0;
    const client = { send: () => (asked++, Promise.reject(error)) };
    await new RedisStore({ client }).read("key").catch(() => {});
    assertEquals(asked, calls, `${error}`);
  }
  const abort = new AbortController();
  let asked = 0;
  const client = {
    send() {
      asked++;
      abort.abort();
      return Promise.reject(closed);
    },
  };
  await new RedisStore({ client }).read("key", undefined, abort.signal).catch(() => {});
  assertEquals(asked, 1);
});

Deno.test("RedisStore asks masters, and hands node-redis the signal by the names of all its versions", async () => {
  const given: unknown[][] = [];
  const sendCommand = (...args: unknown[]) => Promise.resolve(void given.push(args));
  const { signal } = new AbortController();
  await new RedisStore({ client: { masters: [], sendCommand } }).read("key", undefined, signal);
  await new RedisStore({ client: { sendCommand } }).read("key", undefined, signal);
  const options = { abortSignal: signal, signal };
  const command = ["GET", "session:key"];
  assertEquals(given, [["session:key", false, command, options], [command, options]]);
});

Deno.test("RedisStore takes only clients that it knows", () => {
  for (const client of [undefined, {}, null, "redis://localhost", new Map(), Promise.resolve({})]) {
    assertThrows(
      () => new RedisStore({ client: client as never }),
      TypeError,
      "Cannot create RedisStore: client is no client",
    );
  }
});

/** All that a store does. */
function operationsOf(store: RedisStore, c?: unknown): (() => Promise<unknown>)[] {
  const record = makeRecord(new FakeClock());
  return [
    () => store.read("key", c),
    () => store.create("key", record, c),
    () => store.update("key", record, record, c),
    () => store.replace("key", { key: "other", record }, record, c),
    () => store.touch("key", record, record, c),
    () => store.delete("key", c),
  ];
}

Deno.test("RedisStore says when client(c) gives no client", async () => {
  for (const found of [undefined, null, "redis://localhost", {}, new Map(), createClient]) {
    for (const find of [() => found, () => Promise.resolve(found)]) {
      const store = new RedisStore({ client: find as never });
      for (const operation of operationsOf(store)) {
        await assertRejects(
          operation,
          TypeError,
          "Cannot use RedisStore: client(c) gave no client",
        );
      }
    }
  }
  const cause = Object.assign(new Error("WRONGPASS"), { command: { args: ["a password"] } });
  for (
    const find of [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
    ]
  ) {
    for (const operation of operationsOf(new RedisStore({ client: find }))) {
      const error = await assertRejects(operation, TypeError, "client(c) gave an error");
      assertEquals(error.cause, cause);
      assert(!Deno.inspect(error).includes("a password"));
    }
  }
  const store = new RedisStore({ client: (c) => c.env.REDIS });
  await assertRejects(() => store.read("key"), TypeError, "client(c) gave an error");
});

/** A cluster that knows no script, and what it is asked. */
function makeCluster() {
  const asked: string[] = [];
  const client = {
    send(command: string, [, keys]: string[]) {
      asked.push(`${command} ${keys ?? ""}`.trim());
      if (command === "EVALSHA") return Promise.reject(new Error("NOSCRIPT"));
      return keys === "2" ? Promise.reject(new Error("CROSSSLOT")) : Promise.resolve(1);
    },
  };
  return { client, asked };
}

Deno.test("RedisStore finds its client once for each operation, and knows clusters by their clients", async () => {
  let calls = 0;
  const store = new RedisStore({ client: (c) => (calls++, c.client) });
  const clusters = [makeCluster(), makeCluster()];
  for (const { client, asked } of clusters) {
    const replace = operationsOf(store, { client })[3]!;
    assertEquals(await replace(), true);
    const steps = ["EVALSHA 1", "EVAL 1", "EVALSHA 1", "EVAL 1"];
    assertEquals(asked.splice(0), ["EVALSHA 2", "EVAL 2", ...steps]);
    assertEquals(await replace(), true);
    assertEquals(asked.splice(0), steps);
  }
  assertEquals(calls, 4);
  for (const operation of operationsOf(store, clusters[0])) await operation();
  assertEquals(calls, 4 + 6);
});

Deno.test("RedisStore holds no client that it was given for a request", async () => {
  const clients: WeakRef<RedisClientLike>[] = [];
  const store = new RedisStore({
    client() {
      const { client } = makeCluster();
      clients.push(new WeakRef(client));
      return client;
    },
  });
  for (const operation of operationsOf(store)) await operation();
  await collectGarbage();
  assertEquals(clients.map((client) => client.deref()), Array(6).fill(undefined));
});

/** Collects what nothing holds any more. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  // What a WeakRef gave stays until the task ends.
  await new Promise((resolve) => setTimeout(resolve));
  runInNewContext("gc")();
}
