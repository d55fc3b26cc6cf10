import { PostgresStore } from "@x/hono-session/stores/postgres";
import { pooled } from "../_support/pooled.ts";
import { PgBouncer, PostgresServer, skipPgBouncer, skipPostgres } from "../_support/postgres.ts";
import {
  makeTable,
  POSTGRES_CLIENTS,
  type PostgresConnection,
} from "../_support/postgres_clients.ts";
import { httpSuite } from "./_suite.ts";

const ignore = skipPostgres();
const ignoreBouncer = skipPgBouncer();

let server: PostgresServer;
let bouncer: PgBouncer | undefined;
const connections = new Map<string, PostgresConnection>();

Deno.test.beforeAll(async () => {
  if (ignore) return;
  server = await PostgresServer.start();
  for (const [name, connect] of Object.entries(POSTGRES_CLIENTS)) {
    connections.set(name, await connect(server.url));
  }
  if (ignoreBouncer) return;
  bouncer = await PgBouncer.start(server);
  connections.set("pg Pool over PgBouncer", await POSTGRES_CLIENTS["pg Pool"]!(bouncer.url));
});

Deno.test.afterAll(async () => {
  for (const { close } of connections.values()) await close();
  await bouncer?.[Symbol.asyncDispose]();
  await server?.stop();
});

for (const name of [...Object.keys(POSTGRES_CLIENTS), "pg Pool over PgBouncer"]) {
  httpSuite({
    name: `PostgresStore with ${name}`,
    async open(clock) {
      const connection = connections.get(name)!;
      const { sql } = connection;
      const table = await makeTable(connection);
      // A pooler can't listen.
      const listen = name.includes("PgBouncer") ? { listen: false as const } : {};
      const apart = (clock: () => number) => new PostgresStore({ sql, table, clock, ...listen });
      return { store: apart(clock), apart };
    },
    test: pooled({ ignore: name.includes("PgBouncer") ? ignoreBouncer : ignore }),
  });
}
