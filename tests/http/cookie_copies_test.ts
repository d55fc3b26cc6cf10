import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { RedisStore } from "@x/hono-session/stores/redis";
import { pooled } from "../_support/pooled.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLIENTS, type RedisConnection } from "../_support/redis_clients.ts";
import { withoutIndex } from "../_support/without_index.ts";
import { cookieCopies } from "./_cookie_copies.ts";

const ignore = skipRedis();

let server: RedisServer;
let connection: RedisConnection;

Deno.test.beforeAll(async () => {
  if (ignore) return;
  server = await RedisServer.start();
  connection = await CLIENTS["node-redis 6"]!(server.url);
});

Deno.test.afterAll(async () => {
  await connection?.close();
  await server?.stop();
});

const unbounded = (clock: () => number) => new MapStore({ clock, maxEntries: Infinity });

cookieCopies({ name: "Map", open: (clock) => ({ store: unbounded(clock) }) });

cookieCopies({
  name: "a Map without an index",
  index: false,
  open: (clock) => ({ store: withoutIndex(unbounded(clock)) }),
});

cookieCopies({
  name: "Deno KV",
  open(clock) {
    const store = new DenoKvStore({ path: ":memory:", clock });
    return { store, close: () => store[Symbol.asyncDispose]() };
  },
});

cookieCopies({
  name: "Redis",
  open: (clock) => {
    const prefix = `${crypto.randomUUID()}:`;
    return { store: new RedisStore({ client: connection.client, prefix, clock }) };
  },
  test: pooled({ ignore }),
});
