import { session } from "@x/hono-session";
import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Redis as Upstash } from "@upstash/redis";
import { Hono } from "hono";
import { Redis } from "ioredis";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import { createClient as createClient4, createCluster as createCluster4 } from "redis-4";
import {
  createClient as createClient5,
  createClientPool as createClientPool5,
  createCluster as createCluster5,
  createSentinel as createSentinel5,
} from "redis-5";
import { Client } from "../_support/client.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLIENTS, CLUSTER_CLIENTS, type RedisConnection } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";

const ignore = skipRedis();

const rootNodes = [{ url: "redis://127.0.0.1:1" }];
const sentinels = { name: "sessions", sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }] };

/** What is given as a client and can't be one, and what the error says of it. */
const MISTAKES: [name: string, make: () => unknown, says: string][] = [
  ["node-redis 6, legacy()", () => createClient().legacy(), "legacy mode"],
  ["node-redis 5, legacy()", () => createClient5().legacy(), "legacy mode"],
  ["node-redis 4, legacyMode", () => createClient4({ legacyMode: true }), "legacy mode"],
  ["node-redis 6", () => createClient(), "it is not connected; await client.connect()"],
  ["node-redis 6 pool", () => createClientPool(), "it is not connected"],
  ["node-redis 6 cluster", () => createCluster({ rootNodes }), "it is not connected"],
  ["node-redis 6 sentinel", () => createSentinel(sentinels), "it is not connected"],
  ["node-redis 5", () => createClient5(), "it is not connected"],
  ["node-redis 5 pool", () => createClientPool5(), "it is not connected"],
  ["node-redis 5 cluster", () => createCluster5({ rootNodes }), "it is not connected"],
  ["node-redis 5 sentinel", () => createSentinel5(sentinels), "it is not connected"],
  ["node-redis 4", () => createClient4(), "it is not connected"],
  ["node-redis 4 cluster", () => createCluster4({ rootNodes }), "it is not connected"],
  ["ioredis, closed", closedIoredis, "it is not connected"],
  ["Upstash", () => new Upstash({ url: "https://u.example", token: "t" }), "rediss:// address"],
  ["the AWS SDK", () => new DynamoDBClient({ region: "x" }), "it is a client of the AWS SDK"],
  ["Valkey GLIDE", () => ({ customCommand() {}, get() {} }), "use redis, ioredis or iovalkey"],
  [
    "Deno's redis",
    () => ({ sendCommand() {}, isConnected: true, isClosed: false }),
    "use npm:redis or npm:ioredis",
  ],
];

function closedIoredis(): Redis {
  const client = new Redis({ lazyConnect: true });
  client.disconnect();
  return client;
}

for (const [name, make, says] of MISTAKES) {
  Deno.test(`RedisStore refuses a client that can't work when it is built: ${name}`, async () => {
    const client = make() as RedisClientLike;
    const refused = assertThrows(() => new RedisStore({ client }), TypeError, says);
    const start = "Cannot create RedisStore: option client is not valid: it is ";
    assertEquals(refused.message.slice(0, start.length), start);
    const found = new RedisStore({ client: () => client });
    const error = await assertRejects(() => found.read("key"), TypeError, says);
    assert(error.message.startsWith("Cannot use RedisStore: the client of client(c) is not valid"));
  });
}

Deno.test({
  name: "RedisStore accepts a client that is about to connect",
  ignore,
  sanitizeResources: false,
  async fn() {
    await using server = await RedisServer.start();
    const { url } = server;
    const connecting = [createClient({ url }), createClient5({ url }), createClient4({ url })];
    const pools = [createClientPool({ url }), createClientPool5({ url })];
    for (const client of [...connecting, ...pools]) {
      const isConnected = client.connect();
      const store = new RedisStore({ client });
      assertEquals(await store.read("key"), undefined);
      await isConnected;
      if ("destroy" in client) client.destroy();
      else await client.disconnect();
    }
    const waiting = new Redis(url, { lazyConnect: true });
    assertEquals(await new RedisStore({ client: waiting }).read("key"), undefined);
    waiting.disconnect();
  },
});

Deno.test({
  name: "RedisStore says that its client was closed, whatever the client says",
  ignore,
  sanitizeResources: false,
  async fn() {
    await using server = await RedisServer.start();
    await using cluster = await RedisCluster.start();
    const opened: [string, Promise<RedisConnection>][] = [
      ...Object.entries(CLIENTS).map(([name, open]) => [name, open(server.url)] as const),
      ...Object.entries(CLUSTER_CLIENTS).map(([name, open]) => [name, open(cluster.urls)] as const),
    ].map(([name, connection]) => [name, connection]);
    for (const [name, connection] of opened) {
      const { client, close } = await connection;
      const store = new RedisStore({ client });
      await store.read("key");
      await close();
      const error = await assertRejects(() => store.read("key"), Error);
      assert(error.message.includes("its client is not connected"), `${name}: ${error.message}`);
    }
  },
});

/** Does something, and gives the warnings that were logged meanwhile. */
async function warningsOf(run: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (message: string) => warnings.push(message);
  try {
    await run();
  } finally {
    console.warn = warn;
  }
  return warnings;
}

/** Answers requests of a session whose store asks for its client in each, and gives what was warned of. */
async function served(client: () => RedisClientLike): Promise<string[]> {
  const store = new RedisStore({ client });
  const app = new Hono().use(session({ store })).get("/", (c) => c.text(c.var.session.sid));
  const browser = new Client(app);
  const cookie = `sid=${"A".repeat(43)}`;
  return await warningsOf(async () => {
    for (let count = 0; count < 30; count++) {
      assertEquals((await browser.fetch("/", { headers: { cookie } })).status, 200);
    }
  });
}

const makeClient = (): RedisClientLike => ({ send: () => Promise.resolve(null) });

Deno.test("RedisStore warns once when client(c) makes a client for each request", async () => {
  const [warning, ...more] = await served(makeClient);
  assert(warning?.includes("Connect one client when the app starts"), warning);
  assertEquals(more, []);
});

Deno.test("RedisStore warns of no client that is used again", async () => {
  const clients = Array.from({ length: 8 }, makeClient);
  let count = 0;
  assertEquals(await served(() => clients[count++ % clients.length]!), []);
  const [client] = clients;
  assertEquals(await served(() => client!), []);
});
