// Measures the stores for SQL, beside the bare statement by the same client. Its argument is the plan; it prints a line of
// JSON for each operation with each client.
import pg from "pg";
import postgres from "postgres";
import process from "node:process";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { POSTGRES, SQLITE } from "../../stores/sql/dialect.ts";
import type { SqlStatement } from "../../stores/sql/driver.ts";
import { cpuClock, measure, type MeasureOptions, warmUp } from "./measure.ts";
import {
  fillPostgres,
  fillSqlite,
  ofConnectPgSimple,
  ofStore,
  type Operations,
  rawStatements,
} from "./sql_tables.ts";
import { summarize, type Summary } from "./statistics.ts";

/** How much is measured. */
export interface SqlPlan {
  readonly few: number;
  readonly many: number;
  readonly rounds: number;
  readonly slot: number;
  readonly warmUp: number;
}

/** An operation with one client, by contestants that were measured in turns. */
export interface SqlGroup {
  readonly client: string;
  readonly operation: keyof Operations;
  readonly results: readonly SqlResult[];
}

export interface SqlResult {
  readonly name: string;
  /** Microseconds for one operation. */
  readonly total: Summary;
}

const OURS = "@x/hono-session";

if (import.meta.main) {
  const plan: SqlPlan = JSON.parse(process.argv[2]!);
  const { POSTGRES_URL: url } = process.env;
  if (url) await measurePostgres(url, plan);
  await measureSqlite(plan);
}

async function measurePostgres(url: string, plan: SqlPlan): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const sql = postgres(url, { max: 1, onnotice() {} });
  await fillPostgres(pool, plan);
  const stores = (client: pg.Pool | postgres.Sql) =>
    storesOf(plan, (table) => {
      return new PostgresStore({ sql: client, table });
    });
  await print("postgres.js", [
    ...rawStatements(({ text, values }) => sql.unsafe(text, values), POSTGRES),
    ...await stores(sql),
  ], plan);
  await print("pg", [
    ...rawStatements(({ text, values }) => pool.query(text, values), POSTGRES),
    ...await stores(pool),
    await ofConnectPgSimple(pool),
  ], plan);
  await sql.end({ timeout: 5 });
  await pool.end();
}

async function measureSqlite(plan: SqlPlan): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hono-session-bench-" });
  const db = fillSqlite(`${folder}/sessions.db`, plan);
  const prepared = new Map<string, ReturnType<typeof db.prepare>>();
  const execute = ({ text, values }: SqlStatement) => {
    let statement = prepared.get(text);
    if (!statement) prepared.set(text, statement = db.prepare(text));
    return statement.all(...values);
  };
  const stores = await storesOf(plan, (table) => new SqliteStore({ db, table }));
  const all = [...rawStatements(execute, SQLITE), ...stores];
  // Nothing is waited for.
  await print("node:sqlite", all, { ...plan, clock: cpuClock });
  db.close();
  await Deno.remove(folder, { recursive: true });
}

/** This library on the table with few sessions, and on the one with many. */
async function storesOf(
  { many }: SqlPlan,
  makeStore: (table: string) => PostgresStore | SqliteStore,
): Promise<Operations[]> {
  return [
    await ofStore(OURS, makeStore("few")),
    await ofStore(manyName(many), makeStore("many")),
  ];
}

/** The name of this library where there are many sessions. */
export function manyName(many: number): string {
  return `${OURS}, ${many} sessions`;
}

async function print(
  client: string,
  all: Operations[],
  plan: SqlPlan & Pick<MeasureOptions, "clock">,
): Promise<void> {
  for (const operation of ["read", "write"] as const) {
    const contestants = all.flatMap((operations) => operations[operation]);
    await warmUp(contestants, plan.warmUp);
    const { rounds } = await measure(contestants, { ...plan, inFlight: 1 });
    const results = contestants.map(({ name }, at): SqlResult => ({
      name,
      total: summarize(rounds.map((round) => round[at]!)),
    }));
    const group: SqlGroup = { client, operation, results };
    console.log(JSON.stringify(group));
  }
}
