import { D1Store } from "@x/hono-session/stores/d1";
import { storeConformance } from "@x/hono-session/testing";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FakeClock } from "../_support/clock.ts";
import { makeTable, RemoteD1 } from "../_support/d1.ts";
import { pooled } from "../_support/pooled.ts";
import { makeRecord } from "../_support/record.ts";
import { assertLeavesNothing } from "../_support/repeated_move.ts";

const { capabilities } = new D1Store({ database: (c) => c.env.DB });

const database = await RemoteD1.open();
if (database) {
  Deno.test.afterAll(async () => await database.close());

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

  pooled()("D1Store leaves a trace only where a session was moved", async () => {
    const table = await makeTable(database);
    const clock = new FakeClock();
    await assertLeavesNothing(new D1Store({ database, table, clock: clock.now }), clock);
  });

  pooled()(
    "D1Store prints what to run where its tables are missing, finds its database, and sweeps",
    async () => {
      const clock = new FakeClock();
      const store = new D1Store({ database: (c) => c.env.DB, table: "logins", clock: clock.now });
      const c = { env: { DB: database } };
      const record = makeRecord(clock);
      const create = async () => await store.create("key", record, c);
      const { message } = await assertRejects(create, Error, "Cannot use D1Store: its table");
      const schema = D1Store.schema({ table: "logins" });
      assertStringIncludes(message, schema);
      await database.exec(schema);
      await database.exec(schema);
      assertEquals(await create(), true);
      await assertRejects(
        async () => await store.read("key"),
        TypeError,
        "database(c) failed",
      );
      assertEquals(await store.sweep({}, c), 0);
      clock.advance(3600);
      assertEquals(await store.sweep({}, c), 1);
    },
  );
}
