import connectPgSimple from "connect-pg-simple";
import { createHash, randomBytes } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type pg from "pg";
import type { SessionRecord, SessionStore } from "@x/hono-session";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { compile } from "../../stores/sql/compile.ts";
import type { SqlDialect } from "../../stores/sql/dialect.ts";
import type { SqlStatement } from "../../stores/sql/driver.ts";
import { valuesOf } from "../../stores/sql/row.ts";
import { statementsOf } from "../../stores/sql/statements.ts";
import { tableNames } from "../../stores/sql/table.ts";
import { makeData } from "./data.ts";
import type { Contestant } from "./measure.ts";

/** How many sessions of those that are stored are read and written: an odd number. */
const VISITORS = 999;
const BYTES = 200;
const DAY = 86_400_000;

/** The statement of the store, without the store. */
export const RAW = "raw statement";
/** A statement that reads or writes nothing but one text. */
const LEAST = "least statement";

/** The tables of each contestant, and how many sessions they hold. */
function countsOf({ few, many }: { few: number; many: number }): Record<string, number> {
  return { raw: few, least: few, few, many };
}

/** What is measured with one client of a database, for each operation. */
export interface Operations {
  readonly read: Contestant[];
  readonly write: Contestant[];
}

/** Runs a statement. */
export type Execute = (statement: SqlStatement) => unknown;

/** Returns the key of a session. */
export function keyOf(index: number): string {
  return createHash("sha256").update(String(index)).digest("base64url");
}

/** Two texts of the data of a session, so that each write is a change. */
const TEXTS = [1, 2].map((visits) => JSON.stringify({ ...makeData(BYTES), visits }));

function makeRecord(index: number): SessionRecord {
  const now = Date.now();
  return {
    format: 1,
    sid: randomBytes(16).toString("base64url"),
    version: 1,
    cookieName: "sid",
    data: TEXTS[0]!,
    subject: `user:${index % 100_000}`,
    ...{ subjectAt: now, createdAt: now, lastSeenAt: now, renewedAt: now, expiresAt: now + DAY },
  };
}

/** Fills the tables of a Postgres server. The many sessions are copies of one under other keys. */
export async function fillPostgres(
  pool: pg.Pool,
  plan: { few: number; many: number },
): Promise<void> {
  for (const [table, count] of Object.entries(countsOf(plan))) {
    await pool.query(PostgresStore.schema({ table }));
    await new PostgresStore({ sql: pool, table }).create("template", makeRecord(0));
    const key = "rtrim(translate(encode(sha256(n::text::bytea), 'base64'), '+/', '-_'), '=')";
    await pool.query(
      `INSERT INTO ${table} SELECT ${key}, sid, 'user:' || n % 100000, subject_at, version, expires_at, renewed_at,
       last_seen_at, generation, record, data FROM ${table}, generate_series(0, ${count - 1}) AS n`,
    );
    await pool.query(`VACUUM ANALYZE ${table}`);
  }
  await pool.query(
    `CREATE TABLE session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
     CREATE INDEX ON session (expire);
     CHECKPOINT`,
  );
}

/** Fills the tables of a database in a file, and returns it. */
export function fillSqlite(
  path: string,
  plan: { few: number; many: number },
): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -64000");
  for (const [table, count] of Object.entries(countsOf(plan))) {
    db.exec(SqliteStore.schema({ table }));
    const store = new SqliteStore({ db, table });
    db.exec("BEGIN");
    for (let index = 0; index < count; index++) store.create(keyOf(index), makeRecord(index));
    db.exec("COMMIT");
  }
  db.exec("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)");
  return db;
}

/** The statements of the stores, sent as they are, and the least that keeps a text under a key. */
export function rawStatements(execute: Execute, dialect: SqlDialect): Operations[] {
  const { read, updateInPlace } = statementsOf(
    dialect,
    tableNames({ table: "raw" }, { action: "" }),
  );
  const record = makeRecord(0);
  // The version stays the same, so that each of them is a write.
  const values = { previous: record.version, now: Date.now() };
  const reads = keys.map((key) => read({ key, ...values })[0]!);
  const writes = keys.map((key) =>
    TEXTS.map((data) =>
      updateInPlace.free({ ...valuesOf(key, { ...record, data }), ...values })[0]!
    )
  );
  const least = compileAll(dialect);
  const next = turns();
  return [{
    read: [{ name: RAW, run: () => execute(reads[next().at]!) }],
    write: [{
      name: RAW,
      run: () => {
        const { at, text } = next();
        return execute(writes[at]![text]!);
      },
    }],
  }, {
    read: [{ name: LEAST, run: () => execute(least.read({ key: keys[next().at]! })[0]!) }],
    write: [{
      name: LEAST,
      run: () => {
        const { at, text } = next();
        return execute(least.write({ key: keys[at]!, data: TEXTS[text]! })[0]!);
      },
    }],
  }];
}

function compileAll(dialect: SqlDialect) {
  return {
    read: compile(dialect, ["SELECT data FROM least WHERE key = :key"]),
    write: compile(dialect, ["UPDATE least SET data = :data WHERE key = :key"]),
  };
}

/** Reads and writes of a store. */
export async function ofStore(name: string, store: SessionStore): Promise<Operations> {
  const records: SessionRecord[] = [];
  for (const key of keys) {
    const record = await store.read(key);
    if (!record) throw new Error(`Cannot measure ${name}: it reads no session`);
    records.push(record);
  }
  const next = turns();
  return {
    read: [{ name, run: () => store.read(keys[next().at]!) }],
    write: [{
      name,
      run: () => {
        const { at, text } = next();
        const previous = records[at]!;
        const record = { ...previous, version: previous.version + 1, data: TEXTS[text]! };
        records[at] = record;
        return store.update(keys[at]!, record, previous);
      },
    }],
  };
}

/** The store of connect-pg-simple, called as express-session calls it. */
export async function ofConnectPgSimple(pool: pg.Pool): Promise<Operations> {
  const name = "connect-pg-simple";
  const Store = connectPgSimple({ Store: class {} } as never);
  const store = new Store({ pool, pruneSessionInterval: false });
  const sessions = TEXTS.map((text) => ({ cookie: { originalMaxAge: DAY }, ...JSON.parse(text) }));
  const get = (key: string) =>
    new Promise((resolve, reject) =>
      store.get(key, (error: unknown, found: unknown) => error ? reject(error) : resolve(found))
    );
  const set = (key: string, session: never) =>
    new Promise<void>((resolve, reject) =>
      store.set(key, session, (error: unknown) => error ? reject(error) : resolve())
    );
  for (const key of keys) await set(key, sessions[0] as never);
  if (!await get(keys[0]!)) throw new Error(`Cannot measure ${name}: it reads no session`);
  const next = turns();
  return {
    read: [{ name, run: () => get(keys[next().at]!) }],
    write: [{
      name,
      run: () => {
        const { at, text } = next();
        return set(keys[at]!, sessions[text] as never);
      },
    }],
  };
}

const keys = Array.from({ length: VISITORS }, (_, index) => keyOf(index));

/** Returns one visitor after the other, and one text and the other: each visitor comes with another text than before. */
function turns(): () => { at: number; text: number } {
  let turn = 0;
  return () => ({ at: turn % VISITORS, text: turn++ % 2 });
}
