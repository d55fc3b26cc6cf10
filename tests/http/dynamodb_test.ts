import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { type RunningServer, SERVERS, TABLES, TestClient } from "../_dynamodb.ts";
import { pooled } from "../_pooled.ts";
import { httpSuite } from "./_suite.ts";

for (const { name, ignore, start } of SERVERS) {
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
    open: (clock) => ({
      store: new DynamoDbStore({ document: client.document, tableName: TABLES.plain.name, clock }),
    }),
  });
}
