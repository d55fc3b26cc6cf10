import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { storeConformance } from "@x/hono-session/testing";
import { SQLITE_CLIENTS } from "../_support/sqlite_clients.ts";

const { capabilities } = new SqliteStore({ db: () => Promise.reject() });

for (const [name, open] of Object.entries(SQLITE_CLIENTS)) {
  storeConformance({
    name: `SqliteStore with ${name}`,
    capabilities,
    canFail: true,
    test: Deno.test,
    async open(clock) {
      const { db, execute, close } = await open();
      await execute(SqliteStore.schema());
      return { store: new SqliteStore({ db, clock }), fail: close, close };
    },
  });
}
