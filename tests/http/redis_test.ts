import { RedisStore } from "@x/hono-session/stores/redis";
import { pooled } from "../_support/pooled.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLIENTS, CLUSTER_CLIENTS, type RedisConnection } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";
import { httpSuite } from "./_suite.ts";

const ignore = skipRedis();

let server: RedisServer;
let cluster: RedisCluster;
const connections = new Map<string, RedisConnection>();

Deno.test.beforeAll(async () => {
  if (ignore) return;
  [server, cluster] = await Promise.all([RedisServer.start(), RedisCluster.start()]);
  for (const name of ["node-redis 6", "ioredis 6"]) {
    connections.set(name, await CLIENTS[name]!(server.url));
    const inCluster = `${name} cluster`;
    connections.set(inCluster, await CLUSTER_CLIENTS[inCluster]!(cluster.urls));
  }
});

Deno.test.afterAll(async () => {
  for (const { close } of connections.values()) await close();
  await Promise.all([server?.stop(), cluster?.stop()]);
});

for (const name of ["node-redis 6", "node-redis 6 cluster", "ioredis 6", "ioredis 6 cluster"]) {
  httpSuite({
    name: `RedisStore with ${name}`,
    open: (clock) => {
      const { client } = connections.get(name)!;
      // The subjects are the same in all tests.
      const prefix = `${crypto.randomUUID()}:`;
      const apart = (clock: () => number) => new RedisStore({ client, prefix, clock });
      return { store: apart(clock), apart };
    },
    test: pooled({ ignore }),
  });
}
