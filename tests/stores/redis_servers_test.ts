import { Cluster, Redis } from "ioredis";
import { createClient, createCluster, createSentinel } from "redis";
import { createClient as createClient4 } from "redis-4";
import { createClient as createClient5, createSentinel as createSentinel5 } from "redis-5";
import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { session } from "@x/hono-session";
import { Hono } from "hono";
import { ROOT } from "../../scripts/paths.ts";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { DroppingProxy } from "../_support/dropping_proxy.ts";
import { makeRecord } from "../_support/record.ts";
import { redisPrograms, RedisServer, skipRedis, until, versionOf } from "../_support/redis.ts";
import { CLIENTS } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";
import { MASTER_NAME, RedisSentinel } from "../_support/redis_sentinel.ts";
import { visitRedis } from "../_support/redis_visit.ts";

const ignore = skipRedis();

type Sentinels = Record<
  string,
  (address: { host: string; port: number }) => Promise<
    { client: RedisClientLike; close(): unknown }
  >
>;

const SENTINELS: Sentinels = {
  async "node-redis 6"(address) {
    const client = createSentinel({ name: MASTER_NAME, sentinelRootNodes: [address] });
    await client.on("error", () => {}).connect();
    return { client, close: () => client.destroy() };
  },
  async "node-redis 5"(address) {
    const client = createSentinel5({ name: MASTER_NAME, sentinelRootNodes: [address] });
    await client.on("error", () => {}).connect();
    return { client, close: () => client.destroy() };
  },
  async "ioredis 6"(address) {
    const client = new Redis({ name: MASTER_NAME, sentinels: [address], lazyConnect: true });
    await client.on("error", () => {}).connect();
    return { client, close: () => client.disconnect() };
  },
};

Deno.test({
  name: "RedisStore follows the primary of a sentinel",
  ignore,
  sanitizeResources: false,
  async fn() {
    await using sentinel = await RedisSentinel.start();
    const clock = new FakeClock();
    const opened = await Promise.all(
      Object.entries(SENTINELS).map(async ([name, connect]) => {
        const { client, close } = await connect(sentinel.address);
        return { name, store: new RedisStore({ client, clock: clock.now }), client, close };
      }),
    );
    const first = makeRecord(clock, { subject: "user:42", subjectAt: clock.now() });
    for (const { name, store } of opened) assertEquals(await store.create(name, first), true, name);
    await sentinel.replicated();
    await sentinel.failover();
    const second = { ...first, version: 2 };
    for (const { name, store, client, close } of opened) {
      assertEquals(await store.update(name, second, first), true, name);
      assertEquals(await store.read(name), second, name);
      await visitRedis(client, `${name}:`);
      await close();
    }
  },
});

Deno.test({
  name: "RedisStore reports sessions that end over a sentinel, also after a failover",
  ignore,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using sentinel = await RedisSentinel.start();
    const clock = new FakeClock();
    const record = makeRecord(clock);
    for (const isAfter of [false, true]) {
      if (isAfter) await sentinel.failover();
      for (const [name, connect] of Object.entries(SENTINELS)) {
        // Its subscriptions receive nothing here: such ends are found by reading.
        if (name === "node-redis 5") continue;
        const { client, close } = await connect(sentinel.address);
        const store = new RedisStore({ client, clock: clock.now });
        const key = `${name} ${isAfter}`.padEnd(43, "-");
        const reported = Promise.withResolvers<unknown>();
        const stop = await store.watch((...args) => reported.resolve(args));
        assertEquals(await store.create(key, record), true, name);
        await store.delete(key, undefined, undefined, "logout");
        const timer = setTimeout(() => reported.resolve("nothing in 5 seconds"), 5000);
        assertEquals(await reported.promise, [key, "logout"], name);
        clearTimeout(timer);
        await stop();
        await close();
      }
    }
  },
});

const socket = { reconnectStrategy: false } as const;

/** Clients that don't connect again. */
const WITHOUT_RETRY = {
  "node-redis 6": (url: string) => createClient({ url, socket }).on("error", () => {}),
  "node-redis 5": (url: string) => createClient5({ url, socket }).on("error", () => {}),
  "node-redis 4": (url: string) => createClient4({ url, socket }).on("error", () => {}),
};

for (const [name, create] of Object.entries(WITHOUT_RETRY)) {
  Deno.test({
    name: `RedisStore stops watching a server that is gone, then reports that, with ${name}`,
    ignore,
    async fn() {
      await using server = await RedisServer.start();
      const client = create(server.url);
      await client.connect();
      let copy = client;
      const duplicate = () => copy = create(server.url);
      const store = new RedisStore({ client: Object.assign(client, { duplicate }) });
      const stop = await store.watch(() => {});
      await server.kill();
      const areClosed = () => Promise.resolve(!client.isOpen && !copy.isOpen);
      await until("the connections are closed", areClosed);
      await stop();
      await assertRejects(() => store.watch(() => {}), Error, "ECONNREFUSED");
    },
  });
}

Deno.test({
  name: "RedisStore writes to the next primary when the one that it knows has become a replica",
  ignore,
  async fn() {
    await using before = await RedisServer.start(["--repl-diskless-sync-delay", "0"]);
    await using after = await RedisServer.start();
    await using proxy = await DroppingProxy.start(before.port);
    const clock = new FakeClock();
    const client = new Redis(proxy.url, {
      lazyConnect: true,
      reconnectOnError: ({ message }) => message.includes("READONLY"),
    });
    await client.on("error", () => {}).connect();
    const store = new RedisStore({ client, clock: clock.now });
    const first = makeRecord(clock);
    assertEquals(await store.create("key", first), true);
    await after.command("REPLICAOF", "127.0.0.1", String(before.port));
    await until("it is replicated", async () => await after.command("DBSIZE") === 1);
    await after.command("REPLICAOF", "NO", "ONE");
    await before.command("REPLICAOF", "127.0.0.1", String(after.port));
    proxy.target = after.port;
    const second = { ...first, version: 2 };
    assertEquals(await store.update("key", second, first), true);
    assertEquals(await store.read("key"), second);
    client.disconnect();
  },
});

Deno.test({
  name:
    "while the memory of Redis is full, sessions are read and logouts work, and what isn't stored is a 503",
  ignore,
  async fn() {
    await using server = await RedisServer.start();
    const { client, close } = await CLIENTS["node-redis 6"]!(server.url);
    const logger = { error() {}, warn() {} };
    const app = new Hono()
      .use(session<{ name?: string }>({ store: new RedisStore({ client }), logger }))
      .get("/login/:name", async (c) => {
        await c.var.session.regenerate();
        c.var.session.subject = "user:42";
        return c.text(c.var.session.name = c.req.param("name"));
      })
      .get("/set", (c) => c.text(c.var.session.name = "Eve"))
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.text("bye");
      })
      .get("/", (c) => c.text(c.var.session.name ?? "stranger"));
    const browser = new Client(app);
    await browser.text("/login/Ada");
    await server.command("CONFIG", "SET", "maxmemory", "1");
    assertEquals(await browser.text("/"), "Ada");
    for (const path of ["/set", "/login/Eve"]) {
      const response = await browser.fetch(path);
      assertEquals([response.status, response.headers.getSetCookie()], [503, []], path);
    }
    assertEquals(await browser.text("/"), "Ada");
    const cookie = await browser.cookie();
    assertEquals((await browser.fetch("/logout")).status, 200);
    assertEquals(await new Client(app).text("/", { headers: { cookie } }), "stranger");
    await close();
  },
});

Deno.test("RedisStore tries what a replica refuses once more, as every server says it", async () => {
  const refusals = [
    "READONLY You can't write against a read only replica. script: 4d, on @user_script:8.",
    "ERR Error running script (call to f_4d): @user_script:8: @user_script: 8: -READONLY You can't write against a read only replica.",
  ];
  const record = makeRecord(new FakeClock());
  for (const message of refusals) {
    let asked = 0;
    const send =
      () => (asked++, asked === 1 ? Promise.reject(new Error(message)) : Promise.resolve(1));
    assertEquals(await new RedisStore({ client: { send } }).create("key", record), true);
    assertEquals(asked, 2);
    const always = { send: () => (asked++, Promise.reject(new Error(message))) };
    await assertRejects(
      () => new RedisStore({ client: always }).create("key", record),
      Error,
      message,
    );
    assertEquals(asked, 4);
  }
});

/** The permissions that stores/README.md lists. */
async function documentedRules(): Promise<string[]> {
  const readme = await Deno.readTextFile(new URL("stores/README.md", ROOT));
  const rules = /ACL SETUSER (app .*)`$/m.exec(readme)?.[1];
  assert(rules, "the rules are in stores/README.md");
  return rules.split(" ");
}

const CREDENTIALS = { username: "app", password: "password" };

Deno.test({
  name: "RedisStore requires few more permissions in a cluster",
  ignore,
  async fn() {
    await using cluster = await RedisCluster.start();
    const rules = await documentedRules();
    const allow = (...more: string[]) =>
      Promise.all(cluster.nodes.map((node) => node.command("ACL", "SETUSER", ...rules, ...more)));
    await allow("+cluster|slots");
    const rootNodes = cluster.urls.map((url) => ({ url }));
    const client = createCluster({ rootNodes, defaults: CREDENTIALS });
    await client.on("error", () => {}).connect();
    await visitRedis(client, "session:a:");
    client.destroy();
    await allow("+cluster|slots", "+cluster|info");
    const options = { redisOptions: CREDENTIALS, lazyConnect: true };
    const ioredis = new Cluster(cluster.urls, options).on("error", () => {});
    await ioredis.connect();
    await visitRedis(ioredis, "session:b:");
    ioredis.disconnect();
  },
});

for (const program of ignore ? [] : redisPrograms()) {
  Deno.test({
    name: `RedisStore does all that it does on ${versionOf(program)}`,
    sanitizeResources: false,
    async fn() {
      await using server = await RedisServer.start([], program);
      for (const connect of Object.values(CLIENTS)) {
        await server.command("FLUSHALL");
        const { client, close } = await connect(server.url);
        await visitRedis(client);
        await close();
      }
    },
  });

  Deno.test({
    name: `RedisStore requires no permissions but those that stores/README.md lists, on ${
      versionOf(program)
    }`,
    sanitizeResources: false,
    async fn() {
      const rules = await documentedRules();
      await using server = await RedisServer.start([], program);
      await server.command("ACL", "SETUSER", ...rules);
      const visit = async (name: string) => {
        await server.command("FLUSHALL");
        await server.command("SCRIPT", "FLUSH");
        const { client, close } = await CLIENTS[name]!(
          server.url.replace("//", "//app:password@"),
        );
        await visitRedis(client).finally(close);
      };
      for (const name of Object.keys(CLIENTS)) await visit(name);
      // Nor does it list one too many for the scripts and the commands of the store.
      for (const rule of rules.slice(rules.indexOf("+get"), rules.indexOf("+evalsha") + 1)) {
        await server.command("ACL", "SETUSER", "app", rule.replace("+", "-"));
        const error = await assertRejects(() => visit("node-redis 6"), Error);
        assert(/permission|can't run/.test(error.message), `${rule}: ${error.message}`);
        await server.command("ACL", "SETUSER", "app", rule);
      }
    },
  });
}
