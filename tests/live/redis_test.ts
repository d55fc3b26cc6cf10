import { createSessions, type SessionManager } from "@x/hono-session";
import { RedisStore } from "@x/hono-session/stores/redis";
import { assert, assertEquals } from "@std/assert";
import { createClient } from "redis";
import { DroppingProxy } from "../_support/dropping_proxy.ts";
import { LATEST } from "../_support/in_time.ts";
import { RedisServer, skipRedis, until } from "../_support/redis.ts";
import { CLIENTS, CLUSTER_CLIENTS, type RedisConnection } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";
import { ADA, RARELY, watch } from "../_support/watched_session.ts";

const ignore = skipRedis();

/** How long the subscription and its loss may take to be known, in milliseconds. */
const SETTLED = 300;

/** How long clients may wait before they connect again, in milliseconds. */
const RECONNECTED = 3000;

/** One process. */
interface Machine extends AsyncDisposable {
  readonly sessions: SessionManager;
  readonly errors: string[];
}

function machineOf({ client, close }: RedisConnection, every: number): Machine {
  const errors: string[] = [];
  const events = { storeError: ({ operation }: { operation: string }) => errors.push(operation) };
  const store = new RedisStore({ client });
  const sessions = createSessions({ store, live: { every }, storeTimeout: 3, events });
  return { sessions, errors, [Symbol.asyncDispose]: async () => void await close() };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function test(name: string, fn: () => Promise<void>): void {
  // Clients close their connections a little later.
  Deno.test({ name, ignore, sanitizeOps: false, sanitizeResources: false, fn });
}

test("Redis pushes the end of a session to every client, with the reason", async () => {
  await using server = await RedisServer.start();
  await using cluster = await RedisCluster.start();
  const clients = [
    ...Object.values(CLIENTS).map((connect) => () => connect(server.url)),
    ...Object.values(CLUSTER_CLIENTS).map((connect) => () => connect(cluster.urls)),
  ];
  const names = [...Object.keys(CLIENTS), ...Object.keys(CLUSTER_CLIENTS)];
  for (const [index, connect] of clients.entries()) {
    const name = names[index]!;
    if (name.endsWith("pool")) continue;
    await using here = machineOf(await connect(), RARELY);
    await using there = machineOf(await connect(), RARELY);
    const [one, two] = [await watch(here), await watch(here)];
    await pause(SETTLED);
    await there.sessions.revoke(ADA, one.sid);
    const delay = await one.delay();
    assert(delay < LATEST, `${name}: ${delay} ms`);
    assertEquals([one.ended.reason, two.ended.aborted], ["revoked", false], name);
    await there.sessions.revokeAll(ADA);
    assert(await two.delay() < LATEST, name);
    assertEquals(two.ended.reason, "revoked", name);
  }
});

test("an end is noticed in time by Redis while its subscribers are killed, and at once afterwards", async () => {
  await using server = await RedisServer.start();
  await using here = machineOf(await CLIENTS["node-redis 6"]!(server.url), 1);
  await using there = machineOf(await CLIENTS["node-redis 6"]!(server.url), 1);
  for (let time = 0; time < 3; time++) {
    const watched = await watch(here);
    await pause(SETTLED);
    await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await there.sessions.revokeAll(ADA);
    const delay = await watched.delay();
    assert(delay < LATEST, `${delay} ms`);
  }
  await using slow = machineOf(await CLIENTS["node-redis 6"]!(server.url), RARELY);
  const watched = await watch(slow);
  await pause(SETTLED);
  await server.command("CLIENT", "KILL", "TYPE", "pubsub");
  await pause(1000);
  await there.sessions.revokeAll(ADA);
  assert(await watched.delay() < LATEST);
});

for (const name of ["node-redis 6", "ioredis 6"]) {
  test(`a Redis server that is killed and restarted ends nobody, and notifies again, with ${name}`, async () => {
    await using server = await RedisServer.start();
    const connect = CLIENTS[name]!;
    await using here = machineOf(await connect(server.url), 1);
    await using slow = machineOf(await connect(server.url), RARELY);
    await using there = machineOf(await connect(server.url), RARELY);
    const [one, two, three] = [await watch(here), await watch(here), await watch(slow)];
    await pause(SETTLED);
    await server.kill();
    await pause(2500);
    const aborted = () => [one, two, three].map(({ ended }) => ended.aborted);
    assertEquals(aborted(), [false, false, false]);
    await server.restart();
    // Whether or not the subscriber is back, a poll sees it.
    await until("the client is connected again", async () => {
      await there.sessions.revoke(ADA, one.sid);
      return true;
    });
    const delay = await one.delay();
    assert(delay < LATEST, `${delay} ms`);
    await pause(RECONNECTED);
    assertEquals(aborted(), [true, false, false]);
    await there.sessions.revokeAll(ADA);
    for (const each of [two, three]) assert(await each.delay() < LATEST);
    assertEquals([two.ended.reason, three.ended.reason], ["revoked", "revoked"]);
  });
}

test("an end behind a partition is noticed when it is over, and nobody is ended by it", async () => {
  await using server = await RedisServer.start();
  await using proxy = await DroppingProxy.start(Number(new URL(server.url).port));
  await using here = machineOf(await CLIENTS["node-redis 6"]!(proxy.url), 1);
  await using there = machineOf(await CLIENTS["node-redis 6"]!(server.url), 1);
  const [one, two] = [await watch(here), await watch(here)];
  await pause(SETTLED);
  proxy.drop(Infinity);
  await there.sessions.revoke(ADA, one.sid);
  await pause(2500);
  assertEquals([one.ended.aborted, two.ended.aborted], [false, false]);
  assert(here.errors.length > 0 && here.errors.length <= 4, `${here.errors}`);
  proxy.drop(0);
  const delay = await one.delay();
  assert(delay < LATEST, `${delay} ms`);
  assertEquals(two.ended.aborted, false);
  await there.sessions.revokeAll(ADA);
  assert(await two.delay() < LATEST);
});

test("a user of Redis that may not publish ends sessions all the same", async () => {
  await using server = await RedisServer.start();
  await server.command("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "resetchannels");
  const url = server.url.replace("redis://", "redis://app:secret@");
  const client = await createClient({ url }).on("error", () => {}).connect();
  const errors: string[] = [];
  const events = { storeError: ({ operation }: { operation: string }) => errors.push(operation) };
  const store = new RedisStore({ client });
  const sessions = createSessions({ store, live: { every: 0.2 }, events });
  try {
    const watched = await watch({ sessions });
    await pause(SETTLED);
    await sessions.revokeAll(ADA);
    assert(await watched.delay() < LATEST);
    assertEquals([await sessions.count(ADA), new Set(errors)], [0, new Set(["watch"])]);
  } finally {
    client.destroy();
  }
});

test("whoever watches has one subscription, which is closed when nobody does", async () => {
  await using server = await RedisServer.start();
  await using here = machineOf(await CLIENTS["node-redis 6"]!(server.url), 1);
  const subscribers = async () => {
    const list = String(await server.command("CLIENT", "LIST", "TYPE", "pubsub"));
    return list.split("\n").filter((line) => line.includes("sub=1")).length;
  };
  assertEquals(await subscribers(), 0);
  for (let time = 0; time < 2; time++) {
    const watched = [await watch(here), await watch(here), await watch(here)];
    await pause(SETTLED);
    assertEquals(await subscribers(), 1);
    await here.sessions.revokeAll(ADA);
    for (const each of watched) await each.delay();
    await pause(SETTLED);
    assertEquals(await subscribers(), 0);
  }
});
