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
 * // A request without a session does not access the database.
 * assertEquals(await (await app.request("/")).text(), "Hello stranger");
 * ```
 *
 * @module
 */

import type { OnSessionEnd } from "../src/store/contract.ts";
import { EndWatchers } from "../src/store/end_watchers.ts";
import { storeTable } from "../src/store/store_options.ts";
import type { Awaitable } from "../src/util/awaitable.ts";
import type { Clock } from "../src/util/clock.ts";
import { hasMethods, type Mistakes } from "../src/util/option_errors.ts";
import { checkTable } from "../src/util/option_table.ts";
import { ANY, STRING } from "../src/util/shapes.ts";
import { type PostgresDriver, REQUIRED, toDriver } from "./postgres/drivers.ts";
import type {
  PgClientLike,
  PgPoolClientLike,
  PgPoolLike,
  PostgresClientLike,
  PostgresJsLike,
} from "./postgres/like.ts";
import { ignore } from "./postgres/run.ts";
import { POSTGRES } from "./sql/dialect.ts";
import { driverFinder, type FindDriver } from "./sql/find.ts";
import { SqlStore } from "./sql/sql_store.ts";
import type { SweepOptions } from "./sql/sweep.ts";
import { schemaOf, type SqlTableOptions } from "./sql/table.ts";

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
 * @example A client per request, and a table in another schema
 * ```ts
 * import { PostgresStore, type PostgresStoreOptions } from "@x/hono-session/stores/postgres";
 *
 * const options: PostgresStoreOptions = { sql: (c) => c.get("sql"), table: "auth.sessions" };
 * new PostgresStore(options);
 * ```
 */
export interface PostgresStoreOptions extends SqlTableOptions {
  /**
   * A client: `postgres(url)` of postgres.js, a `Pool` or a connected `Client` of `pg`, or `new SQL(url)` of
   * Bun. The application closes it.
   *
   * Or a function that returns it for the Hono context, such as `(c) => c.get("sql")`; outside of a request `c`
   * is `undefined`. It is called for each operation, so it must return an existing client instead of creating
   * one.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context.
  sql: PostgresClientLike | ((c: any) => Awaitable<PostgresClientLike>);
  /**
   * The client that listens for ended sessions, in processes that use `session.ended`. A client of postgres.js or `pg`
   * that connects directly, or a function that returns one, is required if `sql` goes through a pooler in transaction
   * mode (PgBouncer), which delivers no notifications. The client keeps one connection for it while a session is watched.
   * With `false`, ends in other processes are noticed within `live.every` seconds.
   *
   * @default {sql, with a connection of its own}
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context.
  listen?: PostgresClientLike | ((c: any) => Awaitable<PostgresClientLike>) | false;
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

const STORE = "PostgresStore";

const OPTIONS = storeTable(STORE, {
  shapes: {
    sql: ANY,
    listen: ANY,
    table: STRING,
  },
  instead: {
    client: "use sql",
    pool: "use sql",
    prefix: "use table",
    tableName: "use table",
  },
  mistakes: [[(value) => toDriver(value) !== undefined, "write { sql }"]],
});

/** Common mistakes in the option `sql`, and what to do instead. */
const MISTAKEN_CLIENTS: Mistakes = [
  [
    (value) => hasMethods(value, "queryArray", "queryObject"),
    "it is a client of Deno's postgres module; use npm:postgres or npm:pg",
  ],
  [
    (value) => hasMethods(value, "select", "insert", "execute"),
    "it is a database of Drizzle, pass db.$client",
  ],
  [
    (value) => hasMethods(value, "$queryRaw"),
    "it is a client of Prisma; use npm:postgres or npm:pg",
  ],
  [(value) => hasMethods(value, "selectFrom"), "it is a client of Kysely, pass its Pool"],
];

function finderOf(option: "sql" | "listen", given: unknown): FindDriver<PostgresDriver> {
  return driverFinder(given, {
    store: STORE,
    options: OPTIONS,
    option,
    required: REQUIRED,
    mistakes: MISTAKEN_CLIENTS,
    toDriver,
  });
}

/**
 * Keeps sessions in PostgreSQL 12 or newer. Every guarantee of the store contract holds on one primary, also
 * between processes and machines. Reads must go to the primary.
 *
 * Each operation is one statement and one round trip; a refused login, and `deleteAll`, need two. The store
 * uses no named prepared statements and no state of a connection, so it works with a pooler in transaction
 * mode. The store creates no tables: run the text of {@linkcode PostgresStore.schema} as a migration. Only
 * {@linkcode PostgresStore.sweep} deletes expired sessions.
 *
 * When `storeTimeout` is over, postgres.js cancels the running statement on the server. `pg` can't cancel, but
 * never sends an aborted statement later. postgres.js and Bun may still send an aborted statement that waits
 * for a connection to open.
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
  readonly #watchers = new EndWatchers();
  readonly #findListener: FindDriver<PostgresDriver> | undefined;
  readonly #isDirect: boolean;

  /**
   * Creates the store. It does not connect.
   *
   * @param options The client and the table.
   * @throws {TypeError} When an option is unknown or of the wrong kind, `sql` or `listen` is neither a client of a known
   * kind nor a function, or `table` is not a valid name.
   * @throws {RangeError} When `table` is too long.
   */
  constructor(options: PostgresStoreOptions) {
    checkTable(OPTIONS, options);
    const { sql, listen = sql } = options;
    const find = finderOf("sql", sql);
    const findOther = () => listen === false ? undefined : finderOf("listen", listen);
    const findListener = listen === sql ? find : findOther();
    const listener = toDriver(listen);
    // A client that a function returns may be able to listen.
    const canListen = findListener && (!listener || listener.listen);
    super({
      store: STORE,
      dialect: POSTGRES,
      options,
      table: OPTIONS,
      schema: PostgresStore.schema,
      capabilities: {
        abortable: true,
        ...(canListen ? { watch: true } : {}),
      },
      find,
    });
    this.#isDirect = options.listen !== undefined;
    this.#findListener = findListener;
  }

  /**
   * Calls a function with the key of each session that is ended or moved from now on, by any process. All watchers of the
   * store share one connection, which is opened again when it is lost, and closed when the last one stops. A client that can't
   * listen reports nothing.
   *
   * @param onEnd Receives the key and the reason.
   * @param c The Hono context.
   * @returns A function that stops the notifications.
   * @throws {TypeError} When no client was found.
   * @throws {Error} When the connection goes through a pooler.
   */
  async watch(onEnd: OnSessionEnd, c?: unknown): Promise<() => Promise<void>> {
    const driver = await this.#findListener?.(c);
    return await this.#watchers.add(
      onEnd,
      async (receive) => await driver?.listen?.(receive, this.#isDirect) ?? ignore,
    );
  }

  /**
   * Returns the text of a migration that creates the tables, if they don't exist.
   *
   * @param options The name of the table.
   * @returns Statements. They may run again at any time.
   * @throws {TypeError} When `table` is not a valid name.
   * @throws {RangeError} When `table` is too long.
   */
  static schema(options: SqlTableOptions = {}): string {
    return schemaOf(STORE, POSTGRES, options);
  }
}
