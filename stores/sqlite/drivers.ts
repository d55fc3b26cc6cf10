import { hasMethods } from "../../src/util/option_errors.ts";
import type { SqlDriver, SqlRow, SqlStatement } from "../sql/driver.ts";
import type { LibsqlClientLike, SqliteDatabaseLike, SqliteStatementLike } from "./like.ts";

type Rows = readonly SqlRow[];

/**
 * Makes the driver of a database.
 *
 * @returns The driver; `undefined` for any other value.
 */
export function toDriver(db: unknown): SqlDriver | undefined {
  if (isDatabase(db)) return new DatabaseDriver(db);
  return isLibsql(db) ? new LibsqlDriver(db) : undefined;
}

/** Checks whether a value is a synchronous database. */
function isDatabase(db: unknown): db is SqliteDatabaseLike {
  return hasMethods(db, "prepare", "exec") && !hasMethods(db, "batch");
}

/** Checks whether a value is a client of libSQL. */
function isLibsql(db: unknown): db is LibsqlClientLike {
  return hasMethods(db, "execute", "batch");
}

/** Runs statements with a synchronous database. */
class DatabaseDriver implements SqlDriver {
  readonly #db: SqliteDatabaseLike;
  readonly #prepared = new Map<string, SqliteStatementLike>();

  constructor(db: SqliteDatabaseLike) {
    this.#db = db;
  }

  run(statements: readonly SqlStatement[]): Rows {
    if (statements.length === 1) return this.#all(statements[0]!);
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const rows = statements.flatMap((statement) => this.#all(statement));
      this.#db.exec("COMMIT");
      return rows;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #all({ text, values }: SqlStatement): Rows {
    let statement = this.#prepared.get(text);
    if (!statement) this.#prepared.set(text, statement = this.#db.prepare(text));
    return statement.all(...values) as Rows;
  }

  #rollBack(): void {
    try {
      this.#db.exec("ROLLBACK");
    } catch {
      // SQLite has done so itself, or the database is closed.
    }
  }
}

class LibsqlDriver implements SqlDriver {
  readonly #client: LibsqlClientLike;

  constructor(client: LibsqlClientLike) {
    this.#client = client;
  }

  async run(statements: readonly SqlStatement[]): Promise<Rows> {
    const batch = statements.map(({ text, values }) => ({ sql: text, args: values }));
    const results = batch.length === 1
      ? [await this.#client.execute(batch[0]!)]
      : await this.#client.batch(batch, "write");
    return results.flatMap(({ rows }) => rows as Rows);
  }
}
