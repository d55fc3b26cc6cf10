/**
 * Sessions in D1, the SQL database of Cloudflare Workers.
 *
 * @example On Cloudflare Workers
 * ```ts
 * import { session } from "@x/hono-session";
 * import { type D1Like, D1Store } from "@x/hono-session/stores/d1";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono<{ Bindings: { DB: D1Like } }>()
 *   .use(session<{ name?: string }>({ store: new D1Store({ database: (c) => c.env.DB }) }))
 *   .get("/", (c) => c.text(`Hello ${c.var.session.name ?? "stranger"}`));
 * // export default app;
 *
 * // A request without a session does not access the database.
 * assertEquals(await (await app.request("/")).text(), "Hello stranger");
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
import { isD1, toDriver } from "./d1/driver.ts";
import type { D1Like, D1StatementLike } from "./d1/like.ts";
import { SQLITE } from "./sql/dialect.ts";
import { driverFinder } from "./sql/find.ts";
import { checkSize } from "./sql/size.ts";
import { SqlStore } from "./sql/sql_store.ts";
import type { SweepOptions } from "./sql/sweep.ts";
import { schemaOf, type SqlTableOptions } from "./sql/table.ts";

export type { D1Like, D1StatementLike, SqlStore, SqlTableOptions, SweepOptions };

/** The largest record, in bytes: a row of D1 has two million, including the key, the subject and the times. */
const MAX_BYTES = 1_990_000;

/**
 * Options of {@linkcode D1Store}.
 *
 * @example A table of another name
 * ```ts
 * import { D1Store, type D1StoreOptions } from "@x/hono-session/stores/d1";
 *
 * const options: D1StoreOptions = { database: (c) => c.env.DB, table: "logins" };
 * new D1Store(options);
 * ```
 */
export interface D1StoreOptions extends SqlTableOptions {
  /**
   * The database, or a function that returns it or a promise of it for the Hono context, because Workers
   * provide bindings per request. The function is called for each operation.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its bindings: `(c) => c.env.DB`.
  database: D1Like | ((c: any) => Awaitable<D1Like>);
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

const STORE = "D1Store";

const OPTIONS = storeTable(STORE, {
  shapes: { database: ANY, table: STRING },
  instead: {
    db: "use database: (c) => c.env.DB",
    prefix: "use table: applications that share a database have a table each",
    tableName: "use table",
  },
  mistakes: [[isD1, "write { database }"]],
});

/** Common mistakes in the option `database`, and what to do instead. */
const MISTAKEN_DATABASES: Mistakes = [
  [(value) => typeof value === "string", "pass the binding itself, not its name: (c) => c.env.DB"],
  [(value) => hasMethods(value, "prepare", "exec") && !isD1(value), "use SqliteStore for it"],
  [(value) => hasMethods(value, "execute", "batch"), "it is a client of libSQL, use SqliteStore"],
  [(value) => hasMethods(value, "get", "put"), "it is a KV namespace, use CloudflareKvStore"],
  [
    (value) => hasMethods(value, "prepare", "getBookmark"),
    "withSession() may read from a replica, pass the binding itself",
  ],
];

/**
 * Keeps sessions in D1. Every guarantee of the store contract holds, also between locations, as long as reads
 * go to the primary: pass the binding itself, not a session of `withSession()`.
 *
 * Each operation is one statement; `deleteAll`, and a replacement that leaves a trace, are a batch. The store
 * creates no tables: put the text of {@linkcode D1Store.schema} into a migration of wrangler. Only
 * {@linkcode D1Store.sweep} deletes expired sessions.
 *
 * @example Usage
 * ```ts
 * import { D1Store } from "@x/hono-session/stores/d1";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new D1Store({ database: (c) => c.env.DB });
 * assertEquals(store.capabilities.atomic, true);
 * ```
 */
export class D1Store extends SqlStore {
  /**
   * Creates the store. It does not access the database yet.
   *
   * @param options The database and the table.
   * @throws {TypeError} When an option is unknown or of the wrong kind, `database` is neither a database nor a
   * function, or `table` is not a valid name.
   * @throws {RangeError} When `table` is too long.
   */
  constructor(options: D1StoreOptions) {
    checkTable(OPTIONS, options);
    super({
      store: STORE,
      dialect: SQLITE,
      options,
      table: OPTIONS,
      schema: D1Store.schema,
      capabilities: { maxBytes: MAX_BYTES },
      assertFits: (record) => checkSize(record, MAX_BYTES),
      find: driverFinder(options.database, {
        store: STORE,
        options: OPTIONS,
        option: "database",
        required: "a D1 database",
        mistakes: MISTAKEN_DATABASES,
        toDriver,
      }),
    });
  }

  /**
   * Returns the text of a migration that creates the tables, if they don't exist.
   *
   * @param options The name of the table.
   * @returns Statements, one per line. They may run again at any time.
   * @throws {TypeError} When `table` is not a valid name.
   * @throws {RangeError} When `table` is too long.
   */
  static schema(options: SqlTableOptions = {}): string {
    // `exec()` of D1 requires each statement on a line.
    return schemaOf(STORE, SQLITE, options).replaceAll(/(?<!;)\n\s*/g, " ");
  }
}
