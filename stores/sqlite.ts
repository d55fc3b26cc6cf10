/**
 * Sessions in SQLite, through `node:sqlite`, `bun:sqlite`, `better-sqlite3` or `@libsql/client`.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session";
 * import { SqliteStore } from "@x/hono-session/stores/sqlite";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 * import { DatabaseSync } from "node:sqlite";
 *
 * const db = new DatabaseSync(":memory:"); // in your app: a path
 * db.exec(SqliteStore.schema()); // or as a migration
 *
 * const app = new Hono()
 *   .use(session<{ visits?: number }>({ store: new SqliteStore({ db }) }))
 *   .get("/", (c) => {
 *     c.var.session.visits = (c.var.session.visits ?? 0) + 1;
 *     return c.text(`visit ${c.var.session.visits}`);
 *   });
 *
 * const first = await app.request("/");
 * const cookie = first.headers.getSetCookie()[0]!.split(";")[0]!;
 * const second = await app.request("/", { headers: { cookie } });
 * assertEquals(await second.text(), "visit 2");
 * ```
 *
 * @module
 */

import { storeTable } from "../src/store/store_options.ts";
import type { Awaitable } from "../src/util/awaitable.ts";
import type { Clock } from "../src/util/clock.ts";
import { hasMethods, type Mistakes } from "../src/util/option_errors.ts";
import { checkTable } from "../src/util/option_table.ts";
import { ANY, STRING } from "../src/util/shapes.ts";
import { SQLITE } from "./sql/dialect.ts";
import { driverFinder, oncePerClient } from "./sql/find.ts";
import { SqlStore } from "./sql/sql_store.ts";
import type { SweepOptions } from "./sql/sweep.ts";
import { schemaOf, type SqlTableOptions } from "./sql/table.ts";
import { toDriver } from "./sqlite/drivers.ts";
import type {
  LibsqlClientLike,
  SqliteDatabaseLike,
  SqliteLike,
  SqliteStatementLike,
} from "./sqlite/like.ts";

export type {
  LibsqlClientLike,
  SqliteDatabaseLike,
  SqliteLike,
  SqliteStatementLike,
  SqlStore,
  SqlTableOptions,
  SweepOptions,
};

/**
 * Options of {@linkcode SqliteStore}.
 *
 * @example A table of another name
 * ```ts
 * import { SqliteStore, type SqliteStoreOptions } from "@x/hono-session/stores/sqlite";
 * import { DatabaseSync } from "node:sqlite";
 *
 * const options: SqliteStoreOptions = { db: new DatabaseSync(":memory:"), table: "logins" };
 * new SqliteStore(options);
 * ```
 */
export interface SqliteStoreOptions extends SqlTableOptions {
  /**
   * A database: of `node:sqlite`, `bun:sqlite` or `better-sqlite3`, or a client of `@libsql/client`. The
   * application closes it.
   *
   * Or a function that returns it for the Hono context, such as `(c) => c.get("db")`; outside of a request `c`
   * is `undefined`. It is called for each operation, so it must return an open database instead of opening one.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context.
  db: SqliteLike | ((c: any) => Awaitable<SqliteLike>);
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

const STORE = "SqliteStore";

const OPTIONS = storeTable(STORE, {
  shapes: { db: ANY, table: STRING },
  instead: {
    client: "use db: client",
    database: "use db",
    prefix: "use table: applications that share a database have a table each",
    tableName: "use table",
  },
  mistakes: [[
    (value) => typeof value === "object" && value !== null && !!toDriver(value),
    "write { db }",
  ]],
});

/** Common mistakes in the option `db`, and what to do instead. */
const MISTAKEN_DATABASES: Mistakes = [
  [
    (value) => typeof value === "string",
    "it is a path, pass a database: new DatabaseSync(path) of node:sqlite",
  ],
  [(value) => hasMethods(value, "prepare", "batch"), "it is a D1 database, use D1Store"],
  [
    (value) => hasMethods(value, "prepare", "all", "each"),
    "it is a database of the package sqlite3, which does not support promises; use node:sqlite",
  ],
  [
    (value) => hasMethods(value, "select", "insert"),
    "it is a database of Drizzle, pass the one below: db.$client",
  ],
];

/**
 * Keeps sessions in SQLite 3.35 or newer. Every guarantee of the store contract holds, also between processes
 * that share a file. The store is synchronous if the database is.
 *
 * Each operation is one statement; `deleteAll`, and a replacement that leaves a trace, are a short transaction.
 * Use a database in which the app keeps no transaction open while other requests run. The store creates no
 * tables: run the text of {@linkcode SqliteStore.schema} as a migration. Only {@linkcode SqliteStore.sweep}
 * deletes expired sessions.
 *
 * @example Usage
 * ```ts
 * import { SqliteStore } from "@x/hono-session/stores/sqlite";
 * import { assertEquals } from "@std/assert";
 * import { DatabaseSync } from "node:sqlite";
 *
 * const db = new DatabaseSync(":memory:");
 * db.exec(SqliteStore.schema());
 * const store = new SqliteStore({ db });
 * assertEquals(await store.read("unknown"), undefined);
 * ```
 */
export class SqliteStore extends SqlStore {
  /**
   * Creates the store. It does not access the database yet.
   *
   * @param options The database and the table.
   * @throws {TypeError} When an option is unknown or of the wrong kind, `db` is neither a database of a known
   * kind nor a function, or `table` is not a valid name.
   * @throws {RangeError} When `table` is too long.
   */
  constructor(options: SqliteStoreOptions) {
    checkTable(OPTIONS, options);
    super({
      store: STORE,
      dialect: SQLITE,
      options,
      table: OPTIONS,
      schema: SqliteStore.schema,
      find: driverFinder(options.db, {
        store: STORE,
        options: OPTIONS,
        option: "db",
        required: "a database of node:sqlite, bun:sqlite or better-sqlite3, or a client of libSQL",
        mistakes: MISTAKEN_DATABASES,
        // A driver holds prepared statements of its store.
        toDriver: oncePerClient(toDriver),
      }),
    });
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
    return schemaOf(STORE, SQLITE, options);
  }
}
