import { runInNewContext } from "node:vm";
import { setFlagsFromString } from "node:v8";
import { session, SessionEndedError, type SessionRecord } from "@x/hono-session";
import {
  type NodeRedisClusterLike,
  type NodeRedisLike,
  type RedisClientLike,
  RedisStore,
} from "@x/hono-session/stores/redis";
import { storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { createClient } from "redis";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { DroppingProxy } from "../_support/dropping_proxy.ts";
import { pooled } from "../_support/pooled.ts";
import { makeRecord } from "../_support/record.ts";
import { RedisServer, skipRedis, until } from "../_support/redis.ts";
import { CLIENTS, CLUSTER_CLIENTS, type RedisConnection } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";

const ignore = skipRedis();

const { capabilities } = new RedisStore({ client: () => Promise.reject() });

const { watch: _, ...withoutWatch } = capabilities;

let server: RedisServer;
let cluster: RedisCluster;

Deno.test.beforeAll(async () => {
  if (ignore) return;
  [server, cluster] = await Promise.all([RedisServer.start(), RedisCluster.start()]);
});

Deno.test.afterAll(async () => {
  await Promise.all([server?.stop(), cluster?.stop()]);
});

function conformance(name: string, connect: () => Promise<RedisConnection>): void {
  storeConformance({
    name: `RedisStore with ${name}`,
    // A pool of node-redis has no subscriptions.
    capabilities: name.endsWith("pool") ? withoutWatch : capabilities,
    canFail: true,
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

test("keeps a record as one text, with its data as they are, that lives as long", async ({ store, clock }) => {
  const data = '{"name":"Ada","nested":{"a":"\\""}}';
  const record = makeRecord(clock, { flash: '{"a":1}', subject: "user:42", data });
  await store.create("layout", record);
  const text = String(await server.command("GET", "session:layout"));
  assertEquals(text.slice(text.indexOf("{")), data);
  const timeToLive = Number(await server.command("PTTL", "session:layout"));
  assert(timeToLive > 3_590_000 && timeToLive <= 3_600_000, `${timeToLive} ms to live`);
});

/** What 32-bit builds of Redis know of a number in another base than ten: no more than fits into 32 bits. */
const NARROW = `
local wide = tonumber
local function tonumber(text, base)
  if not base then return wide(text) end
  return wide(text, base) and math.min(wide(text, base), 4294967295)
end
`;

test("works on a server whose Lua reads numbers of 32 bits", async ({ client, clock }) => {
  const { sendCommand } = client as NodeRedisLike;
  const narrow: NodeRedisLike = {
    sendCommand(args, options) {
      const [command, text, ...rest] = args;
      if (command === "EVALSHA") return Promise.reject(new Error("NOSCRIPT"));
      const narrowed = command === "EVAL" ? [command, NARROW + text, ...rest] : args;
      return sendCommand.call(client, narrowed, options);
    },
  };
  const store = new RedisStore({ client: narrow, clock: clock.now });
  for (const life of [60_000, 3_600_000, 3.15576e15]) {
    const record = makeRecord(clock, { subject: "user:42", expiresAt: clock.now() + life });
    const key = `narrow ${life}`;
    assertEquals(await store.create(key, record), true);
    const second = { ...record, version: 2, data: '{"a":2}' };
    assertEquals(await store.update(key, second, record), true, `${life} ms`);
    assertEquals(await store.touch(key, second, second), true);
    const third = { ...second, version: 3 };
    assertEquals(await store.replace(key, { key: `${key} moved`, record: third }, second), true);
    assertEquals(await store.read(`${key} moved`), third);
  }
  const record = makeRecord(clock);
  await store.create("narrow ended", record);
  clock.advance((record.expiresAt - clock.now()) / 1000);
  assertEquals(await store.update("narrow ended", { ...record, version: 2 }, record), false);
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
  await store.delete("warmer");
  await server.command("CONFIG", "RESETSTAT");
  await store.create("cost", record);
  await store.read("cost");
  await store.update("cost", second, record);
  await store.touch("cost", second, second);
  await store.replace("cost", { key: "moved", record: third }, second);
  await store.read("moved");
  await store.delete("moved");
  // What a script does counts as well: a look and a write, or two.
  assertEquals(await commandsOf(server), {
    evalsha: 5,
    get: 2 + 3 + 3,
    set: 4,
    del: 1 + 1,
    // The move and the deletion are reported.
    publish: 2,
  });
});

/** How often a server was asked what, since its counters were reset. */
async function commandsOf(server: RedisServer): Promise<Record<string, number>> {
  const stats = String(await server.command("INFO", "commandstats"));
  return Object.fromEntries(
    Array.from(stats.matchAll(/cmdstat_(\w+):calls=(\d+)/g), ([, name, calls]) => [name!, +calls!])
      .filter(([name]) => name !== "config"),
  );
}

test("costs one command for each write of a subject's session, two for its deletion, and the lists only what changes them", async ({ store, clock }) => {
  const record = bound(clock, "cost");
  const second = { ...record, version: 2 };
  const third = { ...record, version: 3 };
  const later = { ...record, expiresAt: record.expiresAt + 1000 };
  const commands = async (run: () => Promise<unknown>): Promise<Record<string, number>> => {
    await server.command("CONFIG", "RESETSTAT");
    await run();
    return await commandsOf(server);
  };
  // The server knows the scripts from here on.
  await store.create("warm", record);
  await store.update("warm", second, record);
  await store.touch("warm", record, second);
  await store.touch("warm", later, second);
  await store.replace("warm", { key: "warmer", record: third }, second);
  await store.delete("warmer");
  const list = { zremrangebyscore: 1, zscore: 1, zrange: 1, pexpire: 1 };
  const create = await commands(() => store.create("bound", record));
  assertEquals(create, { evalsha: 1, get: 2, set: 1, zadd: 1, ...list });
  const update = await commands(() => store.update("bound", second, record));
  assertEquals(update, { evalsha: 1, get: 1, set: 1 });
  const touch = await commands(() => store.touch("bound", record, second));
  assertEquals(touch, { evalsha: 1, get: 1, set: 1 });
  const renewal = await commands(() => store.touch("bound", later, second));
  assertEquals(renewal, { evalsha: 1, get: 1, set: 1, zadd: 1, ...list });
  const next = { key: "bound elsewhere", record: third };
  const replace = await commands(() => store.replace("bound", next, second));
  assertEquals(replace, {
    evalsha: 1,
    get: 3,
    set: 1,
    del: 1,
    publish: 1,
    zadd: 1,
    zrem: 1,
    ...list,
  });
  const deletion = await commands(() => store.delete(next.key));
  assertEquals(deletion, { evalsha: 1, get: 1, del: 1, publish: 1, zrem: 1 });
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
        if (args[0] === "EVALSHA") asked.push(args.slice(3, 3 + Number(args[2])).join());
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
    assertEquals(losses, -3, "REMOVE was sent twice");
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

/** A record of a subject's session. */
function bound(
  clock: FakeClock,
  subject: string,
  changes: Partial<SessionRecord> = {},
): SessionRecord {
  return makeRecord(clock, {
    sid: crypto.randomUUID(),
    subject,
    subjectAt: clock.now(),
    ...changes,
  });
}

/** The record after one more write. */
function written(record: SessionRecord, changes: Partial<SessionRecord> = {}): SessionRecord {
  return { ...record, version: record.version + 1, ...changes };
}

function unbound({ subject: _, subjectAt: __, ...record }: SessionRecord): SessionRecord {
  return written(record);
}

async function keysIn(store: RedisStore, subject: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(subject))).map(({ key }) => key).toSorted();
}

/** The keys of the server that have to do with a subject whose name needs no escape. */
async function keysOf(subject: string): Promise<unknown> {
  return await server.command("KEYS", `session:subject:{${subject}}*`);
}

test("lists the sessions of a subject in a sorted set that ends with the last of them", async ({ store, clock }) => {
  const list = "session:subject:{ends}:sessions";
  await store.create("ends anonymous", makeRecord(clock));
  const record = bound(clock, "ends", { expiresAt: clock.now() + 200 });
  await store.create("ends", record);
  assertEquals(await keysOf("ends"), [list]);
  const member = `${clock.now()} ends`;
  assertEquals(await server.command("ZRANGE", list, "0", "-1", "WITHSCORES"), [
    member,
    String(record.expiresAt),
  ]);
  const next = written(record, { expiresAt: clock.now() + 150 });
  await store.replace("ends", { key: "ends later", record: next }, record);
  assertEquals(await server.command("ZCARD", list), 1);
  const timeToLive = Number(await server.command("PTTL", list));
  assert(timeToLive > 0 && timeToLive <= 150, `${timeToLive} ms to live`);
  await until("the list is gone", async () => await server.command("EXISTS", list) === 0);
  assertEquals(await store.read("ends later"), undefined);

  // By the clock of the application, each write takes off what has ended, and so does each list.
  await store.create("ends first", record);
  await store.create("ends second", bound(clock, "ends"));
  clock.advance(1);
  await store.create("ends third", bound(clock, "ends"));
  assertEquals(await server.command("ZCARD", list), 2);
  clock.advance(3601);
  assertEquals(await keysIn(store, "ends"), []);
  assertEquals(await keysOf("ends"), []);
});

test("keeps the set of a subject for as long as its longest session", async ({ store, clock }) => {
  const list = "session:subject:{longest}:sessions";
  const long = bound(clock, "longest", { expiresAt: clock.now() + 1000_000 });
  await store.create("longest", long);
  await store.create("shorter", bound(clock, "longest", { expiresAt: clock.now() + 1000 }));
  assert(Number(await server.command("PTTL", list)) > 990_000);
  await store.touch("longest", { ...long, expiresAt: clock.now() + 2000_000 }, long);
  assert(Number(await server.command("PTTL", list)) > 1990_000);
  await store.update("longest", written(long, { expiresAt: clock.now() + 3000_000 }), long);
  assert(Number(await server.command("PTTL", list)) > 2990_000);
});

test("takes off the list what has lost its record, and leaves alone what it can't read", async ({ store, clock }) => {
  const list = "session:subject:{lost}:sessions";
  for (const key of ["lost", "kept", "newer"]) await store.create(key, bound(clock, "lost"));
  await server.command("DEL", "session:lost");
  await server.command("SET", "session:newer", NEWER);
  assertEquals(await keysIn(store, "lost"), ["kept"]);
  assertEquals(await server.command("ZCARD", list), 2);
  // What has gone to another subject is taken off as well.
  await store.create("elsewhere", bound(clock, "found"));
  await server.command("ZADD", list, `${clock.now() + 999}`, `${clock.now()} elsewhere`);
  assertEquals(await keysIn(store, "lost"), ["kept"]);
  assertEquals(await server.command("ZCARD", list), 2);
  // As a crash in a cluster leaves it before the record.
  await server.command("ZADD", list, `${clock.now() + 999.5}`, `${clock.now()} missing`);
  assertEquals(await keysIn(store, "lost"), ["kept"]);
  assertEquals(await server.command("ZCARD", list), 3);
  clock.advance(1);
  assertEquals(await keysIn(store, "lost"), ["kept"]);
  assertEquals(await server.command("ZCARD", list), 2);
});

test("takes nothing off the list that has changed since it was listed", async ({ client, clock }) => {
  const list = "session:subject:{changing}:sessions";
  const store = new RedisStore({ client, clock: clock.now });
  const record = bound(clock, "changing");
  await store.create("changing", record);
  await server.command("DEL", "session:changing");
  assertEquals(await keysIn(store, "nobody"), []);
  const racing = new RedisStore({
    client: intercepted(client, async (send, count) => {
      // After the list was taken and the records were read.
      if (count === 3) await store.create("changing", later(record));
      return await send();
    }),
    clock: clock.now,
  });
  assertEquals(await keysIn(racing, "changing"), []);
  assertEquals(await keysIn(store, "changing"), ["changing"]);
  assertEquals(await server.command("ZCARD", list), 1);
});

test("lists a session for as long as it was ever to live", async ({ store, clock }) => {
  const record = bound(clock, "shortened");
  await store.create("shortened", record);
  const longest = later(record);
  const longer = { ...record, expiresAt: record.expiresAt + 1 };
  const shorter = { ...record, expiresAt: clock.now() + 1000 };
  for (const times of [longest, longer, shorter]) await store.touch("shortened", times, record);
  // A writer that knows nothing of the later touches.
  const next = written(longest);
  await store.update("shortened", next, longest);
  clock.advance(3601);
  assertEquals(await store.read("shortened"), next);
  assertEquals(await keysIn(store, "shortened"), ["shortened"]);
});

test("remembers a generation for a day", async ({ store, clock }) => {
  const now = clock.now();
  const key = "session:subject:{before}:ended";
  for (
    const [except, value] of [
      ["a b", `${now} 0 a b`],
      ["a b", `${now + 1} 0 a b`],
      ["c", `${now + 2} ${now + 1} c`],
      [undefined, `${now + 3}`],
      ["c", `${now + 4} ${now + 3} c`],
    ] as const
  ) {
    await store.deleteAll("before", except === undefined ? {} : { except });
    assertEquals(await server.command("GET", key), value);
    assertEquals(await store.generation("before"), parseInt(value));
  }
  const timeToLive = Number(await server.command("PTTL", key));
  assert(Math.abs(timeToLive - 86_400_000) < 10_000, `${timeToLive} ms to live`);
  for (const [sid, generation] of [["c", now + 3], ["d", now + 4], ["", now + 4]] as const) {
    const record = bound(clock, "before", { sid, generation });
    assertEquals(await store.create(`by ${sid}`, record), true, sid);
  }
  for (const [sid, generation] of [["c", now + 2], ["d", now + 3], ["", now + 3]] as const) {
    const late = bound(clock, "before", { sid, generation });
    await assertRejects(() => store.create("late", late), SessionEndedError);
  }
  await assertRejects(() => store.create("late", bound(clock, "before")), SessionEndedError);
  assertEquals(await store.read("late"), undefined);
});

test("is not led astray by a subject", async ({ store, clock }) => {
  const subjects = [
    'a","subjectAt":1,"format":1',
    '","format":1,"subject":"victim',
    "\\",
    '\\"',
    "\ud800",
    "\\ud800",
    "}:ended",
    "{",
  ];
  const keys = ["astray one", "astray other"];
  const data = JSON.stringify({
    a: ',"write":"x","subject":"victim","format":1',
    subject: "victim",
  });
  await store.create("astray victim", bound(clock, "victim"));
  for (const subject of subjects) {
    for (const key of keys) await store.create(key, bound(clock, subject, { data, sid: subject }));
    assertEquals(await keysIn(store, subject), keys);
    await store.delete(keys[0]!);
    const set = `session:subject:{${encodeURIComponent(JSON.stringify(subject).slice(1, -1))}}`;
    assertEquals(await server.command("ZCARD", `${set}:sessions`), 1);
    assertEquals(await store.deleteAll(subject, { except: subject }), 0);
    assertEquals(await store.deleteAll(subject, {}), 1);
    assertEquals(await server.command("EXISTS", `${set}:sessions`), 0);
  }
  await store.create("astray anonymous", makeRecord(clock, { data, flash: data }));
  await store.delete("astray anonymous");
  assertEquals(await keysIn(store, "victim"), ["astray victim"]);
});

test("takes the entry along when a session is deleted that was bound since it was read", async ({ store, clock }) => {
  const c = {};
  const anonymous = makeRecord(clock);
  await store.create("bound since", anonymous);
  await store.read("bound since", c);
  const login = written(anonymous, { subject: "since", subjectAt: clock.now() });
  await store.update("bound since", login, anonymous, c);
  await store.delete("bound since", c);
  assertEquals(await keysOf("since"), []);
  await store.create("bound since", bound(clock, "since"));
  await store.read("bound since", c);
  await store.delete("bound since", c);
  assertEquals(await keysOf("since"), []);
  // What another request binds meanwhile leaves its entry to the next list.
  await store.create("bound since", anonymous);
  await store.read("bound since", c);
  await store.update("bound since", login, anonymous);
  await store.delete("bound since", c);
  assertEquals(await keysIn(store, "since"), []);
  assertEquals(await keysOf("since"), []);
});

/** What a client does in place of sending a command, by its number from 1. */
type Intercept = (send: () => PromiseLike<unknown>, count: number) => PromiseLike<unknown>;

/** A client that does something else than sending. */
function intercepted(client: RedisClientLike, intercept: Intercept): RedisClientLike {
  let count = 0;
  if ("masters" in client) {
    return {
      masters: [],
      sendCommand: (...args) => intercept(() => client.sendCommand(...args), ++count),
    } satisfies NodeRedisClusterLike;
  }
  const redis = client as NodeRedisLike;
  return {
    sendCommand: (...args: Parameters<NodeRedisLike["sendCommand"]>) =>
      intercept(() => redis.sendCommand(...args), ++count),
  };
}

/** What a client of one server or a cluster answers to a command. */
function asked(client: RedisClientLike, args: string[]): PromiseLike<unknown> {
  return "masters" in client
    ? client.sendCommand(args[1]!, false, args)
    : (client as NodeRedisLike).sendCommand(args);
}

/** Where a process ends: before it sends a command, or before it gets the answer. */
interface Stop {
  readonly at: number;
  readonly answer: boolean;
}

class StoppedError extends Error {}

/** A scene of its own for each run: two keys, two subjects. */
interface StepScene {
  readonly clock: FakeClock;
  readonly store: RedisStore;
  readonly key: string;
  readonly next: string;
  readonly ada: string;
  readonly eve: string;
  /** A moment of its own. */
  now(): number;
}

/** What is there before, and what a process does with it. */
interface Step {
  readonly name: string;
  readonly before?: "anonymous" | "ada";
  run(store: RedisStore, scene: StepScene, record: SessionRecord): Promise<unknown>;
}

const login = (scene: StepScene, record: SessionRecord, subject = scene.ada) =>
  written(record, { subject, subjectAt: scene.now() });

const later = (record: SessionRecord) => ({ ...record, expiresAt: record.expiresAt + 60_000 });

const STEPS: Step[] = [
  {
    name: "create",
    run: (store, { clock, next, ada, now }) =>
      store.create(next, bound(clock, ada, { subjectAt: now() })),
  },
  {
    name: "update that binds",
    before: "anonymous",
    run: (store, scene, record) => store.update(scene.key, login(scene, record), record),
  },
  {
    name: "update that binds to another",
    before: "ada",
    run: (store, scene, record) => store.update(scene.key, login(scene, record, scene.eve), record),
  },
  {
    name: "update that binds anew",
    before: "ada",
    run: (store, scene, record) => store.update(scene.key, login(scene, record), record),
  },
  {
    name: "update that clears",
    before: "ada",
    run: (store, { key }, record) => store.update(key, unbound(record), record),
  },
  {
    name: "update that renews",
    before: "ada",
    run: (store, { key }, record) => store.update(key, later(written(record)), record),
  },
  {
    name: "touch that renews",
    before: "ada",
    run: (store, { key }, record) => store.touch(key, later(record), record),
  },
  {
    name: "replace",
    before: "ada",
    run: (store, { key, next }, record) =>
      store.replace(key, { key: next, record: written(record) }, record),
  },
  {
    name: "replace that binds",
    before: "anonymous",
    run: (store, scene, record) =>
      store.replace(scene.key, { key: scene.next, record: login(scene, record) }, record),
  },
  {
    name: "replace that binds to another",
    before: "ada",
    run: (store, scene, record) => {
      const next = { key: scene.next, record: login(scene, record, scene.eve) };
      return store.replace(scene.key, next, record);
    },
  },
  { name: "delete", before: "ada", run: (store, { key }) => store.delete(key) },
  { name: "list", before: "ada", run: (store, { ada }) => keysIn(store, ada) },
  {
    name: "deleteAll",
    before: "ada",
    run: (store, { ada }) => store.deleteAll(ada, {}),
  },
];

/** What another process does meanwhile, from its beginning to its end. */
const MEANWHILE: Record<string, (scene: StepScene) => Promise<unknown>> = {
  nothing: () => Promise.resolve(),
  list: ({ store, ada, eve }) => Promise.all([keysIn(store, ada), keysIn(store, eve)]),
  deleteAll: ({ store, ada }) => store.deleteAll(ada, {}),
  delete: ({ store, key }) => store.delete(key),
  /** As the core ends a session that it finds in a list. */
  async revoke({ store, ada }) {
    const found = await keysIn(store, ada);
    for (let keys = found; keys.length > 0; keys = await keysIn(store, ada)) {
      for (const key of keys) await store.delete(key);
    }
    return found.length;
  },
  async binding(scene) {
    const { store, key } = scene;
    const record = await store.read(key);
    if (!record) return;
    const next = unbound(record);
    await store.update(key, next, record);
    await store.update(key, login(scene, next), next);
  },
};

/** Fails unless the lists show what is alive and nothing else, but for a session that stopped while it moved. */
async function assertListed(
  { store, key, next, ada, eve }: StepScene,
  { what, moving }: { what: string; moving: boolean },
): Promise<void> {
  const alive: Record<string, string[]> = { [ada]: [], [eve]: [] };
  for (const each of [key, next]) {
    const subject = (await store.read(each))?.subject;
    if (subject !== undefined) alive[subject]!.push(each);
  }
  // The second look finds what the first one has left.
  for (const look of ["first", "second"]) {
    for (const [subject, keys] of Object.entries(alive)) {
      const listed = (await keysIn(store, subject))
        .filter((each) => !moving || each !== key || keys.includes(key));
      assertEquals(listed, keys.toSorted(), `${what}, ${look} look`);
    }
  }
}

/**
 * Runs a step while another process does something before a command of it, and ends it at a command. Answers how many
 * commands it has sent.
 */
async function walk(
  { client, clock, step, meanwhile, before, stop }: {
    client: RedisClientLike;
    clock: FakeClock;
    step: Step;
    meanwhile: string;
    before: number;
    stop?: Stop;
  },
): Promise<number> {
  const id = crypto.randomUUID();
  let ticks = 0;
  const scene: StepScene = {
    clock,
    store: new RedisStore({ client, clock: clock.now }),
    key: `key ${id}`,
    next: `next ${id}`,
    ada: `ada ${id}`,
    eve: `eve ${id}`,
    now: () => clock.now() + ticks++ / 1024,
  };
  const { store, key, ada } = scene;
  const first = step.before === "ada"
    ? bound(clock, ada, { subjectAt: scene.now() })
    : makeRecord(clock);
  if (step.before) await store.create(key, first);
  let sent = 0;
  let found: unknown;
  const walked = new RedisStore({
    client: intercepted(client, async (send, count) => {
      sent = count;
      if (stop && count > stop.at) throw new StoppedError();
      if (count === before) {
        found = await MEANWHILE[meanwhile]!(scene);
      }
      if (stop?.at !== count) return await send();
      if (stop.answer) await send().then(() => {}, () => {});
      throw new StoppedError();
    }),
    clock: clock.now,
  });
  const what = `${step.name}, ${meanwhile} before ${before}, stopped ${JSON.stringify(stop)}`;
  const run = step.run(walked, scene, first);
  await run.catch((error) => {
    if (error instanceof StoppedError || error instanceof SessionEndedError) return;
    throw new Error(what, { cause: error });
  });
  await assertListed(scene, {
    what,
    moving: stop !== undefined && step.name.startsWith("replace"),
  });
  if (stop) return sent;
  // What a step binds is of the generation before that of another process.
  if (meanwhile === "deleteAll" && before > 0) {
    assertEquals(await keysIn(store, ada), [], `${what}: alive`);
  }
  // A session that moves is always in the list, so that it can be ended.
  if (meanwhile === "revoke" && step.name === "replace") assert(found !== 0, what);
  // To another subject a session may have gone although the list of the old one still shows it.
  if (meanwhile === "revoke" && found && !step.name.includes("to another")) {
    for (const each of [scene.key, scene.next]) {
      assertEquals(await store.read(each), undefined, what);
    }
  }
  if (meanwhile === "nothing") {
    for (const subject of [ada, scene.eve]) {
      const list = `session:subject:{${encodeURIComponent(subject)}}:sessions`;
      const entries = await asked(client, ["ZCARD", list]);
      assertEquals(entries, (await keysIn(store, subject)).length, what);
    }
  }
  return sent;
}

for (const kind of ["server", "cluster"] as const) {
  const open = () =>
    kind === "server"
      ? CLIENTS["node-redis 6"]!(server.url)
      : CLUSTER_CLIENTS["node-redis 6 cluster"]!(cluster.urls);

  Deno.test({
    name:
      `RedisStore leaves nothing alive that the lists don't show, wherever a process ends (${kind})`,
    ignore,
    async fn() {
      const clock = new FakeClock();
      const { client, close } = await open();
      const walkThrough = async (step: Step, meanwhile: string) => {
        const given = { client, clock, step, meanwhile };
        const end = await walk({ ...given, before: 0 });
        for (let before = 1; before <= end; before++) {
          const all = await walk({ ...given, before });
          for (let at = before; at <= all; at++) {
            await walk({ ...given, before, stop: { at, answer: false } });
            await walk({ ...given, before, stop: { at, answer: true } });
          }
        }
      };
      for (const step of STEPS) {
        await Promise.all(Object.keys(MEANWHILE).map((meanwhile) => walkThrough(step, meanwhile)));
      }
      await close();
    },
  });
}

Deno.test({
  name: "RedisStore tells a cluster that a record is there although nobody waits for it any more",
  ignore,
  async fn() {
    const clock = new FakeClock();
    const { client, close } = await CLUSTER_CLIENTS["node-redis 6 cluster"]!(cluster.urls);
    const key = `session:${await elsewhere("subject:{waiting}:sessions")}`;
    const list = "session:subject:{waiting}:sessions";
    const abort = new AbortController();
    const scores: unknown[] = [];
    await (await cluster.masterOf(key)).command("DEL", key);
    const node = await cluster.masterOf(list);
    const store = new RedisStore({
      client: intercepted(client, async (send) => {
        const answer = await send();
        const [, score] = await node.command("ZRANGE", list, "0", "-1", "WITHSCORES") as string[];
        // The entry is there, and the record is about to be.
        if (score !== undefined) scores.push(Number(score) - clock.now());
        if (await (await cluster.masterOf(key)).command("EXISTS", key)) abort.abort();
        return answer;
      }),
      clock: clock.now,
    });
    const record = bound(clock, "waiting");
    await store.create(key.slice("session:".length), record, undefined, abort.signal);
    assert(abort.signal.aborted);
    assertEquals([scores[0], scores.at(-1)], [3_599_999.5, 3_600_000]);
    await close();
  },
});

test("ends no session that went to another subject after it was listed", async ({ client, clock }) => {
  const store = new RedisStore({ client, clock: clock.now });
  const record = bound(clock, "from");
  await store.create("goes", record);
  const change = written(record, { subject: "to" });
  const racing = new RedisStore({
    client: intercepted(client, async (send, count) => {
      // After the generation was set, the list was taken and the record was read.
      if (count === 4) await store.update("goes", change, record);
      return await send();
    }),
    clock: clock.now,
  });
  await store.deleteAll("nobody", {});
  assertEquals(await racing.deleteAll("from", {}), 0);
  assertEquals(await store.read("goes"), change);
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
  const read = (client: RedisClientLike) =>
    new RedisStore({ client }).read("key", undefined, signal);
  await read({ masters: [], sendCommand });
  await read({ getMasterNode() {}, sendCommand });
  await read({ sendCommand });
  const options = { abortSignal: signal, signal };
  const command = ["GET", "session:key"];
  assertEquals(given, [
    ["session:key", false, command, options],
    [false, command, options],
    [command, { ...options, timeout: undefined }],
  ]);
});

Deno.test("RedisStore has node-redis set no timer for a command that has a signal, unless the application has", async () => {
  const { timeout } = AbortSignal;
  const timers: number[] = [];
  AbortSignal.timeout = (milliseconds) => {
    timers.push(milliseconds);
    return timeout(milliseconds);
  };
  const { signal } = new AbortController();
  try {
    for (const expected of [[], [4321]]) {
      const commandOptions = expected[0] ? { timeout: expected[0] } : {};
      const client = createClient({ socket: { host: "127.0.0.1", port: 1 }, commandOptions });
      const connecting = client.on("error", () => {}).connect();
      const read = new RedisStore({ client }).read("key", undefined, signal);
      client.destroy();
      await Promise.allSettled([connecting, read]);
      assertEquals(timers.splice(0), expected);
    }
  } finally {
    AbortSignal.timeout = timeout;
  }
});

Deno.test("RedisStore takes only clients that it knows", () => {
  for (const client of [undefined, {}, null, "redis://localhost", new Map(), Promise.resolve({})]) {
    assertThrows(
      () => new RedisStore({ client: client as never }),
      TypeError,
      "Cannot create RedisStore: option client is not valid: ",
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
          "Cannot use RedisStore: client(c) returned no client",
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
      const error = await assertRejects(operation, TypeError, "client(c) failed");
      assertEquals(error.cause, cause);
      assert(!Deno.inspect(error).includes("a password"));
    }
  }
  const store = new RedisStore({ client: (c) => c.env.REDIS });
  await assertRejects(() => store.read("key"), TypeError, "client(c) failed");
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
    const steps = ["EVALSHA 1", "EVAL 1", "EVALSHA 1", "EVAL 1", "PUBLISH session:key"];
    assertEquals(asked.splice(0), ["EVALSHA 2", "EVAL 2", ...steps]);
    assertEquals(await replace(), true);
    assertEquals(asked.splice(0), steps);
  }
  assertEquals(calls, 4);
  for (const operation of operationsOf(store, clusters[0])) await operation();
  assertEquals(calls, 4 + 6);
  const { asked, client } = makeCluster();
  const later = new RedisStore({ client: async (c) => await c.client });
  for (const operation of operationsOf(later, { client: Promise.resolve(client) })) {
    asked.length = 0;
    await operation();
    assert(asked.length > 0);
  }
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
