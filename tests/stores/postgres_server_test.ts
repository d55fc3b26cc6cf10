// What only a server of Postgres shows: locks, cancellation, plans, and its errors.
import { SessionEndedError } from "@x/hono-session";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import postgres from "postgres";
import { FakeClock } from "../_support/clock.ts";
import { pooled } from "../_support/pooled.ts";
import { PostgresServer, skipPostgres } from "../_support/postgres.ts";
import { makeTable, POSTGRES_CLIENTS } from "../_support/postgres_clients.ts";
import { makeRecord } from "../_support/record.ts";
import { until } from "../_support/redis.ts";

const ignore = skipPostgres();
const test = pooled({ ignore });

let server: PostgresServer;

Deno.test.beforeAll(async () => {
  if (!ignore) server = await PostgresServer.start();
});

Deno.test.afterAll(async () => await server?.stop());

/** A client and a store on tables of their own. */
async function open(name = "postgres.js", options = {}) {
  const connection = await POSTGRES_CLIENTS[name]!(server.url, options);
  const table = await makeTable(connection);
  const clock = new FakeClock();
  const { sql, execute } = connection;
  const store = new PostgresStore({ sql, table, clock: clock.now });
  const bound = (changes = {}) =>
    makeRecord(clock, { subject: "user:42", subjectAt: clock.now(), ...changes });
  return { sql, execute, table, clock, store, bound, [Symbol.asyncDispose]: connection.close };
}

for (const isolation of ["read committed", "repeatable read", "serializable"]) {
  const settings = { options: `-c default_transaction_isolation=${isolation.replace(" ", "\\ ")}` };

  storeConformance({
    name: `PostgresStore where transactions are ${isolation}`,
    capabilities: new PostgresStore({ sql: () => Promise.reject() }).capabilities,
    test,
    async open(clock) {
      const sql = postgres(server.url, { connection: settings, onnotice() {} });
      const execute = async (text: string) => await sql.unsafe(text);
      const close = () => sql.end({ timeout: 0 });
      const [shown] = await execute("SHOW default_transaction_isolation");
      assertEquals(shown!.default_transaction_isolation, isolation);
      const table = await makeTable({ sql, execute, close });
      return { store: new PostgresStore({ sql, table, clock }), close };
    },
    onSkip() {},
  });

  test(`PostgresStore: of a login and a deleteAll at the same time the later one waits, ${isolation}`, async () => {
    await using scene = await open();
    const { table, clock, bound, execute } = scene;
    const sql = postgres(server.url, { connection: settings, onnotice() {} });
    const store = new PostgresStore({ sql, table, clock: clock.now });
    const isWaiting = async () => {
      const rows = await execute(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${table}%'`,
      );
      return rows.length > 0;
    };
    const untilWaiting = () => until("a statement waits for a lock", isWaiting);

    // A login whose transaction is not done yet.
    let ended: Promise<number> | undefined;
    await sql.begin(async (transaction) => {
      const late = new PostgresStore({ sql: transaction, table, clock: clock.now });
      assertEquals(await late.create("login", bound()), true);
      ended = Promise.resolve(store.deleteAll("user:42", {}));
      await untilWaiting();
    });
    assertEquals(await ended, 1);
    assertEquals(await store.read("login"), undefined);

    // An end whose transaction is not done yet.
    let login: Promise<unknown> | undefined;
    const generation = await store.generation("user:42");
    await sql.begin(async (transaction) => {
      const late = new PostgresStore({ sql: transaction, table, clock: clock.now });
      assertEquals(await late.deleteAll("user:42", {}), 0);
      login = Promise.resolve(store.create("login", bound({ generation })))
        .catch((error: unknown) => error);
      await untilWaiting();
    });
    assert(await login instanceof SessionEndedError, String(await login));
    assertEquals(await store.read("login"), undefined);
    await sql.end({ timeout: 0 });
  });
}

test("PostgresStore prints what to run where its tables are missing or older", async () => {
  await using scene = await open();
  const { sql, execute, bound, clock, table } = scene;
  for (
    const breakIt of [
      "",
      `ALTER TABLE ${table} DROP COLUMN record`,
      `DROP TABLE ${table}_subjects`,
      `ALTER TABLE ${table} DROP CONSTRAINT ${table}_pkey`,
      `ALTER TABLE ${table} ALTER COLUMN data TYPE jsonb USING '{}'`,
      `ALTER TABLE ${table} ALTER COLUMN expires_at TYPE timestamptz USING now()`,
    ]
  ) {
    await execute(breakIt);
    const missing = breakIt ? table : "missing";
    const store = new PostgresStore({ sql, table: missing, clock: clock.now });
    const { message } = await assertRejects(async () => await store.create("key", bound()), Error);
    assertStringIncludes(message, `Cannot use PostgresStore: its table "${missing}" is missing`);
    const schema = PostgresStore.schema({ table: missing });
    assertStringIncludes(message, schema);
    await execute(`DROP TABLE IF EXISTS ${missing}, ${missing}_subjects`);
    await execute(schema);
    assertEquals(await store.create("key", bound()), true);
    // Whoever runs it again loses nothing.
    await execute(schema);
    assertEquals(await store.read("key"), bound());
  }
});

test("PostgresStore keeps its tables in a schema of another name", async () => {
  await using scene = await open();
  const { sql, execute, bound, clock } = scene;
  const table = "auth.Sessions";
  await execute("CREATE SCHEMA auth");
  await execute(PostgresStore.schema({ table }));
  const store = new PostgresStore({ sql, table, clock: clock.now });
  assertEquals(await store.create("key", bound()), true);
  const rows = await execute(`SELECT subject FROM auth."Sessions"`);
  assertEquals(rows.map(({ subject }) => subject), ["user:42"]);
});

for (const transform of [postgres.camel, postgres.pascal, postgres.kebab]) {
  const name = `postgres.js that names columns as in ${transform.column.from("expires_at")}`;

  test(`PostgresStore with ${name} reads, lists and ends sessions`, async () => {
    await using scene = await open();
    const { table, clock, bound } = scene;
    const sql = postgres(server.url, { transform, onnotice() {} });
    try {
      const store = new PostgresStore({ sql, table, clock: clock.now });
      await store.create("key", bound());
      assertEquals(await store.read("key"), bound());
      const { data: _, ...record } = bound();
      assertEquals(await Array.fromAsync(store.list("user:42")), [{ key: "key", record }]);
      assertEquals(await store.stats(), { sessions: 1, subjects: 1 });
      const ended = Promise.withResolvers<string>();
      const stop = await store.watch((key) => ended.resolve(key));
      assertEquals(await store.deleteAll("user:42", {}), 1);
      assertEquals(await ended.promise, "key");
      await stop();
      assert(await store.generation("user:42") > 0);
    } finally {
      await sql.end({ timeout: 5 });
    }
  });
}

for (const [name, connect] of Object.entries(POSTGRES_CLIENTS)) {
  test(`PostgresStore with ${name}: no error holds what was to be stored`, async () => {
    await using scene = await open(name);
    const { execute, table, store, bound } = scene;
    await execute(`ALTER TABLE ${table} ADD CHECK (length(data) < 40)`);
    const record = bound({ data: JSON.stringify({ secret: "x".repeat(40) }) });
    const error = await assertRejects(async () => await store.create("the key", record), Error);
    assertStringIncludes(error.message, "violates check constraint");
    const printed = Deno.inspect(error, { depth: 10, showHidden: true });
    for (const secret of ["xxxx", "user:42", "the key"]) assert(!printed.includes(secret), printed);
    assertEquals(Reflect.get(error, "code"), "23514");
  });

  test(`PostgresStore with ${name}: a client of the context`, async () => {
    await using scene = await open(name);
    const { sql, table, clock, bound } = scene;
    for (
      const find of [
        (c: { sql: typeof sql }) => c.sql,
        async (c: { sql: Promise<typeof sql> }) => await c.sql,
      ]
    ) {
      const store = new PostgresStore({ sql: find, table, clock: clock.now });
      await store.delete("key", { sql });
      assertEquals(await store.create("key", bound(), { sql }), true);
      assertEquals(await store.read("key", { sql }), bound());
      await assertRejects(async () => await store.read("key"), TypeError, "sql(c) failed");
      await assertRejects(
        async () => await store.read("key", { sql: postgres }),
        TypeError,
        "sql(c) returned no client",
      );
    }
    const { close } = await connect(server.url);
    await close();
  });
}

for (const name of ["pg Pool", "pg Client"]) {
  test(`PostgresStore with ${name}: what waits for a connection is not sent once it is aborted`, async () => {
    await using scene = await open(name, { max: 1 });
    const { execute, store, bound } = scene;
    await store.create("key", bound());
    const sleep = execute("SELECT pg_sleep(0.3)");
    const abort = new AbortController();
    const late = [
      store.create("late", bound(), undefined, abort.signal),
      store.touch("key", { ...bound(), expiresAt: 0 }, bound(), undefined, abort.signal),
      store.deleteAll("user:42", {}, undefined, abort.signal),
    ].map(async (operation) => await operation);
    const settled = Promise.allSettled(late);
    abort.abort(new Error("too late"));
    await sleep;
    assertEquals((await settled).map(({ status }) => status), Array(3).fill("rejected"));
    assertEquals(await store.read("late"), undefined);
    assertEquals(await store.read("key"), bound());
    assertEquals(await store.generation("user:42"), 0);
  });
}

for (const [name] of Object.entries(POSTGRES_CLIENTS)) {
  test(`PostgresStore with ${name}: each is given its own answer beside what is aborted`, async () => {
    await using scene = await open(name, { max: 1 });
    const { execute, store, bound } = scene;
    const keys = Array.from({ length: 9 }, (_, index) => `key${index}`);
    for (const key of keys) await store.create(key, bound({ sid: key }));
    for (let round = 0; round < 3; round++) {
      const sleep = execute("SELECT pg_sleep(0.05)");
      const abort = new AbortController();
      const sids = keys.map(async (key, index) =>
        (await store.read(key, undefined, index % 3 === 1 ? abort.signal : undefined))?.sid
      );
      const settled = Promise.allSettled(sids);
      // As many turns as the client may take to send them.
      for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setTimeout(resolve));
      abort.abort(new Error("too late"));
      await sleep;
      for (const [index, result] of (await settled).entries()) {
        if (result.status === "fulfilled") assertEquals(result.value, keys[index]);
        else assertEquals(index % 3, 1, String(result.reason));
      }
    }
  });
}

test("PostgresStore with postgres.js cancels what the server is still at", async () => {
  await using scene = await open();
  const { execute, table, store, bound, clock } = scene;
  await store.create("key", bound());
  const other = postgres(server.url, { onnotice() {} });
  await other.begin(async (transaction) => {
    await transaction.unsafe(`SELECT 1 FROM ${table} FOR UPDATE`);
    const abort = new AbortController();
    const times = { lastSeenAt: clock.now(), renewedAt: clock.now(), expiresAt: clock.now() + 1 };
    const touch = (async () => await store.touch("key", times, bound(), undefined, abort.signal))();
    const waiting = () =>
      execute(
        `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%${table}%'`,
      );
    await until("the touch waits for a lock", async () => (await waiting()).length > 0);
    abort.abort();
    const error = await assertRejects(() => touch, Error);
    assertEquals(Reflect.get(error, "code"), "57014");
    assertEquals((await waiting()).length, 0);
  });
  assertEquals(await store.read("key"), bound());
  await other.end({ timeout: 0 });
});

test("PostgresStore sweeps what has expired, as much as it is told", async () => {
  await using scene = await open();
  const { execute, table, store, bound, clock } = scene;
  const count = async (name: string) =>
    Number((await execute(`SELECT count(*) AS count FROM ${name}`))[0]!.count);
  for (let made = 0; made < 25; made++) {
    const end = { expiresAt: clock.now() + (made % 5 === 0 ? 7200 : 3600) * 1000 };
    await store.create(`${made}`, bound({ subject: `user:${made}`, ...end }));
  }
  await store.deleteAll("user:0", {});
  assertEquals(await store.sweep(), 0);
  // Rows of subjects are only there for logins under way and recent ends.
  assertEquals(await count(`${table}_subjects`), 1);
  clock.advance(3600);
  assertEquals(await store.sweep({ limit: 8 }), 8);
  const both = await Promise.all([store.sweep({ limit: 8 }), store.sweep({ limit: 8 })]);
  const rest = await store.sweep();
  assertEquals(both[0]! + both[1]! + rest, 12);
  assertEquals(await count(table), 4);
  assertEquals((await store.read("5"))?.subject, "user:5");
  clock.advance(86_400);
  assertEquals([await store.sweep(), await count(table), await count(`${table}_subjects`)], [
    4,
    0,
    0,
  ]);
  for (const limit of [0, -1, 1.5, NaN, "1"]) {
    await assertRejects(
      () => store.sweep({ limit: limit as number }),
      RangeError,
      "Cannot sweep sessions: option limit is",
    );
  }
});

test("PostgresStore: a touch moves no entry of an index, and nothing but a sweep reads the whole table", async () => {
  await using scene = await open("postgres.js", { max: 1 });
  const { execute, table, store, bound, clock } = scene;
  await execute(
    `INSERT INTO ${table} SELECT 'key' || n, 'sid' || n, 'other' || n % 100, n, 1, 9e15, 0, 0, 0,
     '{"format":1,"sid":"x","version":1,"createdAt":0}', '{}' FROM generate_series(1, 3000) AS n`,
  );
  await execute(`ANALYZE ${table}`);
  const stats = async () => {
    await execute("SELECT pg_stat_force_next_flush()");
    const [row] = await execute(
      `SELECT n_tup_upd::float8, n_tup_hot_upd::float8, seq_scan::float8
       FROM pg_stat_user_tables WHERE relname = '${table}'`,
    );
    return row as Record<string, number>;
  };
  await store.create("key", bound());
  const before = await stats();
  for (let touches = 0; touches < 50; touches++) {
    clock.advance(1);
    const times = { lastSeenAt: clock.now(), renewedAt: clock.now(), expiresAt: clock.now() + 9e6 };
    assertEquals(await store.touch("key", times, bound()), true);
  }
  const touched = await stats();
  const [updates, hot] = ["n_tup_upd", "n_tup_hot_upd"]
    .map((name) => touched[name]! - before[name]!);
  // Each page that is full once moves a row.
  assert(updates === 50 && hot! >= 48, `${hot} of ${updates}`);
  await Array.fromAsync(store.list("other7", { limit: 10 }));
  await store.update("key", bound({ version: 2, subject: "eve" }), bound());
  const next = {
    key: "next",
    record: bound({ version: 3 }),
    left: bound({ version: 3, trace: "rotated" }),
  };
  await store.replace("key", next, bound({ version: 2 }));
  assertEquals(await store.deleteAll("other7", {}), 30);
  assertEquals((await stats()).seq_scan, before.seq_scan);
  await store.sweep();
  assert((await stats()).seq_scan! > before.seq_scan!);
});

Deno.test("PostgresStore gives a transaction with which a statement conflicts the time to end", async () => {
  const start = performance.now();
  let tries = 0;
  const client = {
    query() {
      tries++;
      if (performance.now() - start > 30) return Promise.resolve({ rows: [] });
      return Promise.reject(Object.assign(new Error("could not serialize"), { code: "40001" }));
    },
  };
  assertEquals(await new PostgresStore({ sql: client as never }).read("A".repeat(43)), undefined);
  assert(tries > 2 && tries < 20, `${tries} tries`);
});

Deno.test("PostgresStore repeats a statement that conflicts as often as storeTimeout allows", async () => {
  let tries = 0;
  const client = {
    query() {
      if (++tries > 25) return Promise.resolve({ rows: [] });
      return Promise.reject(Object.assign(new Error("could not serialize"), { code: "40001" }));
    },
  };
  const store = new PostgresStore({ sql: client as never });
  const { signal } = new AbortController();
  assertEquals(await store.read("A".repeat(43), undefined, signal), undefined);
  assertEquals(tries, 26);
});
