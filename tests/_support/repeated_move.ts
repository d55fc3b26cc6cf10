import type { SessionStore } from "@x/hono-session";
import { assertEquals } from "@std/assert";
import type { FakeClock } from "./clock.ts";
import { makeRecord } from "./record.ts";

/** Fails if a store leaves the trace of a move that it does not make: the session was moved before. */
export async function assertLeavesNothing(store: SessionStore, clock: FakeClock): Promise<void> {
  const first = makeRecord(clock);
  const record = makeRecord(clock, { version: 2 });
  const left = makeRecord(clock, { version: 2, trace: "replaced" });
  const move = async () => await store.replace("from", { key: "to", record, left }, first);
  assertEquals(await store.create("from", first), true);
  assertEquals(await move(), true);
  assertEquals(await store.read("from"), left);
  await store.delete("from");
  assertEquals(await move(), false);
  assertEquals(await store.read("from"), undefined);
  assertEquals(await store.read("to"), record);
}
