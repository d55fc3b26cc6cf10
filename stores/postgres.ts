/**
 * Sessions in PostgreSQL, through postgres.js, `pg` or the client of Bun.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session";
 * import { type PostgresClientLike, PostgresStore } from "@x/hono-session/stores/postgres";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * // In your app, with the npm package postgres: postgres("postgres://app@localhost/app")
 * const sql: PostgresClientLike = { unsafe: () => Promise.reject(new Error("no server")) };
 * // Once, as a migration: await sql.unsafe(PostgresStore.schema());
 *
 * const app = new Hono()
 *   .use(session<{ name?: string }>({ store: new PostgresStore({ sql }) }))
 *   .get("/", (c) => c.text(`Hello ${c.var.session.name ?? "stranger"}`));
 *
 * // Who has no session is served without the database.
 * assertEquals(await (await app.request("/")).text(), "Hello stranger");
 * ```
 *
 * @module
 */

import { storeTable } from "../src/store/store_options.ts";
import type { Awaitable } from "../src/util/awaitable.ts";
import { type Clock, systemClock } from "../src/util/clock.ts";
import { hasMethods, type Mistakes } from "../src/util/option_errors.ts";
import { checkTable } from "../src/util/option_table.ts";
import { toDriver } from "./postgres/drivers.ts";
import type {
  PgClientLike,
  PgPoolClientLike,
  PgPoolLike,
  PostgresClientLike,
  PostgresJsLike,
} from "./postgres/like.ts";
import { POSTGRES } from "./sql/dialect.ts";
import { driverFinder } from "./sql/find.ts";
import { SqlStore, type SweepOptions } from "./sql/sql_store.ts";
import { schemaOf, type SqlTableOptions, tableNames } from "./sql/table.ts";

export type {
  PgClientLike,
  PgPoolClientLike,
  PgPoolLike,
  PostgresClientLike,
  PostgresJsLike,
  SqlStore,
  SqlTableOptions,
  SweepOptions,
};

/**
 * Options of {@linkcode PostgresStore}.
 *
 * @example A client that comes with the request, and a table in a schema of its own
 * ```ts
 * import { PostgresStore, type PostgresStoreOptions } from "@x/hono-session/stores/postgres";
 *
 * const options: PostgresStoreOptions = { sql: (c) => c.get("sql"), table: "auth.sessions" };
 * new PostgresStore(options);
 * ```
 */
export interface PostgresStoreOptions extends SqlTableOptions {
  /**
   * A client: `postgres(url)` of postgres.js, a `Pool` or a connected `Client` of `pg`, or `new SQL(url)` of Bun. It
   * stays yours to close.
   *
   * Or a function that finds it in the Hono context, such as `(c) => c.get("sql")`; outside of a request `c` is
   * `undefined`. It is called for each operation, so let it return a client that is there rather than make one.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context.
  sql: PostgresClientLike | ((c: any) => Awaitable<PostgresClientLike>);
  /**
   * Tells the time, for tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

const OPTIONS = storeTable("PostgresStore", {
  shapes: { sql: ["any", "function", "async function"], table: ["string"] },
  instead: {
    client: "use sql: postgres(url)",
    pool: "use sql: pool",
    prefix: "use table: applications that share a database have a table each",
    tableName: "use table",
  },
  mistakes: [[isClient, "write { sql }"]],
});

const SCHEMA_OPTIONS = {
  action: "make schema of PostgresStore",
  shapes: { table: ["string"] },
} as const;

/** What is given as `sql` and is no client, and what to do instead. */
const MISTAKEN_CLIENTS: Mistakes = [
  [(value) => typeof value === "string", "it is an address, give a client: postgres(url)"],
  [
    (value) => hasMethods(value, "queryArray", "queryObject"),
    "it is a client of Deno's postgres module; use npm:postgres or npm:pg",
  ],
  [
    (value) => hasMethods(value, "select", "insert", "execute"),
    "it is a database of Drizzle, give the client below: db.$client",
  ],
  [(value) => hasMethods(value, "$queryRaw"), "it is a client of Prisma; use postgres or pg"],
  [(value) => hasMethods(value, "selectFrom"), "it is a client of Kysely, give its Pool"],
];

function isClient(value: unknown): boolean {
  return (typeof value === "function" || typeof value === "object" && value !== null) &&
    toDriver(value) !== undefined;
}

/**
 * Keeps sessions in PostgreSQL 12 or newer. Every promise of the store contract holds on one primary, also between
 * processes and machines. Reads must go to the primary.
 *
 * Each operation is one statement and one round trip; a login that is refused, and `deleteAll`, take two. No statement is
 * prepared under a name, and none depends on an earlier one of its connection: a pooler may work in transaction mode.
 * It makes no tables: run the text of {@linkcode PostgresStore.schema} as a migration. Nothing deletes expired sessions
 * but {@linkcode PostgresStore.sweep}.
 *
 * With postgres.js, the server cancels what it is still at when `storeTimeout` is over. `pg` can't cancel, but never sends
 * later what is aborted; postgres.js and Bun do so with what waits for a connection that is being opened.
 *
 * @example Usage
 * ```ts
 * import { type PostgresClientLike, PostgresStore } from "@x/hono-session/stores/postgres";
 * import { assertEquals } from "@std/assert";
 *
 * // In your app: postgres(url), or new Pool({ connectionString: url })
 * const sql: PostgresClientLike = { unsafe: () => Promise.resolve([]) };
 * const store = new PostgresStore({ sql });
 * assertEquals(await store.read("unknown"), undefined);
 * ```
 */
export class PostgresStore extends SqlStore {
  /**
   * Connects to nothing.
   *
   * @param options Which client, and which table.
   * @throws {TypeError} When an option is unknown or of the wrong kind, `sql` is neither a client of a known kind nor a
   * function, or `table` is no name.
   * @throws {RangeError} When `table` is too long.
   */
  constructor(options: PostgresStoreOptions) {
    checkTable(OPTIONS, options);
    const { sql, table = "sessions", clock = systemClock } = options;
    const store = "PostgresStore";
    const tables = tableNames(table, OPTIONS);
    super({
      dialect: POSTGRES,
      tables,
      names: { store, table, schema: schemaOf(POSTGRES, tables) },
      capabilities: {
        atomic: true,
        index: true,
        ordered: true,
        consistency: "strong",
        abortable: true,
      },
      clock,
      find: driverFinder(sql, {
        store,
        options: OPTIONS,
        option: "sql",
        required: "a client of postgres, pg or Bun",
        mistakes: MISTAKEN_CLIENTS,
        toDriver,
      }),
    });
  }

  /**
   * Returns the text of a migration that makes the tables, where they are not there yet.
   *
   * @param options The name of the table.
   * @returns Statements, which may run again at any time.
   * @throws {TypeError} When `table` is no name.
   * @throws {RangeError} When `table` is too long.
   */
  static schema(options: SqlTableOptions = {}): string {
    checkTable(SCHEMA_OPTIONS, options);
    return schemaOf(POSTGRES, tableNames(options.table ?? "sessions", SCHEMA_OPTIONS));
  }
}
