// The races of the HTTP suite, between two processes on one store.
import { assertEquals, assertNotEquals } from "@std/assert";
import { Client } from "../_support/client.ts";
import { pooled } from "../_support/pooled.ts";
import { AppProcess, type Place, PLACES } from "../_support/processes.ts";
import { withSameCookie } from "../_support/same_cookie.ts";

const HALF = 25;

for (const place of PLACES) declareTests(place);

function declareTests({ kind, ignore = false, open }: Place): void {
  let processes: [AppProcess, AppProcess];
  const stack = new AsyncDisposableStack();

  Deno.test.beforeAll(async () => {
    if (ignore) return;
    const { place, close } = await open();
    stack.defer(close);
    const starts = await Promise.allSettled(
      Array.from({ length: 2 }, async () => stack.use(await AppProcess.start(kind, place))),
    );
    processes = starts.map((start) => {
      if (start.status === "rejected") throw start.reason;
      return start.value;
    }) as typeof processes;
  });

  Deno.test.afterAll(() => stack.disposeAsync());

  const declare = pooled({ ignore });

  /** Declares a test with one session in both processes. */
  function test(
    what: string,
    run: (one: Client, other: Client) => Promise<void>,
  ): void {
    declare(`two processes on ${kind}: ${what}`, async () => {
      const one = new Client(processes[0]);
      assertEquals(await one.text("/set/count/0"), "true");
      await run(one, await withSameCookie(one, processes[1]));
    });
  }

  /** Waits until so many requests are held in each process, and lets them go in both at once. */
  async function release(counts: [number, number]): Promise<void> {
    await Promise.all(processes.map((process, index) => process.arrived(counts[index])));
    await Promise.all(processes.map((process) => process.open()));
  }

  test("parallel requests that each set another key leave all keys", async (one, other) => {
    const keys = Array.from({ length: 2 * HALF }, (_, index) => [`key${index}`, index] as const);
    const writers = keys.map(async ([key, value]) => {
      const response = await (value % 2 ? one : other).fetch(`/slow/set/${key}/${value}`);
      return [response.status, await response.text()];
    });
    await release([HALF, HALF]);
    assertEquals(await Promise.all(writers), keys.map(() => [202, "slow"]));
    for (const client of [one, other]) {
      assertEquals(await client.json("/read"), { count: 0, ...Object.fromEntries(keys) });
    }
  });

  test(`${2 * HALF} parallel updates leave ${2 * HALF}`, async (one, other) => {
    const increments = [one, other].flatMap((client) =>
      Array.from({ length: HALF }, () => client.json("/increment"))
    );
    await release([HALF, HALF]);
    const counts = await Promise.all(increments) as number[];
    assertEquals(counts.toSorted((a, b) => a - b), counts.map((_, index) => index + 1));
    for (const client of [one, other]) {
      assertEquals(await client.json("/read"), { count: 2 * HALF });
    }
  });

  for (
    const [path, body] of [
      ["/slow/set/a/1", "slow"],
      ["/slow/flash", "slow"],
      ["/slow/login/Eve", "slow"],
      ["/touching/slow/read", '{"count":0}'],
      ["/rotating/slow/read", '{"count":0}'],
      ["/rotating/slow/set/a/1", "slow"],
    ] as const
  ) {
    test(`a logout in one is not undone by ${path} in the other`, async (one, other) => {
      const before = await processes[1].interrupted();
      const slow = other.fetch(path);
      await processes[1].arrived();
      assertEquals(await one.text("/logout"), "[{},{}]");
      await processes[1].open();
      const response = await slow;
      // A login is not lost in silence.
      const expected = path.includes("/login/") ? [409, "Conflict"] : [202, body];
      assertEquals([response.status, await response.text()], expected);
      assertEquals(response.headers.getSetCookie(), []);
      assertEquals(await other.json("/read"), {});
      assertEquals(await processes[1].interrupted(), before + 1);
    });
  }

  test("a slow logout in one ends what the other has rotated meanwhile", async (one, other) => {
    const slow = one.text("/slow/logout");
    await processes[0].arrived();
    const old = await other.cookie();
    assertEquals(await other.json("/rotating/read"), { count: 0 });
    assertNotEquals(await other.cookie(), old);
    await processes[0].open();
    assertEquals(await slow, "slow");
    for (const client of [one, other]) assertEquals(await client.json("/read"), {});
  });

  test("of two logins at the same time none is lost", async (one, other) => {
    const anonymous = await one.thief();
    const clients = [one, other];
    const logins = clients.map((client, index) => client.fetch(`/slow/login/${index}`));
    await release([1, 1]);
    const responses = await Promise.all(logins);
    for (const response of responses) {
      assertEquals([response.status, await response.text()], [202, "slow"]);
      assertEquals(response.headers.getSetCookie().length, 1);
    }
    const found = await Promise.all(clients.map((client) => client.json("/read"))) as {
      name: string;
      count?: number;
    }[];
    assertEquals(found.map(({ name }) => name), ["0", "1"]);
    assertEquals(found.filter(({ count }) => count === 0).length, 1, "one has moved");
    assertEquals(await anonymous.json("/read"), {});
  });
}
