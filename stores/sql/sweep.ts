import { COUNT } from "../../src/util/shapes.ts";

/**
 * Options of `sweep`.
 *
 * @example In portions, to keep transactions short
 * ```ts
 * import { SqliteStore, type SweepOptions } from "@x/hono-session/stores/sqlite";
 * import { DatabaseSync } from "node:sqlite";
 *
 * const db = new DatabaseSync(":memory:");
 * db.exec(SqliteStore.schema());
 * const options: SweepOptions = { limit: 1000 };
 * while (await new SqliteStore({ db }).sweep(options) === 1000);
 * ```
 */
export interface SweepOptions {
  /**
   * The largest number of sessions that one call deletes.
   *
   * @default {10_000}
   */
  limit?: number;
}

/** @throws {RangeError} When the limit is not a positive integer. */
export function sweepLimit(limit: number): number {
  return COUNT.read(limit, { name: "limit", action: "sweep sessions" }) as number;
}
