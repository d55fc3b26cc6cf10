// Two applications that keep their sessions in one place are kept apart by `prefix`, in SQL by `table`.
import { createSessions, type SessionStore } from "@x/hono-session";
import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { DurableObjectStore } from "@x/hono-session/stores/durable-objects";
import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { RedisStore } from "@x/hono-session/stores/redis";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { openObjects } from "../_support/durable_objects.ts";
import { makeTable, SERVERS, TestClient } from "../_support/dynamodb.ts";
import { PostgresServer, skipPostgres } from "../_support/postgres.ts";
import { POSTGRES_CLIENTS } from "../_support/postgres_clients.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLIENTS, CLUSTER_CLIENTS } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";
import { openWorkers } from "../_support/workers.ts";
import { DatabaseSync } from "node:sqlite";

/** Opens a place for sessions, and gives a store there for each prefix. */
interface Place {
  readonly name: string;
  readonly ignore: boolean;
  readonly prefixes: readonly (readonly [one: string, other: string])[];
  open(): Promise<{ makeStore(prefix: string): SessionStore; close(): unknown }>;
}

const TEXTS = [["app:", "shop:"], ["session:", "session:session:"], ["", "s"]] as const;

const TABLES = [["app", "shop"], ["sessions", "Sessions2"], ["s", "_s"]] as const;

const PLACES: Place[] = [
  {
    name: "PostgresStore",
    ignore: skipPostgres(),
    prefixes: TABLES,
    async open() {
      const server = await PostgresServer.start();
      const { sql, execute, close } = await POSTGRES_CLIENTS["postgres.js"]!(server.url);
      for (const table of TABLES.flat()) await execute(PostgresStore.schema({ table }));
      const makeStore = (table: string) => new PostgresStore({ sql, table });
      return { makeStore, close: async () => (await close(), await server.stop()) };
    },
  },
  {
    name: "SqliteStore",
    ignore: false,
    prefixes: TABLES,
    open() {
      const db = new DatabaseSync(":memory:");
      for (const table of TABLES.flat()) db.exec(SqliteStore.schema({ table }));
      const makeStore = (table: string) => new SqliteStore({ db, table });
      return Promise.resolve({ makeStore, close: () => db.close() });
    },
  },
  {
    name: "RedisStore",
    ignore: skipRedis(),
    prefixes: TEXTS,
    async open() {
      const server = await RedisServer.start();
      const { client, close } = await CLIENTS["node-redis 6"]!(server.url);
      const makeStore = (prefix: string) => new RedisStore({ client, prefix });
      return { makeStore, close: async () => (await close(), await server.stop()) };
    },
  },
  {
    name: "RedisStore in a cluster",
    ignore: skipRedis(),
    prefixes: TEXTS,
    async open() {
      const cluster = await RedisCluster.start();
      const { client, close } = await CLUSTER_CLIENTS["ioredis 6 cluster"]!(cluster.urls);
      const makeStore = (prefix: string) => new RedisStore({ client, prefix });
      return { makeStore, close: async () => (await close(), await cluster.stop()) };
    },
  },
  {
    name: "DenoKvStore",
    ignore: false,
    prefixes: [["app", "shop"], ["session", "session session"], ["", "subject"]],
    async open() {
      const kv = await Deno.openKv(":memory:");
      const makeStore = (prefix: string) =>
        new DenoKvStore({ kv, prefix: prefix.split(" ").filter(Boolean) });
      return { makeStore, close: () => kv.close() };
    },
  },
  ...SERVERS.map(({ name, ignore, start }) => ({
    name: `DynamoDbStore on ${name}`,
    ignore,
    prefixes: TEXTS,
    async open() {
      const server = await start();
      const client = new TestClient(server.port);
      const tableName = await makeTable(client);
      const { document } = client;
      const makeStore = (prefix: string) =>
        new DynamoDbStore({ document, tableName, sortKey: "sk", prefix });
      return {
        makeStore,
        close: async () => (client[Symbol.dispose](), await server[Symbol.asyncDispose]()),
      };
    },
  })),
];

const workers = await openWorkers();
if (workers) {
  const { namespace } = workers;
  Deno.test.afterAll(async () => await workers[Symbol.asyncDispose]());
  PLACES.push({
    name: "CloudflareKvStore",
    ignore: false,
    prefixes: TEXTS,
    open: () =>
      Promise.resolve({
        makeStore: (prefix) => new CloudflareKvStore({ namespace, prefix }),
        close() {},
      }),
  });
}

const objects = await openObjects();
if (objects) {
  const { namespace } = objects;
  Deno.test.afterAll(async () => await objects[Symbol.asyncDispose]());
  PLACES.push({
    name: "DurableObjectStore",
    ignore: false,
    prefixes: [...TEXTS, ["1", "11"], ["", ":"]],
    open: () =>
      Promise.resolve({
        makeStore: (prefix) => new DurableObjectStore({ namespace, prefix, shards: 12 }),
        close() {},
      }),
  });
}

/** An application with a store of its own. */
function makeApp(store: SessionStore) {
  const sessions = createSessions<{ name?: string }>({ store });
  const app = new Hono()
    .use(sessions.middleware())
    .get("/login/:name", async (c) => {
      await c.var.session.regenerate();
      if (store.capabilities.index) c.var.session.subject = "user:42";
      return c.text(c.var.session.name = c.req.param("name"));
    })
    .get("/", (c) => c.text(c.var.session.name ?? "stranger"));
  return { sessions, browser: new Client(app), stranger: new Client(app) };
}

for (const { name, ignore, prefixes, open } of PLACES) {
  Deno.test({
    name: `prefix keeps the sessions, lists and ends of two applications apart: ${name}`,
    ignore,
    sanitizeResources: false,
    async fn() {
      const { makeStore, close } = await open();
      for (const pair of prefixes) {
        const [one, other] = pair.map((prefix) => makeApp(makeStore(prefix)));
        assertEquals(await one!.browser.text("/login/Ada"), "Ada");
        assertEquals(await other!.browser.text("/login/Eve"), "Eve");
        // A cookie of one is worth nothing for the other.
        const headers = { cookie: await one!.browser.cookie() };
        assert(headers.cookie.startsWith("sid="));
        assertEquals(await other!.stranger.text("/", { headers }), "stranger");
        if (makeStore(pair[0]).capabilities.index) {
          const list = async ({ sessions }: typeof one & object) =>
            (await Array.fromAsync(sessions.list("user:42"))).length;
          assertEquals([await list(one!), await list(other!)], [1, 1], `lists of ${pair}`);
          assertEquals(await one!.sessions.revokeAll("user:42"), 1);
          assertEquals([await list(one!), await list(other!)], [0, 1], `lists of ${pair}`);
          assertEquals(await one!.browser.text("/"), "stranger");
          // What one has ended makes no login of the other one late.
          const store = makeStore(pair[1]);
          assertEquals(await store.generation!("user:42"), 0);
        }
        assertEquals(await other!.browser.text("/"), "Eve");
      }
      await close();
    },
  });
}
