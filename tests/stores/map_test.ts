import { SessionEndedError, type SessionRecord } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { storeConformance } from "@x/hono-session/testing";
import { assertEquals, assertThrows } from "@std/assert";
import { Generations } from "../../stores/map/generations.ts";
import { SubjectIndex } from "../../stores/map/subject_index.ts";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";

storeConformance({
  name: "MapStore",
  capabilities: {
    atomic: true,
    index: true,
    consistency: "strong",
    evicts: true,
    ordered: true,
    watch: true,
    stats: true,
  },
  test: Deno.test,
  open: (clock) => ({ store: new MapStore({ clock }) }),
});

Deno.test("MapStore drops what was written longest ago when it is full", () => {
  const clock = new FakeClock();
  const store = new MapStore({ maxEntries: 3, clock: clock.now });
  for (const key of ["a", "b", "c"]) store.create(key, makeRecord(clock));
  store.touch("a", makeRecord(clock), makeRecord(clock));
  store.create("d", makeRecord(clock));
  assertEquals(store.size, 3);
  assertEquals(["a", "b", "c", "d"].map((key) => store.read(key) !== undefined), [
    true,
    false,
    true,
    true,
  ]);
});

Deno.test("MapStore reclaims expired records without being asked for them", () => {
  const clock = new FakeClock();
  const store = new MapStore({ clock: clock.now });
  for (let index = 0; index < 1000; index++) {
    store.create(`short ${index}`, makeRecord(clock, { expiresAt: clock.now() + 1000 }));
  }
  clock.advance(1);
  for (let index = 0; index < 600; index++) {
    store.create(`long ${index}`, makeRecord(clock));
  }
  assertEquals(store.size, 600);
});

Deno.test("MapStore refuses a maxEntries that is no positive integer", () => {
  for (const maxEntries of [0, -1, 1.5, NaN]) {
    assertThrows(() => new MapStore({ maxEntries }), RangeError, "maxEntries");
  }
});

/** A record of Ada's. */
function makeBound(clock: FakeClock, changes: Partial<SessionRecord> = {}): SessionRecord {
  return makeRecord(clock, { subject: "ada", subjectAt: clock.now(), ...changes });
}

async function keysOf(store: MapStore, subject: string): Promise<string[]> {
  return (await Array.fromAsync(store.list(subject))).map(({ key }) => key);
}

Deno.test("MapStore drops the entry of a session that it drops because it is full", async () => {
  const clock = new FakeClock();
  const store = new MapStore({ maxEntries: 3, clock: clock.now });
  for (const key of ["a", "b", "c"]) store.create(key, makeBound(clock));
  store.create("d", makeRecord(clock));
  assertEquals(await keysOf(store, "ada"), ["b", "c"]);
  store.create("a", makeRecord(clock));
  assertEquals(await keysOf(store, "ada"), ["c"]);
  assertEquals(store.deleteAll("ada", {}), 1);
  assertEquals(store.size, 2);
});

Deno.test("MapStore drops the entry of a session that it reclaims", async () => {
  const clock = new FakeClock();
  const store = new MapStore({ clock: clock.now });
  const expiresAt = clock.now() + 1000;
  for (const key of ["a", "b", "c"]) store.create(key, makeBound(clock, { expiresAt }));
  clock.advance(1);
  for (const key of ["d", "e"]) store.create(key, makeRecord(clock));
  assertEquals(store.size, 2);
  for (const key of ["a", "b", "c"]) store.create(key, makeRecord(clock));
  assertEquals(await keysOf(store, "ada"), []);
});

Deno.test("MapStore reclaims the expired sessions of a subject when they are listed", async () => {
  const clock = new FakeClock();
  const store = new MapStore({ clock: clock.now });
  for (const key of ["a", "b", "c"]) store.create(key, makeBound(clock));
  clock.advance(3600);
  assertEquals(store.size, 3);
  assertEquals(await keysOf(store, "ada"), []);
  assertEquals(store.size, 0);
});

Deno.test("MapStore lists what there is at one moment, however long it takes to go through it", async () => {
  const clock = new FakeClock();
  const store = new MapStore({ clock: clock.now });
  for (const key of ["a", "b"]) store.create(key, makeBound(clock));
  const keys: string[] = [];
  for await (const { key, record } of store.list("ada")) {
    keys.push(key);
    const next = { ...record, version: 2 } as SessionRecord;
    store.replace(key, { key: `${key} moved`, record: next }, record as SessionRecord);
  }
  assertEquals(keys, ["a", "b"]);
  assertEquals(await keysOf(store, "ada"), ["a moved", "b moved"]);
});

Deno.test("SubjectIndex holds nothing of a subject without keys", () => {
  const index = new SubjectIndex();
  index.add(undefined, "anonymous");
  index.delete(undefined, "anonymous");
  index.delete("ada", "unknown");
  assertEquals(index.size, 0);
  for (const key of ["a", "b", "a"]) index.add("ada", key);
  index.add("eve", "c");
  assertEquals([index.size, index.keysOf("ada"), index.keysOf("eve")], [2, ["a", "b"], ["c"]]);
  index.delete("ada", "c");
  index.delete("ada", "a");
  index.delete("eve", "c");
  assertEquals([index.size, index.keysOf("ada"), index.keysOf("eve")], [1, ["b"], []]);
  index.delete("ada", "b");
  assertEquals(index.size, 0);
});

Deno.test("Generations are forgotten a day after they began, and no sooner", () => {
  const clock = new FakeClock();
  const generations = new Generations(clock.now);
  const isBarred = (subject: string): boolean => {
    try {
      generations.assertPresent(makeRecord(clock, { subject }));
      return false;
    } catch (error) {
      if (error instanceof SessionEndedError) return true;
      throw error;
    }
  };
  const hour = 3600;
  generations.raise("ada", {});
  clock.advance(hour);
  generations.raise("bob", {});
  for (let count = 0; count < 1000; count++) generations.raise(`${count}`, {});
  clock.advance(23 * hour - 1);
  generations.raise("cyd", {});
  assertEquals([generations.size, isBarred("ada")], [1003, true]);
  clock.advance(1);
  generations.raise("cyd", {});
  assertEquals([generations.size, isBarred("ada"), isBarred("bob")], [1002, false, true]);
  clock.advance(hour);
  generations.raise("bob", {});
  assertEquals([generations.size, ...["bob", "cyd"].map(isBarred)], [2, true, true]);
  assertEquals(isBarred("dan"), false);
});

Deno.test("MapStore: the traces of new tokens push out no mark of what has ended, and no adopted session", () => {
  const clock = new FakeClock();
  const store = new MapStore({ maxEntries: 3, clock: clock.now });
  const leading = { successor: "sealed", graceUntil: clock.now() } as const;
  store.create("ended", makeRecord(clock, { trace: "ended" }));
  store.create("adopted", makeRecord(clock, { trace: "adopted", ...leading }));
  for (let at = 0; at < 10; at++) {
    store.create(`replaced ${at}`, makeRecord(clock, { trace: "replaced" }));
    store.create(`rotated ${at}`, makeRecord(clock, { trace: "rotated", ...leading }));
  }
  assertEquals(store.read("ended")?.trace, "ended");
  assertEquals(store.read("adopted")?.trace, "adopted");
  assertEquals(store.read("replaced 0"), undefined, "traces are bounded");
  for (let at = 0; at < 10; at++) store.create(`${at}`, makeRecord(clock, { trace: "ended" }));
  assertEquals(store.read("ended"), undefined, "marks are bounded as well");
  store.delete("9");
  assertEquals(store.read("9"), undefined);
});
