import { session } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Hono } from "hono";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";

const CLOSED = "Cannot use DenoKvStore: its database is closed, keep it open while the app runs";

/** Runs something and gives what it warned of on the console. */
async function warningsOf(run: () => Promise<void>): Promise<string[]> {
  const { warn } = console;
  const warnings: string[] = [];
  console.warn = (message: string) => warnings.push(message);
  try {
    await run();
  } finally {
    console.warn = warn;
  }
  return warnings;
}

Deno.test("DenoKvStore says that its database is closed, whatever is under way", async () => {
  const clock = new FakeClock();
  const record = makeRecord(clock, { subject: "user:42", subjectAt: clock.now() });
  const kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  await store.create("key", record);
  const operations: Record<string, () => Promise<unknown>> = {
    read: () => store.read("key"),
    create: () => store.create("other", record),
    update: () => store.update("key", { ...record, version: 2 }, record),
    replace: () => store.replace("key", { key: "next", record }, record),
    touch: () => store.touch("key", record, record),
    delete: () => store.delete("key"),
    list: () => Array.fromAsync(store.list("user:42")),
    generation: () => store.generation("user:42"),
    deleteAll: () => store.deleteAll("user:42", {}),
  };
  // The ones have begun when it is closed, the others begin afterwards.
  const runs = [...Array(20).fill(operations.read!), ...Object.values(operations)];
  const begun = Promise.allSettled(runs.map((run) => run()));
  kv.close();
  for (const result of await begun) {
    if (result.status === "rejected") assertEquals(result.reason.message, CLOSED);
  }
  for (const run of Object.values(operations)) await assertRejects(run, Error, CLOSED);
});

Deno.test("DenoKvStore warns once where a store is made for each request", async () => {
  const folder = await Deno.makeTempDir();
  const stores: DenoKvStore[] = [];
  const visit = async () => {
    const store = new DenoKvStore({ path: `${folder}/sessions.kv` });
    stores.push(store);
    const app = new Hono().use(session<{ visits?: number }>({ store })).get("/", (c) => {
      c.var.session.visits = 1;
      return c.text("visited");
    });
    return await app.request("/");
  };
  const warnings = await warningsOf(async () => {
    for (let visits = 0; visits < 30; visits++) assertEquals((await visit()).status, 200);
  });
  assertEquals(warnings.length, 1, warnings.join("\n"));
  assertStringIncludes(warnings[0]!, "DenoKvStore");
  assertStringIncludes(warnings[0]!, "outside of the requests");
  for (const store of stores) await store[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("DenoKvStore warns of no store that is closed before the next one, or is another database", async () => {
  const folder = await Deno.makeTempDir();
  const warnings = await warningsOf(async () => {
    for (let time = 0; time < 30; time++) {
      await using store = new DenoKvStore({ path: `${folder}/sessions.kv` });
      await store.read("key");
    }
    const stores = Array.from(
      { length: 30 },
      (_, at) => new DenoKvStore({ path: `${folder}/${at}` }),
    );
    for (const store of stores) await store.read("key");
    for (const store of stores) await store[Symbol.asyncDispose]();
  });
  assertEquals(warnings, []);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("DenoKvStore takes every prefix with which the longest key fits", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  // Six characters of JSON each, as many as a subject has.
  const subject = "\u0001".repeat(256);
  const key = "k".repeat(43);
  const record = makeRecord(clock, { subject, subjectAt: clock.now(), data: "ż".repeat(40_000) });
  const fits = (prefix: (string | number)[]) => {
    try {
      return new DenoKvStore({ kv, prefix, clock: clock.now });
    } catch (error) {
      assert(error instanceof RangeError, String(error));
      assertStringIncludes(error.message, "option prefix is ");
      return undefined;
    }
  };
  for (const part of ["x", "ż", "\0"]) {
    let longest = 0;
    while (longest < 1000 && fits(["app", 7, part.repeat(longest + 1)])) longest++;
    assert(longest > 100 && longest < 1000, `${longest} characters`);
    const store = fits(["app", 7, part.repeat(longest)])!;
    assertEquals(await store.create(key, record), true);
    assertEquals(await store.deleteAll(subject, {}), 1);
    const larger = ["app", 7, part.repeat(longest + 20), "subject", JSON.stringify(subject), key];
    await assertRejects(() => kv.set(larger, 1), TypeError, "Key too large");
  }
  assertThrows(() => new DenoKvStore({ kv, prefix: "app" as never }), TypeError, '["app"]');
});
