/**
 * The methods of postgres.js (`postgres(url)`) and of Bun's `new SQL(url)` that this store uses.
 *
 * @example A stand-in for tests
 * ```ts
 * import type { PostgresJsLike } from "@x/hono-session/stores/postgres";
 * import { assertEquals } from "@std/assert";
 *
 * const sql: PostgresJsLike = { unsafe: () => Promise.resolve([]) };
 * assertEquals(await sql.unsafe("SELECT 1 WHERE false"), []);
 * ```
 */
export interface PostgresJsLike {
  /**
   * Runs a statement.
   *
   * @param text The statement, with `$1` for the first value.
   * @param values The values.
   * @returns The rows.
   */
  unsafe(text: string, values?: (string | number | null)[]): PromiseLike<readonly object[]>;
}

/**
 * The methods of a `pg` client that this store uses; any object with its `query()` works.
 *
 * @example A stand-in for tests
 * ```ts
 * import type { PgClientLike } from "@x/hono-session/stores/postgres";
 * import { assertEquals } from "@std/assert";
 *
 * const client: PgClientLike = { query: () => Promise.resolve({ rows: [] }) };
 * assertEquals((await client.query("SELECT 1 WHERE false")).rows, []);
 * ```
 */
export interface PgClientLike {
  /**
   * Runs a statement.
   *
   * @param text The statement, with `$1` for the first value.
   * @param values The values.
   * @returns The rows.
   */
  query(
    text: string,
    values?: (string | number | null)[],
  ): PromiseLike<{ readonly rows: readonly object[] }>;
}

/**
 * A client that a `Pool` of `pg` has lent.
 *
 * @example A stand-in for tests
 * ```ts
 * import type { PgPoolClientLike } from "@x/hono-session/stores/postgres";
 * import { assertEquals } from "@std/assert";
 *
 * const client: PgPoolClientLike = {
 *   query: () => Promise.resolve({ rows: [] }),
 *   on: () => {},
 *   off: () => {},
 *   release: () => {},
 * };
 * assertEquals((await client.query("SELECT 1 WHERE false")).rows, []);
 * ```
 */
export interface PgPoolClientLike extends PgClientLike {
  /**
   * Listens to failures of the connection.
   *
   * @param event `"error"`.
   * @param listener The listener.
   */
  on(event: "error", listener: () => void): unknown;
  /**
   * Removes a listener.
   *
   * @param event `"error"`.
   * @param listener The listener.
   */
  off(event: "error", listener: () => void): unknown;
  /**
   * Releases the client.
   *
   * @param destroy Whether its connection is closed.
   */
  release(destroy?: boolean): void;
}

/**
 * The methods of a `Pool` of `pg` that this store uses.
 *
 * @example A stand-in for tests
 * ```ts
 * import type { PgPoolLike } from "@x/hono-session/stores/postgres";
 * import { assertEquals } from "@std/assert";
 *
 * const pool: PgPoolLike = {
 *   totalCount: 0,
 *   connect: () => Promise.reject(new Error("no server")),
 *   query: () => Promise.reject(new Error("no server")),
 * };
 * assertEquals(pool.totalCount, 0);
 * ```
 */
export interface PgPoolLike extends PgClientLike {
  /** The number of its clients. */
  readonly totalCount: number;
  /** Lends a client. */
  connect(): Promise<PgPoolClientLike>;
}

/**
 * A client of Postgres.
 *
 * @example A stand-in for tests
 * ```ts
 * import { type PostgresClientLike, PostgresStore } from "@x/hono-session/stores/postgres";
 *
 * const sql: PostgresClientLike = { unsafe: () => Promise.resolve([]) };
 * new PostgresStore({ sql });
 * ```
 */
export type PostgresClientLike = PostgresJsLike | PgPoolLike | PgClientLike;
