import { session, type SessionStore } from "@x/hono-session";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { RedisStore } from "@x/hono-session/stores/redis";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { PostgresServer, skipPostgres } from "../_support/postgres.ts";
import { makeTables, POSTGRES_CLIENTS } from "../_support/postgres_clients.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLIENTS, CLUSTER_CLIENTS } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";

const ignore = skipRedis();

/** How many clients send requests at the same time, and how many of each are to succeed. */
const CLIENTS_AT_ONCE = 200;
const ROUNDS = 8;
/** The end of patience with one client, in milliseconds. */
const PATIENCE = 60_000;
/** What a request under load waits for the store, in seconds: less than any outage lasts. */
const UNDER_LOAD = 1;

interface Data {
  count?: number;
}

function makeApp(store: SessionStore, storeTimeout: number) {
  let failures = 0;
  const events = { storeError: () => void failures++ };
  const app = new Hono()
    .use(session<Data>({ store, storeTimeout, events, cookieOptions: { secure: false } }))
    .get("/static", (c) => c.text("static"))
    .get("/increment", async (c) => {
      return c.json(await c.var.session.update("count", (count = 0) => count + 1));
    })
    .get("/read", (c) => c.json(c.var.session));
  return { app, failures: () => failures };
}

type App = ReturnType<typeof makeApp>["app"];

/** What one client saw. */
class Visitor {
  cookie: string | undefined;
  /** The last count that it was told. */
  acknowledged = 0;
  /** When it was told, in milliseconds. */
  acknowledgedAt = 0;
  /** The answers that told it nothing. */
  refusals = 0;
  /** When it was told what was lost afterwards, in milliseconds. */
  readonly lost: number[] = [];

  async increment(app: App): Promise<void> {
    const headers: HeadersInit = this.cookie ? { cookie: this.cookie } : {};
    const response = await app.request("/increment", { headers });
    const [cookie] = response.headers.getSetCookie();
    if (response.status === 503) {
      this.refusals++;
      assertEquals(cookie, undefined, "no cookie for an unsaved session");
      await response.body?.cancel();
      return;
    }
    assertEquals(response.status, 200);
    assertEquals(
      cookie === undefined,
      this.cookie !== undefined,
      "a cookie for a new session only",
    );
    const count: number = await response.json();
    assert(count > this.acknowledged, "an acknowledged increment was lost");
    if (cookie) this.cookie = cookie.split(";")[0]!;
    this.acknowledged = count;
    this.acknowledgedAt = performance.now();
  }

  async stay(app: App, onSuccess: () => void, isOver: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE;
    for (let successes = 0; successes < ROUNDS || !isOver();) {
      assert(performance.now() < end, `${this.refusals} refusals, the store did not recover`);
      const before = this.refusals;
      await this.increment(app);
      if (this.refusals > before) await pause(20);
      else {
        successes++;
        onSuccess();
      }
    }
  }

  /** What the session holds. */
  async count(app: App): Promise<number> {
    const read = () => app.request("/read", { headers: { cookie: this.cookie! } });
    const end = performance.now() + PATIENCE;
    let response = await read();
    // The nodes of a cluster may not have found each other yet.
    while (response.status === 503 && performance.now() < end) {
      await pause(100);
      response = await read();
    }
    assertEquals(response.status, 200);
    return (await response.json()).count ?? 0;
  }
}

/** Many clients that send requests without a rest while something happens to the store. */
async function load(store: SessionStore, strike: () => Promise<void>): Promise<Visitor[]> {
  const unhandled: unknown[] = [];
  const onUnhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", onUnhandled);
  const { app } = makeApp(store, UNDER_LOAD);
  const visitors = Array.from({ length: CLIENTS_AT_ONCE }, () => new Visitor());
  let successes = 0;
  let striking: Promise<void> | undefined;
  let isOver = false;
  try {
    const stays = await Promise.allSettled(visitors.map((visitor) =>
      visitor.stay(app, () => {
        if (++successes === CLIENTS_AT_ONCE * 3) striking = strike().finally(() => isOver = true);
      }, () => isOver)
    ));
    await striking;
    for (const stay of stays) if (stay.status === "rejected") throw stay.reason;
  } finally {
    globalThis.removeEventListener("unhandledrejection", onUnhandled);
  }
  assertEquals(unhandled, []);
  const { app: patient } = makeApp(store, 20);
  for (const visitor of visitors) {
    const count = await visitor.count(patient);
    if (count < visitor.acknowledged) visitor.lost.push(visitor.acknowledgedAt);
    // What was refused may have been done all the same.
    assert(count <= visitor.acknowledged + visitor.refusals, "more than was asked for");
  }
  return visitors;
}

function refusals(visitors: Visitor[]): number {
  return visitors.reduce((sum, visitor) => sum + visitor.refusals, 0);
}

function lost(visitors: Visitor[]): number[] {
  return visitors.flatMap((visitor) => visitor.lost);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Clients clear their timers a moment after they are closed, and a store the one of its operations. */
const CLOSING = 200;

function closing(close: () => unknown): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await close();
      await pause(CLOSING);
    },
  };
}

for (const name of ["node-redis 6", "ioredis 6"]) {
  const sanitized = { ignore, sanitizeOps: true, sanitizeResources: true };

  Deno.test({
    ...sanitized,
    name: `RedisStore with ${name}: a server that is killed under load loses nothing`,
    async fn() {
      await using server = await RedisServer.start();
      const { client, close } = await CLIENTS[name]!(server.url);
      await using _ = closing(close);
      const store = new RedisStore({ client });
      const visitors = await load(store, async () => {
        await server.kill();
        await checkOutage(store);
        await server.restart();
      });
      assert(refusals(visitors) > 0, "nobody noticed");
      assertEquals(lost(visitors), []);
    },
  });

  Deno.test({
    ...sanitized,
    name: `RedisStore with ${name}: a server that hangs is answered in time`,
    async fn() {
      await using server = await RedisServer.start();
      const { client, close } = await CLIENTS[name]!(server.url);
      await using _ = closing(close);
      const store = new RedisStore({ client });
      const { app } = makeApp(store, 20);
      const visitor = new Visitor();
      await visitor.increment(app);
      await server.pause();
      await checkOutage(store);
      server.resume();
      assert(await visitor.count(app) >= 1);
    },
  });
}

for (const name of ["node-redis 6 cluster", "ioredis 6 cluster"]) {
  // Here clients leave timers behind that run for seconds.
  const test = { ignore, sanitizeOps: false, sanitizeResources: false };

  Deno.test({
    ...test,
    name: `RedisStore with ${name}: a failover under load loses nothing`,
    async fn() {
      await using cluster = await RedisCluster.start({ replicas: 1 });
      const { client, close } = await CLUSTER_CLIENTS[name]!(cluster.urls);
      await using _ = closing(close);
      const visitors = await load(new RedisStore({ client }), async () => {
        await cluster.failover("session:any");
      });
      assertEquals(lost(visitors), []);
    },
  });

  Deno.test({
    ...test,
    name: `RedisStore with ${name}: a master that is killed under load gives way to its replica`,
    async fn() {
      await using cluster = await RedisCluster.start({ replicas: 1 });
      const { client, close } = await CLUSTER_CLIENTS[name]!(cluster.urls);
      await using _ = closing(close);
      let killed = Infinity;
      const visitors = await load(new RedisStore({ client }), async () => {
        const master = await cluster.masterOf("session:any");
        killed = performance.now();
        await master.kill();
        await cluster.settled();
      });
      assert(refusals(visitors) > 0, "nobody noticed");
      // A replica that is behind loses what was acknowledged just before, and nothing older.
      for (const time of lost(visitors)) assert(time > killed - 1000, "lost what was replicated");
    },
  });

  Deno.test({
    ...test,
    name:
      `RedisStore with ${name}: a master that is killed under load and started again loses nothing`,
    async fn() {
      await using cluster = await RedisCluster.start();
      const { client, close } = await CLUSTER_CLIENTS[name]!(cluster.urls);
      await using _ = closing(close);
      const visitors = await load(new RedisStore({ client }), async () => {
        const master = await cluster.masterOf("session:any");
        await master.kill();
        await pause(1500); // beyond the time after which the others miss it
        await master.restart();
      });
      assert(refusals(visitors) > 0, "nobody noticed");
      assertEquals(lost(visitors), []);
    },
  });
}

for (const name of ["postgres.js", "pg Pool"]) {
  // Here clients leave timers behind that run for seconds.
  const test = { ignore: skipPostgres(), sanitizeOps: false, sanitizeResources: false };

  Deno.test({
    ...test,
    name: `PostgresStore with ${name}: a server that is killed under load loses nothing`,
    async fn() {
      await using server = await PostgresServer.start();
      await makeTables(server.url);
      const { sql, close } = await POSTGRES_CLIENTS[name]!(server.url);
      await using _ = closing(close);
      const store = new PostgresStore({ sql });
      const visitors = await load(store, async () => {
        await server.kill();
        await checkOutage(store);
        await server.restart();
      });
      assert(refusals(visitors) > 0, "nobody noticed");
      assertEquals(lost(visitors), []);
    },
  });

  Deno.test({
    ...test,
    name: `PostgresStore with ${name}: a server that hangs is answered in time`,
    async fn() {
      await using server = await PostgresServer.start();
      await makeTables(server.url);
      const { sql, close } = await POSTGRES_CLIENTS[name]!(server.url);
      await using _ = closing(close);
      const store = new PostgresStore({ sql });
      const { app } = makeApp(store, 20);
      const visitor = new Visitor();
      await visitor.increment(app);
      await server.pause();
      await checkOutage(store);
      server.resume();
      assert(await visitor.count(app) >= 1);
    },
  });
}

/** How long an outage is looked at, in seconds: longer than a request under load waits. */
const OUTAGE = 1.2;

/** What visitors meet while the store does not answer. */
async function checkOutage(store: SessionStore): Promise<void> {
  let calls = 0;
  const { app, failures } = makeApp({
    capabilities: store.capabilities,
    read: (...args) => (calls++, store.read(...args)),
    create: (...args) => (calls++, store.create(...args)),
    update: (...args) => (calls++, store.update(...args)),
    replace: (...args) => (calls++, store.replace(...args)),
    touch: (...args) => (calls++, store.touch(...args)),
    delete: (...args) => (calls++, store.delete(...args)),
  }, OUTAGE);
  const anonymous = await Promise.all(
    Array.from({ length: 50 }, async () => (await app.request("/static")).status),
  );
  assertEquals(new Set(anonymous), new Set([200]), "who has no session is served");
  assertEquals(calls, 0, "without a store call");
  const begun = performance.now();
  const headers = { cookie: `sid=${"A".repeat(43)}` };
  const responses = await Promise.all([
    ...Array.from({ length: 10 }, () => app.request("/read", { headers })),
    ...Array.from({ length: 10 }, () => app.request("/increment")),
  ]);
  for (const response of responses) {
    assertEquals(response.status, 503);
    assertEquals(response.headers.getSetCookie(), []);
  }
  assert(performance.now() - begun < 10_000, "long after the time-out");
  assertEquals(failures(), 20);
}
