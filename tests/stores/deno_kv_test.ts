import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FakeClock } from "../_clock.ts";
import { makeRecord } from "../_record.ts";

const { capabilities } = new DenoKvStore();

async function openTemporary() {
  const folder = await Deno.makeTempDir();
  const kv = await Deno.openKv(`${folder}/sessions.kv`);
  const close = async () => {
    try {
      kv.close();
    } catch (error) {
      // The test may have closed it to see it fail.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Deno.remove(folder, { recursive: true });
  };
  return { kv, close };
}

storeConformance({
  name: "DenoKvStore in memory",
  capabilities,
  test: Deno.test,
  open(clock) {
    const store = new DenoKvStore({ path: ":memory:", clock });
    return { store, close: () => store[Symbol.asyncDispose]() };
  },
});

storeConformance({
  name: "DenoKvStore on disk",
  capabilities,
  canFail: true,
  test: Deno.test,
  async open(clock) {
    const { kv, close } = await openTemporary();
    return { store: new DenoKvStore({ kv, clock }), fail: () => kv.close(), close };
  },
});

Deno.test("DenoKvStore holds to the record where Deno KV still shows an expired key", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  await store.create("key", makeRecord(clock, { expiresAt: clock.now() + 1 }));
  clock.advance(1);
  // One real wait, beyond the `expireIn` of 1 ms that the store gave to Deno KV.
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert((await kv.get(["session", "key"])).value !== null, "Deno KV still shows it");
  assertEquals(await store.read("key"), undefined);
});

Deno.test("DenoKvStore gives Deno KV the time to live", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const lives: (number | undefined)[] = [];
  const store = new DenoKvStore({
    clock: clock.now,
    kv: {
      get: (key) => kv.get([...key]),
      getMany: (keys) => kv.getMany(keys.map((key) => [...key])),
      close: () => {},
      atomic() {
        const atomic = kv.atomic();
        const { set } = atomic;
        atomic.set = (key, value, options) => {
          lives.push(options?.expireIn);
          return set.call(atomic, key, value, options);
        };
        return atomic;
      },
    },
  });
  const record = makeRecord(clock);
  await store.create("key", record);
  clock.advance(60);
  const next = { ...record, version: 2 };
  await store.update("key", next, record);
  await store.touch("key", { ...next, expiresAt: clock.now() + 7_200_000.5 }, next);
  assertEquals(lives, [3_600_000, 3_540_000, 7_200_001]);
});

Deno.test("DenoKvStore leaves no part behind when a large record shrinks, moves or ends", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv, clock: clock.now });
  const count = async () => (await Array.fromAsync(kv.list({ prefix: [] }))).length;
  const large = (version: number) =>
    makeRecord(clock, { version, data: JSON.stringify({ text: "ż".repeat(100_000) }) });
  const small = (version: number) => makeRecord(clock, { version });

  await store.create("key", large(1));
  assertEquals(await count(), 5);
  await store.update("key", small(2), large(1));
  assertEquals(await count(), 1);
  await store.update("key", large(3), small(2));
  await store.replace("key", { key: "other", record: large(4) }, large(3));
  assertEquals(await count(), 5);
  assertEquals(await store.read("other"), large(4));
  await store.delete("other");
  assertEquals(await count(), 0);
});

Deno.test("DenoKvStore reads a large record whole while it is written", async () => {
  const clock = new FakeClock();
  const { kv, close } = await openTemporary();
  const store = new DenoKvStore({ kv, clock: clock.now });
  const large = (version: number) =>
    makeRecord(clock, { version, data: JSON.stringify({ text: `${version} `.repeat(60_000) }) });
  await store.create("key", large(1));
  let done = false;
  const writing = (async () => {
    for (let version = 1; version < 30; version++) {
      assert(await store.update("key", large(version + 1), large(version)));
    }
    done = true;
  })();
  let reads = 0;
  while (!done) {
    const record = await store.read("key");
    assertEquals(record, large(record!.version));
    reads++;
  }
  await writing;
  assert(reads > 10);
  await close();
});

Deno.test("DenoKvStore reads a large record whole where several reads are no snapshot", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  const large = (version: number) =>
    makeRecord(clock, { version, data: JSON.stringify({ text: `${version} `.repeat(60_000) }) });
  const writer = new DenoKvStore({ kv, clock: clock.now });
  await writer.create("key", large(1));
  let version = 1;
  const reader = new DenoKvStore({
    clock: clock.now,
    kv: {
      get: (key) => kv.get([...key]),
      atomic: () => kv.atomic(),
      close: () => {},
      async getMany([first, ...rest]) {
        const head = await kv.get([...first!]);
        if (version < 4) assert(await writer.update("key", large(version + 1), large(version++)));
        return [head, ...await kv.getMany(rest.map((key) => [...key]))];
      },
    },
  });
  assertEquals(await reader.read("key"), large(4));
});

Deno.test("DenoKvStore opens one handle, takes a promise of one and closes what it opened", async () => {
  const record = makeRecord(new FakeClock(), { expiresAt: Date.now() + 60_000 });
  const store = new DenoKvStore({ path: ":memory:" });
  await store.create("key", record);
  // Each handle of ":memory:" is a database of its own, so this finds it only through the same handle.
  assertEquals(await store.read("key"), record);
  await store[Symbol.asyncDispose]();
  await assertRejects(async () => await store.read("key"), Error, "closed");

  using kv = await Deno.openKv(":memory:");
  const given = new DenoKvStore({ kv: Promise.resolve(kv) });
  await given.create("key", record);
  await given[Symbol.asyncDispose]();
  assert((await kv.get(["session", "key"])).value !== null, "the given handle stays open");
});

Deno.test("DenoKvStore tries again when the database could not be opened", async () => {
  const folder = await Deno.makeTempDir();
  const store = new DenoKvStore({ path: `${folder}/missing/sessions.kv` });
  await assertRejects(async () => await store.read("key"));
  await Deno.mkdir(`${folder}/missing`);
  assertEquals(await store.read("key"), undefined);
  await store[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("DenoKvStore bears a promise that is rejected and closing twice", async () => {
  const store = new DenoKvStore({ kv: Promise.reject(new Error("unable to open")) });
  await new Promise((resolve) => setTimeout(resolve));
  await assertRejects(async () => await store.read("key"), Error, "unable to open");
  const opened = new DenoKvStore({ path: ":memory:" });
  assertEquals(await opened.read("key"), undefined);
  await opened[Symbol.asyncDispose]();
  await opened[Symbol.asyncDispose]();
});

Deno.test("DenoKvStore refuses kv and path together", async () => {
  using kv = await Deno.openKv(":memory:");
  assertThrows(() => new DenoKvStore({ kv, path: ":memory:" }), TypeError, "exclude each other");
});

Deno.test("DenoKvStore commits again while another process has the file locked", async () => {
  const clock = new FakeClock();
  using kv = await Deno.openKv(":memory:");
  let locked = 0;
  const store = new DenoKvStore({
    clock: clock.now,
    kv: {
      get: (key) => kv.get([...key]),
      getMany: (keys) => kv.getMany(keys.map((key) => [...key])),
      close: () => {},
      atomic() {
        const atomic = kv.atomic();
        const { commit } = atomic;
        atomic.commit = () =>
          locked-- > 0 ? Promise.reject(new TypeError("database is locked")) : commit.call(atomic);
        return atomic;
      },
    },
  });
  const record = makeRecord(clock);
  locked = 2;
  assert(await store.create("key", record));
  locked = 2;
  assert(await store.update("key", { ...record, version: 2 }, record));
  locked = 2;
  await store.delete("key");
  assertEquals(await store.read("key"), undefined);
});
