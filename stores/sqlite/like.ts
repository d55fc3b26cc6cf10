/**
 * A statement of {@linkcode SqliteDatabaseLike}.
 *
 * @example Usage
 * ```ts
 * import type { SqliteStatementLike } from "@x/hono-session/stores/sqlite";
 * import { assertEquals } from "@std/assert";
 * import { DatabaseSync } from "node:sqlite";
 *
 * const statement: SqliteStatementLike = new DatabaseSync(":memory:").prepare("SELECT 42 AS answer");
 * assertEquals(JSON.stringify(statement.all()), '[{"answer":42}]');
 * ```
 */
export interface SqliteStatementLike {
  /**
   * Runs it.
   *
   * @param values Its values.
   * @returns The rows.
   */
  all(...values: unknown[]): unknown[];
}

/**
 * The methods of `node:sqlite`, `bun:sqlite` and `better-sqlite3` that this store uses.
 *
 * @example Usage
 * ```ts
 * import { type SqliteDatabaseLike, SqliteStore } from "@x/hono-session/stores/sqlite";
 * import { DatabaseSync } from "node:sqlite";
 *
 * const db: SqliteDatabaseLike = new DatabaseSync(":memory:");
 * new SqliteStore({ db });
 * ```
 */
export interface SqliteDatabaseLike {
  /**
   * Prepares a statement.
   *
   * @param text Its text.
   */
  prepare(text: string): SqliteStatementLike;
  /**
   * Runs a text.
   *
   * @param text The text.
   */
  exec(text: string): unknown;
}

/**
 * The methods of `@libsql/client` that this store uses.
 *
 * @example A stand-in for tests
 * ```ts
 * import type { LibsqlClientLike } from "@x/hono-session/stores/sqlite";
 * import { assertEquals } from "@std/assert";
 *
 * const client: LibsqlClientLike = {
 *   execute: () => Promise.resolve({ rows: [] }),
 *   batch: () => Promise.resolve([]),
 * };
 * assertEquals((await client.execute({ sql: "SELECT 1 WHERE false", args: [] })).rows, []);
 * ```
 */
export interface LibsqlClientLike {
  /**
   * Runs a statement.
   *
   * @param statement The statement and its values.
   */
  execute(
    statement: { sql: string; args: (string | number | null)[] },
  ): Promise<{ readonly rows: readonly object[] }>;
  /**
   * Runs statements in one transaction.
   *
   * @param statements The statements.
   * @param mode `"write"`.
   */
  batch(
    statements: { sql: string; args: (string | number | null)[] }[],
    mode: "write",
  ): Promise<{ readonly rows: readonly object[] }[]>;
}

/**
 * A database of SQLite, or a client of libSQL.
 *
 * @example Usage
 * ```ts
 * import { type SqliteLike, SqliteStore } from "@x/hono-session/stores/sqlite";
 * import { DatabaseSync } from "node:sqlite";
 *
 * const db: SqliteLike = new DatabaseSync(":memory:");
 * new SqliteStore({ db });
 * ```
 */
export type SqliteLike = SqliteDatabaseLike | LibsqlClientLike;
