import { hasMethods } from "../../src/util/option_errors.ts";
import type { SqlDriver, SqlRow, SqlStatement } from "../sql/driver.ts";
import type { D1Like } from "./like.ts";

type Rows = readonly SqlRow[];

/**
 * Makes the driver of a database.
 *
 * @returns The driver; `undefined` for any other value.
 */
export function toDriver(database: unknown): SqlDriver | undefined {
  return isD1(database) ? new D1Driver(database) : undefined;
}

/** Checks whether a value has the methods of a D1 database. */
export function isD1(value: unknown): value is D1Like {
  return hasMethods(value, "prepare", "batch");
}

class D1Driver implements SqlDriver {
  readonly #database: D1Like;

  constructor(database: D1Like) {
    this.#database = database;
  }

  async run(statements: readonly SqlStatement[]): Promise<Rows> {
    const bound = statements.map(({ text, values }) =>
      this.#database.prepare(text).bind(...values)
    );
    const results = bound.length === 1
      ? [await bound[0]!.all()]
      : await this.#database.batch(bound);
    return results.flatMap(({ results }) => results as Rows);
  }
}
