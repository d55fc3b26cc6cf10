import { andThen, type Awaitable, orElse } from "../../src/util/awaitable.ts";
import type { SqlTemplate, SqlValues } from "./compile.ts";
import type { SqlDriver, SqlRow } from "./driver.ts";
import { type SqlErrorSetup, toError } from "./errors.ts";
import type { FindDriver } from "./find.ts";

/** Options of {@linkcode SqlExecutor}. */
export interface ExecutorSetup extends SqlErrorSetup {
  readonly find: FindDriver;
}

/** The context of an operation, and its abort signal. */
export interface Call {
  readonly c: unknown;
  readonly signal: AbortSignal | undefined;
}

/** Runs statements with the driver of a request; synchronously if the driver is synchronous. */
export class SqlExecutor {
  readonly #setup: ExecutorSetup;

  constructor(setup: ExecutorSetup) {
    this.#setup = setup;
  }

  /** Runs a statement and returns its rows. */
  run(template: SqlTemplate, values: SqlValues, call: Call): Awaitable<readonly SqlRow[]> {
    return this.#use(call, (driver) => driver.run(template(values), call.signal));
  }

  /** Runs statements with the same values and returns the rows of each. */
  runAll(
    templates: readonly SqlTemplate[],
    values: SqlValues,
    call: Call,
  ): Awaitable<(readonly SqlRow[])[]> {
    const [first, ...more] = templates;
    if (more.length === 0) return andThen(this.run(first!, values, call), (rows) => [rows]);
    const statements = templates.map((template) => template(values));
    return this.#use(call, (driver) => driver.runAll(statements, call.signal));
  }

  #use<Result>(
    { c, signal }: Call,
    run: (driver: SqlDriver) => Awaitable<Result>,
  ): Awaitable<Result> {
    return andThen(this.#setup.find(c), (driver) => {
      signal?.throwIfAborted();
      return orElse(() => run(driver), (error) => {
        throw toError(error, this.#setup);
      });
    });
  }
}
