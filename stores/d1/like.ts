/**
 * A statement of {@linkcode D1Like}.
 *
 * @example A stand-in for tests
 * ```ts
 * import type { D1StatementLike } from "@x/hono-session/stores/d1";
 * import { assertEquals } from "@std/assert";
 *
 * const statement: D1StatementLike = {
 *   bind: () => statement,
 *   all: () => Promise.resolve({ results: [] }),
 * };
 * assertEquals((await statement.bind("a").all()).results, []);
 * ```
 */
export interface D1StatementLike {
  /**
   * Binds values.
   *
   * @param values The values.
   */
  bind(...values: (string | number | null)[]): D1StatementLike;
  /** Runs it. */
  all(): Promise<{ readonly results: readonly object[] }>;
}

/**
 * The methods of a Cloudflare D1 database that this store uses.
 *
 * @example A stand-in for tests
 * ```ts
 * import type { D1Like, D1StatementLike } from "@x/hono-session/stores/d1";
 * import { assertEquals } from "@std/assert";
 *
 * const statement: D1StatementLike = {
 *   bind: () => statement,
 *   all: () => Promise.resolve({ results: [] }),
 * };
 * const database: D1Like = { prepare: () => statement, batch: () => Promise.resolve([]) };
 * assertEquals(await database.batch([]), []);
 * ```
 */
export interface D1Like {
  /**
   * Prepares a statement.
   *
   * @param text Its text.
   */
  prepare(text: string): D1StatementLike;
  /**
   * Runs statements in one transaction.
   *
   * @param statements Statements of this database.
   */
  // deno-lint-ignore no-explicit-any -- It takes its own statements, of which this store knows two methods.
  batch(statements: any[]): Promise<{ readonly results: readonly object[] }[]>;
}
