import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Client } from "../_support/client.ts";
import type { SceneTest } from "./_suite.ts";

/** What of a session fails, and what asks for it. */
const OUTAGES = {
  read: "/read",
  create: "/set/a/1",
  update: "/set/a/2",
  replace: "/login/Ada",
  delete: "/logout",
} as const;

/** An outage of the store is logged, whatever it hits, unless the application listens for it. */
export function outages(test: SceneTest): void {
  for (const [operation, path] of Object.entries(OUTAGES) as [keyof typeof OUTAGES, string][]) {
    test(`an outage of ${operation} is logged once a minute, with its cause and the way out`, async ({ clock, watch, makeApp }) => {
      const logged: unknown[][] = [];
      const logger = { warn() {}, error: (...line: unknown[]) => logged.push(line) };
      const app = makeApp({ logger, maxAge: 3600 });
      const client = new Client(app);
      if (operation !== "create") await client.text("/set/a/1");
      watch.inject(operation, "fail");
      const fail = async () => {
        const response = await client.fetch(path);
        assertEquals([response.status, response.headers.getSetCookie()], [503, []]);
        await response.body?.cancel();
      };

      await fail();
      const [[message, ...details] = [], ...others] = logged.splice(0);
      assertEquals([details, others], [[], []]);
      assertStringIncludes(`${message}`, `Cannot ${operation} session: the store failed: `);
      assertStringIncludes(`${message}`, "a fault was injected");
      assertStringIncludes(`${message}`, "check that the store exists");

      for (let times = 0; times < 5; times++) await fail();
      assertEquals(logged, []);
      clock.advance(60);
      await fail();
      assertEquals(logged.length, 1);
      assertMatch(`${logged[0]}`, /5 more times/);
      // What works again and then fails anew is the same outage within a minute.
      clock.advance(61);
      await fail();
      assertEquals(logged.length, 2);
      assertEquals(/more times/.test(`${logged[1]}`), false);
    });
  }

  test("an outage is logged of nobody where a listener of storeError is there", async ({ watch, makeApp }) => {
    const logged: unknown[] = [];
    const told: string[] = [];
    const logger = { warn() {}, error: (line: string) => logged.push(line) };
    const events = { storeError: (event: { operation: string }) => told.push(event.operation) };
    const client = new Client(makeApp({ logger, events }));
    await client.text("/set/a/1");
    watch.inject("read", "fail");
    await client.text("/read");
    assertEquals([logged, told], [[], ["read"]]);
  });

  test('an outage is logged with onStoreError: "anonymous" as well, once a minute', async ({ watch, makeApp }) => {
    const logged: unknown[] = [];
    const logger = { warn() {}, error: (line: string) => logged.push(line) };
    const client = new Client(makeApp({ logger, onStoreError: "anonymous" }));
    await client.text("/set/a/1");
    watch.inject("read", "fail");
    for (let times = 0; times < 3; times++) assertEquals(await client.json("/read"), {});
    assertEquals(logged.length, 1);
  });
}
