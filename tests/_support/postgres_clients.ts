import type { PostgresClientLike } from "@x/hono-session/stores/postgres";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import pg from "pg";
import postgres from "postgres";

/** A client that is connected to a server. */
export interface PostgresConnection {
  readonly sql: PostgresClientLike;
  /** Runs statements without values. */
  execute(text: string): Promise<readonly Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** How many connections a client has. */
interface PoolOptions {
  readonly max?: number;
}

function ignore(): void {}

function overPg(client: pg.Pool | pg.Client): PostgresConnection {
  // Without it a connection that is lost ends the process.
  client.on("error", ignore);
  let closed: Promise<void> | undefined;
  return {
    sql: client,
    execute: async (text) => (await client.query(text)).rows,
    close: () => closed ??= client.end(),
  };
}

/** Each client that the store knows on Deno. */
export const POSTGRES_CLIENTS: Record<
  string,
  (url: string, options?: PoolOptions) => Promise<PostgresConnection>
> = {
  "postgres.js"(url, { max = 10 } = {}) {
    const sql = postgres(url, { max, onnotice: ignore });
    return Promise.resolve({
      sql,
      execute: async (text) => await sql.unsafe(text),
      close: () => sql.end({ timeout: 5 }),
    });
  },
  "pg Pool": (connectionString, { max = 10 } = {}) =>
    Promise.resolve(overPg(new pg.Pool({ connectionString, max }))),
  async "pg Client"(connectionString) {
    const client = new pg.Client({ connectionString });
    await client.connect();
    return overPg(client);
  },
};

let tables = 0;

/** Makes the tables of a store that nobody else has, and gives their name. */
export async function makeTable({ execute }: PostgresConnection): Promise<string> {
  const table = `sessions_${Deno.pid}_${tables++}`;
  await execute(PostgresStore.schema({ table }));
  return table;
}

/** Makes the tables of the usual names on a server. */
export async function makeTables(url: string): Promise<void> {
  const { execute, close } = await POSTGRES_CLIENTS["postgres.js"]!(url);
  await execute(PostgresStore.schema());
  await close();
}
