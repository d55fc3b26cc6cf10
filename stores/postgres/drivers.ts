import { SetupError } from "../../src/store/setup_error.ts";
import { isPromiseLike } from "../../src/util/awaitable.ts";
import { hasMethods } from "../../src/util/option_errors.ts";
import { STORE_TRIES } from "../../src/util/tries.ts";
import type { SqlDriver, SqlRow, SqlStatement } from "../sql/driver.ts";
import { textsOf } from "../sql/errors.ts";
import type { PgClientLike, PgPoolLike, PostgresJsLike } from "./like.ts";
import { type Listen, listenWithClient, listenWithPool, listenWithPostgresJs } from "./listen.ts";

/** Transactions that could not be serialized, and deadlocks. Nothing was done. */
const REPEATABLE_REGEXP = /^40(001|P01)$/;

type Rows = readonly SqlRow[];

/** Runs one statement. */
type Run = (statement: SqlStatement, signal: AbortSignal | undefined) => PromiseLike<Rows>;

/**
 * Makes the driver of a client. Each statement is a transaction of its own, so that it can use any connection.
 *
 * @returns The driver; `undefined` for any other value.
 */
export function toDriver(client: unknown): PostgresDriver | undefined {
  if (isPostgresJs(client)) {
    return new PostgresDriver(overPostgresJs(client), listenWithPostgresJs(client));
  }
  if (isPool(client)) return new PostgresDriver(overPool(client), listenWithPool(client));
  if (!isClient(client)) return undefined;
  const run = overClient(client);
  const execute = (text: string) => run({ text, values: [] }, undefined);
  return new PostgresDriver(run, listenWithClient(client, execute));
}

/** Runs statements with a client of Postgres. */
export class PostgresDriver implements SqlDriver {
  readonly #run: Run;
  /** Listens to notifications; `undefined` for a client that can't. */
  readonly listen: Listen | undefined;

  constructor(run: Run, listen: Listen | undefined) {
    this.#run = run;
    this.listen = listen;
  }

  async run(statement: SqlStatement, signal?: AbortSignal): Promise<Rows> {
    for (let tries = 1;; tries++) {
      signal?.throwIfAborted();
      try {
        const rows: unknown = await this.#run(statement, signal);
        if (Array.isArray(rows)) return rows;
        throw new SetupError(
          "Cannot use PostgresStore: its client returned no rows; a client of postgres, pg or Bun is required",
        );
      } catch (error) {
        const isLast = !signal && tries === STORE_TRIES;
        if (!textsOf(error).some((text) => REPEATABLE_REGEXP.test(text)) || isLast) throw error;
        // Wait for the end of the transaction with which the statement conflicts.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 4 * tries));
      }
    }
  }

  async runAll(statements: readonly SqlStatement[], signal?: AbortSignal): Promise<Rows[]> {
    const results: Rows[] = [];
    for (const statement of statements) results.push(await this.run(statement, signal));
    return results;
  }
}

function overPostgresJs(sql: PostgresJsLike): Run {
  return async ({ text, values }, signal) => {
    const query = sql.unsafe(text, values);
    const onAbort = () => cancel(query);
    signal?.addEventListener("abort", onAbort);
    try {
      return await query as Rows;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  };
}

/**
 * Cancels the running statement of postgres.js on the server. Its own `cancel()` can give a query the result of
 * another one when queries are queued, lose a connection that is being opened, and end the process when the
 * server is gone.
 */
function cancel(query: object): void {
  const { active, canceller }: { active?: unknown; canceller?: unknown } = query;
  if (active !== true || typeof canceller !== "function") return;
  const cancelled: unknown = canceller(query);
  if (isPromiseLike(cancelled)) cancelled.then(ignore, ignore);
}

function overPool(pool: PgPoolLike): Run {
  return async ({ text, values }, signal) => {
    const client = await pool.connect();
    // The query is rejected as well; without a listener the process would end.
    client.on("error", ignore);
    let isBroken = false;
    try {
      signal?.throwIfAborted();
      return (await client.query(text, values)).rows as Rows;
    } catch (error) {
      isBroken = !signal?.aborted && !Reflect.get(Object(error), "severity");
      throw error;
    } finally {
      client.off("error", ignore);
      client.release(isBroken);
    }
  };
}

function overClient(client: PgClientLike): Run {
  let last: PromiseLike<unknown> = Promise.resolve();
  return ({ text, values }, signal) => {
    const query = async () => {
      signal?.throwIfAborted();
      return (await client.query(text, values)).rows as Rows;
    };
    // The client would send the statements in its queue even after they were aborted.
    const result = last.then(query);
    last = result.then(ignore, ignore);
    return result;
  };
}

function ignore(): void {}

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
