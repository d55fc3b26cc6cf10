import { orElse } from "../../src/util/awaitable.ts";
import type { SqlRow, SqlStatement } from "../sql/driver.ts";
import type { PgClientLike, PgPoolLike, PostgresJsLike } from "./like.ts";

/** The rows of a result. */
export type Rows = readonly SqlRow[];

/** Runs one statement. */
export type Run = (statement: SqlStatement, signal?: AbortSignal) => Promise<Rows>;

/** Runs statements with a client of postgres.js or Bun. */
export function overPostgresJs(sql: PostgresJsLike): Run {
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
  if (active === true && typeof canceller === "function") orElse(() => canceller(query), ignore);
}

/** Runs statements with the clients of a pool of `pg`. */
export function overPool(pool: PgPoolLike): Run {
  return async (statement, signal) => {
    const client = await pool.connect();
    // The query is rejected as well; without a listener the process would end.
    client.on("error", ignore);
    let isBroken = false;
    try {
      return await overConnection(client)(statement, signal);
    } catch (error) {
      isBroken = !signal?.aborted && !Reflect.get(Object(error), "severity");
      throw error;
    } finally {
      client.off("error", ignore);
      client.release(isBroken);
    }
  };
}

/** Runs statements with a client of `pg`, one after the other. */
export function overClient(client: PgClientLike): Run {
  const run = overConnection(client);
  let last: Promise<unknown> = Promise.resolve();
  return (statement, signal) => {
    // The client would send the statements in its queue even after they were aborted.
    const result = last.then(() => run(statement, signal));
    last = result.catch(ignore);
    return result;
  };
}

function overConnection(client: PgClientLike): Run {
  return async ({ text, values }, signal) => {
    signal?.throwIfAborted();
    const { rows } = await client.query(text, values);
    return rows as Rows;
  };
}

/** Ignores a failure that is reported elsewhere. */
export function ignore(): void {}
