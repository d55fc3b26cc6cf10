import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { type PostgresClientLike, PostgresStore } from "../../stores/postgres.ts";
import { type SqliteDatabaseLike, SqliteStore } from "../../stores/sqlite.ts";
import { storeConformance } from "../../stores/testing.ts";

type Test = (name: string, run: () => Promise<void>) => unknown;

/** A client of Postgres that is open. */
interface Connection {
  readonly sql: PostgresClientLike;
  execute(text: string): PromiseLike<unknown>;
  close(): PromiseLike<unknown>;
}

let tables = 0;

/** Declares the conformance suite of Postgres over a client. */
export function declarePostgres(test: Test, name: string, connect: () => Connection): void {
  storeConformance({
    name: `PostgresStore with ${name}`,
    capabilities: new PostgresStore({ sql: () => Promise.reject() }).capabilities,
    canFail: true,
    test,
    async open(clock) {
      const { sql, execute, close } = connect();
      let closed: PromiseLike<unknown> | undefined;
      const closeOnce = async () => void await (closed ??= close());
      const table = `sessions_${process.pid}_${tables++}`;
      await execute(PostgresStore.schema({ table }));
      return { store: new PostgresStore({ sql, table, clock }), fail: closeOnce, close: closeOnce };
    },
    onSkip() {},
  });
}

/** Declares the conformance suite of SQLite over databases in a file. */
export function declareSqlite(
  test: Test,
  name: string,
  openFile: (path: string) => SqliteDatabaseLike & { close(): unknown },
): void {
  const folder = mkdtempSync(`${tmpdir()}/hono-session-sqlite-`);
  process.on("exit", () => rmSync(folder, { recursive: true }));
  let files = 0;
  storeConformance({
    name: `SqliteStore with ${name}`,
    capabilities: new SqliteStore({ db: () => Promise.reject() }).capabilities,
    canFail: true,
    test,
    open(clock) {
      const db = openFile(`${folder}/${files++}.db`);
      db.exec("PRAGMA journal_mode = WAL");
      db.exec(SqliteStore.schema());
      return {
        store: new SqliteStore({ db, clock }),
        // With Bun, statements that are prepared outlive their database.
        fail: () => void db.exec("DROP TABLE sessions; DROP TABLE sessions_subjects"),
        close: () => void db.close(),
      };
    },
    onSkip() {},
  });
}
