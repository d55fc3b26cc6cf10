import { assert, assertEquals, assertRejects } from "@std/assert";
import { defaults, seal, unseal } from "iron-webcrypto";
import { type Backend, counting, openBackend, SECRET } from "../../scripts/bench/backends.ts";
import { barsOf } from "../../scripts/bench/bars.ts";
import { chartOf } from "../../scripts/bench/chart.ts";
import { makeData } from "../../scripts/bench/data.ts";
import { bare, floor } from "../../scripts/bench/floors.ts";
import { sealIron, unsealIron } from "../../scripts/bench/iron.ts";
import { LIBRARIES, makeApp, WITHOUT_SESSION } from "../../scripts/bench/libraries.ts";
import { measure, warmUp } from "../../scripts/bench/measure.ts";
import { ours } from "../../scripts/bench/ours.ts";
import { reportOf } from "../../scripts/bench/report.ts";
import type { Results } from "../../scripts/bench/results.ts";
import { cookiesOf, CROWD, verify } from "../../scripts/bench/scenarios.ts";
import { manyName } from "../../scripts/bench/sql.ts";
import { disturbed, quantile, summarize } from "../../scripts/bench/statistics.ts";

const OURS = "@x/hono-session";
const LOCAL = ["sealed", "encrypted", "signed", "map"] as const;

/** Contestants that take as many milliseconds as they are told, by a clock that only they move. */
function contestants(costs: Record<string, (run: number) => number>) {
  let now = 0;
  const order: string[] = [];
  const all = Object.entries(costs).map(([name, cost]) => {
    let runs = 0;
    return {
      name,
      run() {
        order.push(name);
        now += cost(runs++);
      },
    };
  });
  return { all, order, clock: () => now };
}

Deno.test("medians, quartiles and MADs are what they are called", () => {
  assertEquals(quantile([4, 1, 3, 2], 0.5), 2.5);
  assertEquals(summarize([1, 2, 3, 4, 100]), { median: 3, low: 2, high: 4, mad: 1 });
  assertEquals(disturbed([[1, 5], [1, 5.1], [3, 5], [1, 4.9]]), [2]);
  assertEquals(disturbed([[1, 5], [1.1, 5.1], [1.2, 5], [0.9, 4.9]]), []);
});

Deno.test("contestants are measured in turns, each round with another one first", async () => {
  const { all, order, clock } = contestants({ a: () => 1, b: () => 2, c: () => 4 });
  const options = { rounds: 3, slot: 4, inFlight: 1, clock };
  const { rounds, repeated } = await measure(all, options);
  assertEquals(rounds, Array.from({ length: 3 }, () => [1000, 2000, 4000]));
  assertEquals(repeated, 0);
  const turns = order.slice(3 * 5 * 16).filter((name, at, names) => name !== names[at - 1]);
  // The last of a round is the first of the next one but two.
  assertEquals(turns.join(""), "abcbcacab");
});

Deno.test("contestants are warmed up by counts, and do as many operations in a round as they are to do at least", async () => {
  const { all, order, clock } = contestants({ a: () => 1, b: () => 2 });
  await warmUp(all, 100);
  assertEquals(order.filter((name) => name === "a").length, 100);
  assertEquals(order.filter((name) => name === "b").length, 100);
  order.length = 0;
  const options = { rounds: 3, slot: 4, operations: 10, inFlight: 1, clock };
  await measure(all, options);
  assertEquals(order.length, 2 * 5 * 16 + 3 * 2 * 10);
});

Deno.test("a disturbed round is measured once more", async () => {
  // One run in the second round takes a second, and one while it gets warm.
  const slow = [3, 5 * 16 + 4 + 1];
  const { all, clock } = contestants({ a: (run) => slow.includes(run) ? 1000 : 1, b: () => 1 });
  const options = { rounds: 5, slot: 4, inFlight: 1, clock };
  const { rounds, repeated } = await measure(all, options);
  assertEquals(repeated, 1);
  assertEquals(rounds, Array.from({ length: 5 }, () => [1000, 1000]));
});

Deno.test("as many operations are in flight as are asked for", async () => {
  let now = 0;
  let most = 0;
  let flying = 0;
  const run = async () => {
    most = Math.max(most, ++flying);
    await Promise.resolve();
    flying--;
    now++;
  };
  await measure([{ name: "a", run }], {
    ...{ rounds: 1, slot: 16, inFlight: 16 },
    clock: () => now,
  });
  assertEquals(most, 16);
});

Deno.test("data have the size that they are said to have", () => {
  for (const bytes of [200, 2000]) assertEquals(JSON.stringify(makeData(bytes)).length, bytes);
});

for (const storage of LOCAL) {
  Deno.test(`everybody who takes part keeps sessions: ${storage}`, async () => {
    await using backend = await openBackend(storage);
    let count = 0;
    for (const library of LIBRARIES) {
      const setup = await library.setUp(backend);
      if (!setup) continue;
      count++;
      const app = makeApp(setup, 200);
      if (!WITHOUT_SESSION.includes(library)) await verify(app, library.name);
    }
    assert(count > 6, `${count} take part`);
  });

  Deno.test(`the floor opens no cookie that it did not make: ${storage}`, async () => {
    await using backend = await openBackend(storage);
    const app = makeApp((await floor.setUp(backend))!, 200);
    const [cookie] = await cookiesOf(app, 1);
    assertEquals(await status(app, cookie!), 200);
    const at = cookie!.length - 10;
    const forged = cookie!.slice(0, at) + (cookie![at] === "A" ? "B" : "A") + cookie!.slice(at + 1);
    assertEquals(await status(app, forged), 500);
  });
}

/** What is answered to who reads a session, which there has to be. */
async function status(app: ReturnType<typeof makeApp>, cookie: string): Promise<number> {
  app.onError((_, c) => c.text("no session", 500));
  return (await app.request("/read", { headers: { cookie } })).status;
}

Deno.test("the floor keeps hashes of tokens only", async () => {
  const maps: Map<string, unknown>[] = [];
  await using backend = await openBackend("map");
  const watch: Backend["watch"] = (store) => {
    maps.push(store as never);
    return store;
  };
  const app = makeApp((await floor.setUp({ ...backend, watch }))!, 200);
  const [cookie] = await cookiesOf(app, 1);
  const [, token] = /sid=([\w-]{43})$/.exec(cookie!)!;
  assertEquals(maps[0]!.size, 1);
  assert(!maps[0]!.has(token!));
});

Deno.test("the floor of sealed cookies is iron", async () => {
  assertEquals(await unseal(sealIron('{"userId":"42"}', SECRET), SECRET, defaults), {
    userId: "42",
  });
  assertEquals(
    unsealIron(await seal({ userId: "42" }, SECRET, defaults), SECRET),
    '{"userId":"42"}',
  );
});

Deno.test("what keeps no session is found out", async () => {
  await using backend = await openBackend("map");
  const app = makeApp((await bare.setUp(backend))!, 200);
  await assertRejects(() => verify(app, bare.name), Error, "Cannot begin session");
});

Deno.test("calls of stores are counted", async () => {
  await using backend = await openBackend("map");
  let calls = 0;
  const app = makeApp((await ours.setUp(counting(backend, () => calls++)))!, 200);
  const [cookie] = await cookiesOf(app, 1);
  assertEquals(calls, 1);
  await app.request("/read", { headers: { cookie: cookie! } });
  assertEquals(calls, 2);
  await app.request("/untouched");
  assertEquals(calls, 2);
});

Deno.test("bars, tables and the chart tell what was measured", () => {
  const of = (median: number) => ({ median, low: median, high: median, mad: 0 });
  const group = (scenario: string, extras: Record<string, number>, rest = {}) => ({
    ...{ storage: "map" as const, scenario, bytes: 200, inFlight: 1, repeated: 0 },
    results: Object.entries(extras).map(([name, extra]) => ({
      ...{ name, total: of(extra + 1), extra: of(extra) },
    })),
    ...rest,
  });
  const crowd = { storage: "redis" as const, inFlight: CROWD };
  const sqlGroup = (operation: "read" | "write", figures: number[]) => ({
    ...{ client: "pg", operation },
    results: ["raw statement", OURS, manyName(1_000_000)].map((name, at) => ({
      ...{ name, total: of(figures[at]!) },
    })),
  });
  const results: Results = {
    about: { date: "2026-01-01", command: "deno task bench", machine: "a & b", versions: {} },
    runtimes: {
      Deno: {
        inProcess: [
          group("read", { "bare Hono": 0, "floor + promises": 2, [OURS]: 4, "hono-session": 9 }),
          group("read", { "bare Hono": 0, [OURS]: 3, "hono-session": 1 }, crowd),
        ],
        allocations: [{
          ...{ storage: "map", scenario: "read", bytes: 200 },
          allocated: { "bare Hono": 1000, "floor + promises": 5000, [OURS]: 5400 },
        }],
        http: [],
      },
    },
    footprints: [
      { library: OURS, data: 200, atRest: 420, ofSubject: 651, sent: 501, answered: 350 },
      { library: "hono-session", data: 200, atRest: 999, sent: 999, answered: 999 },
    ],
    scale: [{ name: "many sessions instead of few, MapStore", value: 1.2, unit: "x" }],
    sql: [sqlGroup("read", [100, 124, 170]), sqlGroup("write", [200, 241, 250])],
  };
  assertEquals(barsOf(results).map(({ name, reached, ok }) => [name, reached, ok]), [
    ["Deno: map, read / floor + promises", "2.00 x", false],
    ["Deno: map, read / floor + promises, bytes allocated", "1.10 x", true],
    ["Deno: redis, read, 64 in flight / fastest peer", "0.50 x", false],
    ["Redis, at rest beside the data", "220 bytes", true],
    ["Redis, of a subject beside the data", "451 bytes", false],
    ["Redis, sent for a write beside the data", "301 bytes", false],
    ["Redis, answered to a read beside the data", "150 bytes", true],
    ["many sessions instead of few, MapStore", "1.20 x", true],
    ["pg, read / raw statement", "124.0 µs", true],
    ["pg, read, many sessions / few", "1.37 x", false],
    ["pg, write / raw statement", "241.0 µs", false],
    ["pg, write, many sessions / few", "1.04 x", true],
  ]);
  const report = reportOf(results);
  assert(/^@x\/hono-session +4\.0 ±0\.0; 4\.4 kB/m.test(report));
  assert(/^@x\/hono-session +250000\/s/m.test(report), report);
  assert(/ +2\.00 x +NOT MET$/m.test(report));
  assert(/^pg +raw statement +100\.0 ±0\.0 +200\.0 ±0\.0$/m.test(report), report);
  const chart = chartOf(results);
  assert(chart.includes("a &amp; b") && chart.includes(">hono-session</text>"));
});
