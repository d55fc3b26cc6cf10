import { D1Store } from "@x/hono-session/stores/d1";
import { makeTable, RemoteD1 } from "../_support/d1.ts";
import { pooled } from "../_support/pooled.ts";
import { httpSuite } from "./_suite.ts";

const database = await RemoteD1.open();

if (database) {
  Deno.test.afterAll(async () => await database.close());

  httpSuite({
    name: "D1Store",
    test: pooled(),
    async open(clock) {
      const table = await makeTable(database);
      const apart = (clock: () => number) => new D1Store({ database, table, clock });
      return { store: apart(clock), apart };
    },
  });
}
