import { SetupError } from "../../src/store/setup_error.ts";
import { hasMethods } from "../../src/util/option_errors.ts";
import { STORE_TRIES } from "../../src/util/tries.ts";
import type { SqlDriver } from "../sql/driver.ts";
import { textsOf } from "../sql/errors.ts";
import { oncePerClient } from "../sql/find.ts";
import type { PgClientLike, PgPoolLike, PostgresJsLike } from "./like.ts";
import { type Listen, listenWithClient, listenWithPool, listenWithPostgresJs } from "./listen.ts";
import { overClient, overPool, overPostgresJs, type Rows, type Run } from "./run.ts";

/** The clients that a driver can be made of. */
export const REQUIRED = "a client of pg or Bun, or postgres(url),";

/** Transactions that could not be serialized, and deadlocks. Nothing was done. */
const REPEATABLE_REGEXP = /^40(001|P01)$/;

/** Runs statements with a client of Postgres. */
export interface PostgresDriver extends SqlDriver {
  /** Listens to notifications; `undefined` for a client that can't. */
  readonly listen: Listen | undefined;
}

/**
 * Makes the driver of a client. Each statement is a transaction of its own, so that it can use any connection.
 *
 * @returns The driver; `undefined` for any other value.
 */
export const toDriver = oncePerClient((client: unknown): PostgresDriver | undefined => {
  if (isPostgresJs(client)) return driverOf(overPostgresJs(client), listenWithPostgresJs(client));
  if (isPool(client)) return driverOf(overPool(client), listenWithPool(client));
  if (!isClient(client)) return undefined;
  const run = overClient(client);
  return driverOf(run, listenWithClient(client, run));
});

function driverOf(run: Run, listen: Listen | undefined): PostgresDriver {
  return {
    listen,
    async run(statements, signal) {
      let rows: Rows = [];
      for (const statement of statements) {
        rows = rows.concat(await repeat(() => run(statement, signal), signal));
      }
      return rows;
    },
  };
}

/** Runs a statement, again if it was in conflict with another transaction. */
async function repeat(run: () => Promise<Rows>, signal: AbortSignal | undefined): Promise<Rows> {
  for (let tries = 1;; tries++) {
    signal?.throwIfAborted();
    try {
      const rows: unknown = await run();
      if (Array.isArray(rows)) return rows;
      const wayOut = `${REQUIRED} is required`;
      throw new SetupError(`Cannot use PostgresStore: its client returned no rows; ${wayOut}`);
    } catch (error) {
      const isLast = !signal && tries === STORE_TRIES;
      if (!textsOf(error).some((text) => REPEATABLE_REGEXP.test(text)) || isLast) throw error;
      // Wait for the end of the transaction with which the statement conflicts.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * tries));
    }
  }
}

/** Checks whether a value is a client of postgres.js or Bun: a function or an object with `unsafe()`. */
function isPostgresJs(client: unknown): client is PostgresJsLike {
  return typeof Reflect.get(Object(client), "unsafe") === "function";
}

function isPool(client: unknown): client is PgPoolLike {
  return hasMethods(client, "query", "connect") &&
    typeof Reflect.get(Object(client), "totalCount") === "number";
}

function isClient(client: unknown): client is PgClientLike {
  return hasMethods(client, "query");
}
