import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { makeTable, type RunningServer, SERVERS, TestClient } from "../_support/dynamodb.ts";
import { pooled } from "../_support/pooled.ts";
import { httpSuite } from "./_suite.ts";

for (const { name, ignore, hasTransactions, start } of SERVERS) {
  let running: RunningServer;
  let client: TestClient;
  if (!ignore) {
    Deno.test.beforeAll(async () => {
      running = await start();
      client = new TestClient(running.port);
    });
    Deno.test.afterAll(async () => {
      client[Symbol.dispose]();
      await running[Symbol.asyncDispose]();
    });
  }
  httpSuite({
    name: `DynamoDbStore on ${name}`,
    test: pooled({ ignore }),
    isStale: hasTransactions,
    async open(clock) {
      const { document } = client;
      const tableName = await makeTable(client);
      const apart = (clock: () => number) =>
        new DynamoDbStore({ document, tableName, sortKey: "sk", clock });
      return { store: apart(clock), apart };
    },
  });
}
