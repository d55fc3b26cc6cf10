import { MapStore } from "@x/hono-session/stores/map";
import { storeConformance } from "@x/hono-session/testing";
import { assertEquals, assertThrows } from "@std/assert";
import { FakeClock } from "../_clock.ts";
import { makeRecord } from "../_record.ts";

storeConformance({
  name: "MapStore",
  capabilities: { atomic: true, index: false, consistency: "strong" },
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
