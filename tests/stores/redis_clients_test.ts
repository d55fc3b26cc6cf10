import { assert, assertEquals } from "@std/assert";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLUSTER_VARIANTS, VARIANTS } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";
import { visitRedis } from "../_support/redis_visit.ts";

const ignore = skipRedis();

let server: RedisServer;
let cluster: RedisCluster;

Deno.test.beforeAll(async () => {
  if (ignore) return;
  [server, cluster] = await Promise.all([RedisServer.start(), RedisCluster.start()]);
});

Deno.test.afterAll(async () => {
  await Promise.all([server?.stop(), cluster?.stop()]);
});

/** The keys of a server that don't begin as they should. */
async function strays(nodes: readonly RedisServer[], prefix: string): Promise<string[]> {
  const keys = await Promise.all(nodes.map((node) => node.command("KEYS", "*")));
  const all = keys.flat() as string[];
  assert(all.some((key) => key.startsWith(prefix)), `no key begins with ${prefix}`);
  return all.filter((key) => !key.startsWith(prefix));
}

for (const [name, connect] of Object.entries(VARIANTS)) {
  Deno.test({
    name: `RedisStore does all that it does with ${name}`,
    ignore,
    // A pool clears its timers a moment after it is closed.
    sanitizeResources: false,
    async fn() {
      await server.command("FLUSHALL");
      const { client, close } = await connect(server.url, "app:");
      await visitRedis(client);
      const prefix = name.startsWith("node-redis 5") ? "session:" : "app:session:";
      assertEquals(await strays([server], prefix), []);
      await close();
    },
  });
}

for (const [name, connect] of Object.entries(CLUSTER_VARIANTS)) {
  Deno.test({
    name: `RedisStore does all that it does with ${name}, and is redirected nowhere`,
    ignore,
    sanitizeResources: false,
    async fn() {
      await Promise.all(cluster.nodes.map((node) => node.command("FLUSHALL")));
      await Promise.all(cluster.nodes.map((node) => node.command("CONFIG", "RESETSTAT")));
      const { client, close } = await connect(cluster.urls, "app:");
      await visitRedis(client);
      const prefix = /node-redis [45]/.test(name) ? "session:" : "app:session:";
      assertEquals(await strays(cluster.nodes, prefix), []);
      const stats = await Promise.all(
        cluster.nodes.map((node) => node.command("INFO", "errorstats")),
      );
      assertEquals(stats.join().match(/errorstat_MOVED:count=\d+/g), null);
      await close();
    },
  });
}
