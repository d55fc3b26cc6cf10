import { createSessions, type SessionManager } from "@x/hono-session";
import { PostgresStore, type PostgresStoreOptions } from "@x/hono-session/stores/postgres";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import pg from "pg";
import { LATEST } from "../_support/in_time.ts";
import { PgBouncer, PostgresServer, skipPgBouncer, skipPostgres } from "../_support/postgres.ts";
import {
  makeTables,
  POSTGRES_CLIENTS,
  type PostgresConnection,
} from "../_support/postgres_clients.ts";
import { until } from "../_support/redis.ts";
import { ADA, RARELY, watch } from "../_support/watched_session.ts";

const ignore = skipPostgres();

/** Those who listen, and nobody else. Who has only begun to listen misses what is notified. */
const LISTENERS =
  `pg_stat_activity WHERE state = 'idle' AND (query ILIKE 'listen hono%' OR query ILIKE 'listen "hono%')`;

/** One process. */
interface Machine extends AsyncDisposable {
  readonly connection: PostgresConnection;
  readonly sessions: SessionManager;
  readonly errors: string[];
}

interface MachineOptions extends Omit<PostgresStoreOptions, "sql"> {
  every: number;
  name?: string;
}

async function machineOf(
  url: string,
  { every, name = "postgres.js", ...options }: MachineOptions,
): Promise<Machine> {
  const connection = await POSTGRES_CLIENTS[name]!(url);
  const { sql, close } = connection;
  const errors: string[] = [];
  const events = {
    storeError: ({ operation, error }: { operation: string; error: Error }) =>
      errors.push(`${operation}: ${error.cause}`),
  };
  const store = new PostgresStore({ sql, ...options });
  const sessions = createSessions({ store, live: { every }, storeTimeout: 3, events });
  return { connection, sessions, errors, [Symbol.asyncDispose]: close };
}

/** A server, and somebody who looks at it. */
async function open() {
  const server = await PostgresServer.start();
  await makeTables(server.url);
  const { execute, close } = await POSTGRES_CLIENTS["pg Pool"]!(server.url, { max: 1 });
  const count = async () => (await execute(`SELECT 1 FROM ${LISTENERS}`)).length;
  return {
    server,
    execute,
    /** Waits until so many listen: others, or the connection of a client, which has other uses. */
    listeners: (wanted: number, client?: PostgresConnection) =>
      until(`${wanted} listen`, async () => {
        const listening = await client?.execute("SELECT pg_listening_channels()");
        return (listening?.length ?? await count()) === wanted;
      }),
    async [Symbol.asyncDispose]() {
      await close();
      await server.stop();
    },
  };
}

function test(name: string, fn: () => Promise<void>, isIgnored = ignore): void {
  // Clients close their connections a little later.
  Deno.test({ name, ignore: isIgnored, sanitizeOps: false, sanitizeResources: false, fn });
}

for (const name of Object.keys(POSTGRES_CLIENTS)) {
  test(`Postgres pushes the end of a session with its reason, with ${name}`, async () => {
    await using scene = await open();
    const { url } = scene.server;
    await using here = await machineOf(url, { every: RARELY, name });
    await using there = await machineOf(url, { every: RARELY, name });
    const [one, two] = [await watch(here), await watch(here)];
    await scene.listeners(1, name === "pg Client" ? here.connection : undefined);
    await there.sessions.revoke(ADA, one.sid);
    const delay = await one.delay();
    assert(delay < LATEST, `${delay} ms`);
    assertEquals([one.ended.reason, two.ended.aborted], ["revoked", false]);
    await there.sessions.revokeAll(ADA);
    assert(await two.delay() < LATEST);
    assertEquals([two.ended.reason, here.errors, there.errors], ["revoked", [], []]);
  });

  test(`one connection listens as long as somebody watches, with ${name}`, async () => {
    await using scene = await open();
    await using here = await machineOf(scene.server.url, { every: RARELY, name });
    const client = name === "pg Client" ? here.connection : undefined;
    await scene.listeners(0, client);
    for (let time = 0; time < 2; time++) {
      const watched = [await watch(here), await watch(here), await watch(here)];
      await scene.listeners(1, client);
      await here.sessions.revokeAll(ADA);
      for (const each of watched) await each.delay();
      await scene.listeners(0, client);
    }
    assertEquals(here.errors, []);
  });
}

for (const name of ["postgres.js", "pg Pool"]) {
  test(`an end is noticed in time while listeners are killed, and at once afterwards, with ${name}`, async () => {
    await using scene = await open();
    const { url } = scene.server;
    // Waits until they are gone: those that listen afterwards are others.
    const kill = async () => {
      await scene.listeners(1);
      await scene.execute(`SELECT pg_terminate_backend(pid, 10000) FROM ${LISTENERS}`);
    };
    await using there = await machineOf(url, { every: RARELY, name });
    {
      await using here = await machineOf(url, { every: 1, name });
      for (let time = 0; time < 3; time++) {
        const watched = await watch(here);
        await kill();
        await there.sessions.revokeAll(ADA);
        const delay = await watched.delay();
        assert(delay < LATEST, `${delay} ms`);
        assertEquals(here.errors, []);
      }
    }
    await using slow = await machineOf(url, { every: RARELY, name });
    const watched = await watch(slow);
    await kill();
    await scene.listeners(1);
    await there.sessions.revokeAll(ADA);
    assert(await watched.delay() < LATEST);
    // Nothing is left of those that were lost.
    await scene.listeners(0);
  });

  test(`an end is noticed after the server was killed and restarted, with ${name}`, async () => {
    await using scene = await open();
    const { server } = scene;
    await using there = await machineOf(server.url, { every: RARELY, name });
    await using here = await machineOf(server.url, { every: 1, name });
    await using slow = await machineOf(server.url, { every: RARELY, name });
    const [polled, pushed] = [await watch(here), await watch(slow)];
    await scene.listeners(2);
    await server.kill();
    await until("the outage is noticed", () => Promise.resolve(here.errors.length > 0));
    assertEquals([polled.ended.aborted, pushed.ended.aborted], [false, false]);
    await server.restart();
    await scene.listeners(2);
    await until("the server is reached", async () => {
      return await there.sessions.revokeAll(ADA).then(() => true, () => false);
    });
    assert(await pushed.delay() < LATEST);
    const delay = await polled.delay();
    assert(delay < LATEST, `${delay} ms`);
    await scene.listeners(0);
  });
}

for (const name of ["postgres.js", "pg Pool"]) {
  test(`who begins to watch while the server is down listens when it is back, with ${name}`, async () => {
    await using scene = await open();
    const { server } = scene;
    await using here = await machineOf(server.url, { every: 0.5, name });
    const { cookie } = await here.sessions.create({}, { subject: ADA });
    const headers = { cookie };
    const session = await here.sessions.open(new Request("https://app.test/", { headers }));
    await server.kill();
    const isOver = new Promise((resolve) => session!.ended.addEventListener("abort", resolve));
    await until("it fails", () => Promise.resolve(here.errors.some((e) => e.startsWith("watch"))));
    await server.restart();
    await scene.listeners(1);
    await here.sessions.revokeAll(ADA);
    await isOver;
    await scene.listeners(0);
  });
}

for (const name of ["postgres.js", "pg Pool"]) {
  test(
    `who listens through PgBouncer is told what to do, and polls, with ${name}`,
    async () => {
      await using scene = await open();
      await using bouncer = await PgBouncer.start(scene.server);
      {
        await using here = await machineOf(bouncer.url, { every: 0.5, name });
        const watched = await watch(here);
        await until("it is told", () => Promise.resolve(here.errors.length > 0));
        assertStringIncludes(here.errors[0]!, "the connection goes through a pooler");
        await here.sessions.revokeAll(ADA);
        assert(await watched.delay() < LATEST);
        await scene.listeners(0);
      }
      await using silent = await machineOf(bouncer.url, { every: 1, name, listen: false });
      const direct = await POSTGRES_CLIENTS[name]!(scene.server.url);
      const listen = () => Promise.resolve(direct.sql);
      await using here = await machineOf(bouncer.url, { every: RARELY, name, listen });
      const [polled, pushed] = [await watch(silent), await watch(here)];
      await scene.listeners(1);
      await here.sessions.revokeAll(ADA);
      assert(await pushed.delay() < LATEST);
      assert(await polled.delay() < LATEST);
      assertEquals([silent.errors, here.errors], [[], []]);
      await scene.listeners(0);
      await direct.close();
    },
    skipPgBouncer(),
  );
}

test("a pool without a connection to spare listens, and is closed without waiting", async () => {
  await using scene = await open();
  const connection = await POSTGRES_CLIENTS["pg Pool"]!(scene.server.url, { max: 1 });
  const sessions = createSessions({ store: new PostgresStore({ sql: connection.sql }) });
  const { cookie } = await sessions.create({}, { subject: ADA });
  const headers = { cookie };
  const session = await sessions.open(new Request("https://app.test/", { headers }));
  const isOver = new Promise((resolve) => session!.ended.addEventListener("abort", resolve));
  await scene.listeners(1);
  await sessions.revokeAll(ADA);
  await isOver;
  await connection.close();
});

test("the connection that listens is kept alive, and has the options of its pool", async () => {
  await using scene = await open();
  const { url } = scene.server;
  const made: Record<string, unknown>[] = [];
  class Client extends pg.Client {
    constructor(options: pg.ClientConfig) {
      super(options);
      const { keepAlive, password, application_name: name } = options;
      made.push({ keepAlive, password, name });
    }
  }
  const options = { connectionString: url, password: "secret", application_name: "shop" };
  const pool = new pg.Pool({ ...options, Client });
  const stop = await new PostgresStore({ sql: pool }).watch(() => {});
  assertEquals(made, [{ keepAlive: true, password: "secret", name: "shop" }]);
  await stop();
  await pool.end();
});

test("a notification holds a key and a reason, and writes that end nothing send none", async () => {
  await using scene = await open();
  const { sql, close } = await POSTGRES_CLIENTS["pg Client"]!(scene.server.url);
  const payloads: string[] = [];
  const client = sql as unknown as {
    on(event: string, listener: (message: { payload: string }) => void): void;
    query(text: string): Promise<void>;
  };
  client.on("notification", ({ payload }) => void payloads.push(payload));
  await client.query("LISTEN hono_session_ended");
  const sessions = createSessions<{ n?: number }>({ store: new PostgresStore({ sql }) });
  const { cookie } = await sessions.create({ n: 1 }, { subject: ADA });
  const session = await sessions.open(new Request("https://app.test/", { headers: { cookie } }));
  session!.n = 2;
  await session!.save();
  await client.query("SELECT 1");
  assertEquals(payloads, []);
  await sessions.revokeAll(ADA);
  await client.query("SELECT 1");
  assertEquals(payloads.length, 1);
  assert(/^[\w-]{43} revoked$/.test(payloads[0]!), payloads[0]);
  assert(!cookie.includes(payloads[0]!.slice(0, 43)));
  await close();
});
