import type { SessionRecord } from "@x/hono-session";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";
import { assertLeavesNothing } from "../_support/repeated_move.ts";
import { SQLITE_CLIENTS } from "../_support/sqlite_clients.ts";

const { capabilities } = new SqliteStore({ db: () => Promise.reject() });

for (const [name, open] of Object.entries(SQLITE_CLIENTS)) {
  storeConformance({
    name: `SqliteStore with ${name}`,
    capabilities,
    canFail: true,
    test: Deno.test,
    async open(clock) {
      const { db, execute, close } = await open();
      await execute(SqliteStore.schema());
      return { store: new SqliteStore({ db, clock }), fail: close, close };
    },
  });

  Deno.test(`SqliteStore with ${name} leaves a trace only where a session was moved`, async () => {
    const { db, execute, close } = await open();
    try {
      await execute(SqliteStore.schema());
      const clock = new FakeClock();
      await assertLeavesNothing(new SqliteStore({ db, clock: clock.now }), clock);
    } finally {
      await close();
    }
  });
}

/** A database in a file, and a store on it. */
async function openFile() {
  const folder = await Deno.makeTempDir({ prefix: "hono-session-sqlite-" });
  const path = `${folder}/sessions.db`;
  const db = new DatabaseSync(path);
  db.exec(SqliteStore.schema());
  const clock = new FakeClock();
  const store = new SqliteStore({ db, clock: clock.now });
  const bound = (changes = {}) =>
    makeRecord(clock, { subject: "user:42", subjectAt: clock.now(), ...changes });
  return {
    path,
    db,
    clock,
    store,
    bound,
    async [Symbol.asyncDispose]() {
      db.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("SqliteStore writes no index in an update that leaves the subject as it is", async () => {
  await using scene = await openFile();
  const { db, clock, bound } = scene;
  const texts: string[] = [];
  const prepare = (text: string) => {
    texts.push(text);
    return db.prepare(text);
  };
  const store = new SqliteStore({
    db: { prepare, exec: (text: string) => db.exec(text) },
    clock: clock.now,
  });
  store.create("key", bound());
  const updates: [changes: object, isIndexed: boolean][] = [
    [{ version: 2, data: '{"a":1}', meta: "{}" }, false],
    [{ version: 3, subject: "user:43" }, true],
    [{ version: 4, subject: "user:43", subjectAt: clock.now() + 1 }, true],
    [{ version: 5, subject: undefined, subjectAt: undefined }, true],
    [{ version: 6, subject: undefined, subjectAt: undefined, data: '{"a":2}' }, false],
  ];
  for (const [changes, isIndexed] of updates) {
    texts.length = 0;
    const record: SessionRecord = JSON.parse(JSON.stringify(bound(changes)));
    assertEquals(store.update("key", record, store.read("key") as SessionRecord), true);
    assertEquals(store.read("key"), record);
    const update = texts.find((text) => text.includes("UPDATE"));
    // One that was prepared before is the same.
    if (!update) continue;
    const steps = db.prepare(`EXPLAIN ${update}`).all().map(({ opcode }) => opcode);
    assertEquals(steps.includes("IdxInsert"), isIndexed, JSON.stringify(changes));
  }
});

Deno.test("SqliteStore answers at once where its database does", async () => {
  await using scene = await openFile();
  const { store, bound } = scene;
  const trace = bound({ version: 2, trace: "rotated" });
  const next = { key: "next", record: bound({ version: 2 }), left: trace };
  assertEquals(store.create("key", bound()), true);
  assertEquals(store.update("key", bound({ version: 2 }), bound()), true);
  assertEquals(store.replace("key", next, bound()), false);
  assertEquals(store.replace("key", next, bound({ version: 2 })), true);
  assertEquals([store.read("key"), store.read("next")], [trace, next.record]);
  assertEquals(store.touch("next", bound(), next.record), true);
  assertEquals(store.deleteAll("user:42", {}), 2);
  assertEquals(store.generation("user:42"), scene.clock.now());
  assertEquals(store.delete("key"), undefined);
});

Deno.test("SqliteStore runs only statements that return rows, as better-sqlite3 requires of all()", async () => {
  await using scene = await openFile();
  const { db, clock, bound } = scene;
  const prepare = (text: string) => {
    if (/^(WITH|INSERT|UPDATE|DELETE)/.test(text)) assertStringIncludes(text, " RETURNING ");
    return db.prepare(text);
  };
  const store = new SqliteStore({
    db: { prepare, exec: (text) => db.exec(text) },
    clock: clock.now,
  });
  const trace = bound({ version: 2, trace: "rotated" });
  const next = { key: "next", record: bound({ version: 2 }), left: trace };
  assertEquals(store.create("key", bound()), true);
  assertEquals(store.update("key", bound(), bound()), true);
  assertEquals(store.replace("key", next, bound()), true);
  assertEquals(store.touch("next", bound(), next.record), true);
  assertEquals(store.deleteAll("user:42", { except: bound().sid }), 0);
  store.create("other", bound({ sid: "other", generation: clock.now() }));
  assertEquals(store.deleteAll("user:42", { except: bound().sid }), 1);
  store.delete("next");
  assertEquals(await store.sweep(), 0);
});

Deno.test("SqliteStore prints what to run where its tables are missing or older", async () => {
  await using scene = await openFile();
  const { db, bound } = scene;
  for (
    const breakIt of [
      "DROP TABLE sessions",
      "ALTER TABLE sessions DROP COLUMN data",
      "DROP TABLE sessions_subjects",
    ]
  ) {
    db.exec(breakIt);
    const store = new SqliteStore({ db, clock: scene.clock.now });
    const { message } = assertThrows(() => store.create("key", bound()), Error);
    assertStringIncludes(message, 'Cannot use SqliteStore: its table "sessions" is missing');
    assertStringIncludes(message, SqliteStore.schema());
    db.exec(`DROP TABLE IF EXISTS sessions; ${SqliteStore.schema()}`);
    assertEquals(store.create("key", bound()), true);
    db.exec(SqliteStore.schema());
    assertEquals(store.read("key"), bound());
  }
});

Deno.test("SqliteStore prepares its statements again for a database that was closed and opened", async () => {
  await using scene = await openFile();
  const { db, clock, store, bound } = scene;
  assertEquals(await store.create("key", bound()), true);
  assertEquals(await store.read("key"), bound());
  db.close();
  db.open();
  const later = new SqliteStore({ db, clock: clock.now });
  assertEquals(await later.read("key"), bound());
});

Deno.test("SqliteStore says how to wait for another process that writes", async () => {
  await using scene = await openFile();
  const { db, path, bound, clock } = scene;
  // Without a time-out, as node:sqlite opens it.
  using other = new DatabaseSync(path);
  const store = new SqliteStore({ db: other, clock: clock.now });
  db.exec("BEGIN IMMEDIATE");
  for (const write of [() => store.create("key", bound()), () => store.deleteAll("user:42", {})]) {
    const { message } = assertThrows(write, Error);
    assertStringIncludes(message, "PRAGMA busy_timeout");
  }
  db.exec("COMMIT");
  assertEquals(store.create("key", bound()), true);
});

Deno.test("SqliteStore undoes a transaction that fails, and says nothing of what was to be stored", async () => {
  await using scene = await openFile();
  const { db, store, bound } = scene;
  const record = bound();
  store.create("the key", record);
  const fail = "BEGIN SELECT RAISE(ABORT, 'refused'); END";
  db.exec(`CREATE TRIGGER refuse_delete BEFORE DELETE ON sessions ${fail}`);
  db.exec(`CREATE TRIGGER refuse_trace BEFORE INSERT ON sessions ${fail}`);
  const left = bound({ version: 2, trace: "rotated" });
  const next = { key: "next", record: bound({ version: 2, data: '{"secret":1}' }), left };
  for (
    const write of [
      () => store.deleteAll("user:42", {}),
      () => store.replace("the key", next, record),
    ]
  ) {
    const printed = Deno.inspect(assertThrows(write, Error, "refused"), { showHidden: true });
    for (const secret of ["secret", "user:42", "the key"]) assert(!printed.includes(secret));
  }
  assertEquals([store.read("the key"), store.read("next")], [record, undefined]);
  assertEquals(store.generation("user:42"), 0);
  db.exec("DROP TRIGGER refuse_delete");
  assertEquals(store.deleteAll("user:42", {}), 1);
});

Deno.test("SqliteStore sweeps what has expired, as much as it is told", async () => {
  await using scene = await openFile();
  const { db, store, bound, clock } = scene;
  for (let made = 0; made < 12; made++) {
    store.create(`${made}`, bound({ expiresAt: clock.now() + (made < 10 ? 1 : 9) * 1000 }));
  }
  store.deleteAll("user:43", {});
  assertEquals(await store.sweep(), 0);
  clock.advance(1);
  assertEquals([await store.sweep({ limit: 4 }), await store.sweep()], [4, 6]);
  assertEquals((await Array.fromAsync(store.list("user:42"))).length, 2);
  clock.advance(86_400);
  assertEquals(await store.sweep(), 2);
  for (const table of ["sessions", "sessions_subjects"]) {
    assertEquals(db.prepare(`SELECT 1 FROM ${table}`).all(), []);
  }
});

Deno.test("SqliteStore finds its database in the context", async () => {
  await using scene = await openFile();
  const { db, clock, bound } = scene;
  const store = new SqliteStore({ db: (c) => c.db, clock: clock.now });
  assertEquals(store.create("key", bound(), { db }), true);
  assertEquals(store.read("key", { db }), bound());
  assertThrows(() => store.read("key"), TypeError, "Cannot use SqliteStore: db(c) failed");
  assertThrows(() => store.read("key", {}), TypeError, "db(c) returned no client");
  const batch = () => Promise.reject(new Error("no server"));
  const d1 = { prepare() {}, batch };
  assertThrows(() => store.read("key", { db: d1 }), TypeError, "use D1Store");
});

Deno.test("SqliteStore has its tables in a database that is attached", async () => {
  using db = new DatabaseSync(":memory:");
  db.exec("ATTACH ':memory:' AS auth");
  const table = "auth.logins";
  for (let run = 0; run < 2; run++) db.exec(SqliteStore.schema({ table }));
  const store = new SqliteStore({ db, table });
  const times = { createdAt: 1, lastSeenAt: 1, renewedAt: 1, expiresAt: Date.now() + 60_000 };
  const record = { format: 1, sid: "a", version: 1, data: "{}", ...times } as const;
  await store.create("key", { ...record, subject: "user:42", subjectAt: 1 });
  const listed = await Array.fromAsync(store.list("user:42"), ({ record }) => record.sid);
  assertEquals([listed, await store.deleteAll("user:42", {})], [["a"], 1]);
  const { sql } = db.prepare("SELECT sql FROM auth.sqlite_master WHERE type = 'index' AND sql > ''")
    .get()!;
  assertEquals(String(sql).includes('"logins_subject_idx"'), true);
});

const renamed = {
  "rows that are arrays": () => new DatabaseSync(":memory:", { returnArrays: true }),
  "long names of columns": () => {
    const db = new DatabaseSync(":memory:");
    db.exec("PRAGMA full_column_names = 1; PRAGMA short_column_names = 0");
    return db;
  },
};

for (const [name, openDatabase] of Object.entries(renamed)) {
  Deno.test(`SqliteStore with ${name} reads, lists and ends sessions`, async () => {
    using db = openDatabase();
    db.exec(SqliteStore.schema());
    const clock = new FakeClock();
    const store = new SqliteStore({ db, clock: clock.now });
    const bound = makeRecord(clock, { subject: "user:42", subjectAt: clock.now() });
    await store.create("key", bound);
    assertEquals(store.read("key"), bound);
    const { data: _, ...record } = bound;
    assertEquals(await Array.fromAsync(store.list("user:42")), [{ key: "key", record }]);
    assertEquals(store.stats(), { sessions: 1, subjects: 1 });
    assertEquals(store.deleteAll("user:42", {}), 1);
    assertEquals(Number(store.generation("user:42")) > 0, true);
  });
}
