import type { SessionRecord } from "@x/hono-session";
import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";

import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLUSTER_VARIANTS, VARIANTS } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";

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

/** So many that every node of a cluster has some, and all of them at the same time. */
const USERS = Array.from({ length: 12 }, (_, at) => `user:${at}`);

function record(clock: FakeClock, changes: Partial<SessionRecord> = {}): SessionRecord {
  return makeRecord(clock, { sid: crypto.randomUUID(), ...changes });
}

/** All that a store does, for several users at once: from the login to the end of all sessions. */
async function visit(client: RedisClientLike): Promise<void> {
  const clock = new FakeClock();
  const store = new RedisStore({ client, clock: clock.now });
  await Promise.all(USERS.map(async (subject) => {
    const key = `${subject} first`;
    const moved = `${subject} moved`;
    const first = record(clock, { data: '{"name":"Żaneta"}' });
    assertEquals(await store.create(key, first), true, "create");
    assertEquals(await store.create(key, first), false, "create again");
    assertEquals(await store.read(key), first, "read");
    const generation = await store.generation(subject);
    const login = { ...first, version: 2, subject, subjectAt: clock.now(), generation };
    assertEquals(await store.replace(key, { key: moved, record: login }, first), true, "replace");
    assertEquals(await store.read(key), undefined, "read what was replaced");
    const second = { ...login, version: 3, data: '{"visits":1}' };
    assertEquals(await store.update(moved, second, login), true, "update");
    assertEquals(await store.update(moved, second, login), false, "update what was updated");
    const times = { ...second, expiresAt: second.expiresAt + 1000 };
    assertEquals(await store.touch(moved, times, second), true, "touch");
    assertEquals(await store.read(moved), times, "read what was touched");
    const bound = { subject, subjectAt: clock.now(), generation };
    assertEquals(await store.create(`${subject} other`, record(clock, bound)), true);
    const sids = (await Array.fromAsync(store.list(subject))).map(({ record }) => record.sid);
    assertEquals(sids.length, 2, "list");
    await store.delete(`${subject} other`);
    assertEquals((await Array.fromAsync(store.list(subject))).length, 1, "list after delete");
    assertEquals(await store.deleteAll(subject, {}), 1, "deleteAll");
    assertEquals(await store.read(moved), undefined, "read after deleteAll");
    assertEquals(await store.create(`${subject} kept`, record(clock)), true);
  }));
}

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
      await visit(client);
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
      await visit(client);
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
