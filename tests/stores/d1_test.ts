import { D1Store } from "@x/hono-session/stores/d1";
import { storeConformance } from "@x/hono-session/testing";
import { makeTable } from "../_support/d1.ts";
import { pooled } from "../_support/pooled.ts";
import { openWorkers } from "../_support/workers.ts";

const { capabilities } = new D1Store({ database: (c) => c.env.DB });

const workers = await openWorkers();
if (workers) {
  const { database } = workers;
  Deno.test.afterAll(async () => await workers[Symbol.asyncDispose]());

  storeConformance({
    name: "D1Store",
    capabilities,
    canFail: true,
    test: pooled(),
    async open(clock) {
      const table = await makeTable(database);
      return {
        store: new D1Store({ database, table, clock }),
        async fail() {
          await database.exec(`DROP TABLE ${table}; DROP TABLE ${table}_subjects`);
        },
      };
    },
  });
}
