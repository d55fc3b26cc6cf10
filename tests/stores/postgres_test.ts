import { type PostgresClientLike, PostgresStore } from "@x/hono-session/stores/postgres";
import { storeConformance } from "@x/hono-session/testing";
import { assertRejects } from "@std/assert";
import { pooled } from "../_support/pooled.ts";
import { PgBouncer, PostgresServer, skipPgBouncer, skipPostgres } from "../_support/postgres.ts";
import { makeTable, POSTGRES_CLIENTS } from "../_support/postgres_clients.ts";

const ignore = skipPostgres();
const ignoreBouncer = skipPgBouncer();
const test = pooled({ ignore });

let server: PostgresServer;
let bouncer: PgBouncer | undefined;

Deno.test.beforeAll(async () => {
  if (ignore) return;
  server = await PostgresServer.start();
  if (!ignoreBouncer) bouncer = await PgBouncer.start(server);
});

Deno.test.afterAll(async () => {
  await bouncer?.[Symbol.asyncDispose]();
  await server?.stop();
});

const { capabilities } = new PostgresStore({ sql: () => Promise.reject() });

for (const [name, connect] of Object.entries(POSTGRES_CLIENTS)) {
  for (const way of ["", " over PgBouncer"]) {
    storeConformance({
      name: `PostgresStore with ${name}${way}`,
      capabilities,
      canFail: true,
      test: way ? pooled({ ignore: ignoreBouncer }) : test,
      async open(clock) {
        const connection = await connect(way ? bouncer!.url : server.url);
        const { sql } = connection;
        const table = await makeTable(connection);
        // A pooler in transaction mode delivers no notifications.
        const direct = way ? await connect(server.url) : undefined;
        const listen = direct ? { listen: direct.sql } : {};
        const close = async () => {
          await connection.close();
          await direct?.close();
        };
        return { store: new PostgresStore({ sql, table, clock, ...listen }), fail: close, close };
      },
    });
  }
}

const clientsOfOthers: Record<string, object> = {
  "Neon over HTTP": { unsafe: (sql: string) => ({ sql }), query() {}, transaction() {} },
  "pg-promise": { query: () => Promise.resolve([]), connect() {}, oneOrNone() {} },
  "mysql2": { query: () => Promise.resolve([[], []]), getConnection() {} },
};

for (const [name, client] of Object.entries(clientsOfOthers)) {
  Deno.test(`PostgresStore refuses the results of a client of another kind: ${name}`, async () => {
    const store = new PostgresStore({ sql: client as PostgresClientLike });
    const message = "Cannot use PostgresStore: its client returned no rows; " +
      "a client of pg or Bun, or postgres(url), is required";
    await assertRejects(async () => await store.read("key"), Error, message);
    await assertRejects(async () => await store.delete("key"), Error, message);
  });
}
