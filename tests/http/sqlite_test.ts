import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { SQLITE_CLIENTS } from "../_support/sqlite_clients.ts";
import { httpSuite } from "./_suite.ts";

for (const [name, open] of Object.entries(SQLITE_CLIENTS)) {
  httpSuite({
    name: `SqliteStore with ${name}`,
    async open(clock) {
      const { db, execute, close } = await open();
      await execute(SqliteStore.schema());
      const apart = (clock: () => number) => new SqliteStore({ db, clock });
      return { store: apart(clock), apart, close };
    },
  });
}
