import { SessionStoreError, SessionTooLargeError } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TimeoutStore } from "../../src/store/timeout_store.ts";

function setup(abortable: boolean) {
  const map = new MapStore();
  Object.assign(map.capabilities, { abortable });
  const faulty = new FaultyStore(map);
  const failures: SessionStoreError[] = [];
  const store = new TimeoutStore(faulty, {
    timeout: 20,
    clock: Date.now,
    onError: (_operation, error) => void failures.push(error),
  });
  return { faulty, failures, store };
}

for (const abortable of [true, false]) {
  Deno.test(`TimeoutStore says that the time is over, of a store that ${abortable ? "can" : "can't"} be called off`, async () => {
    const { faulty, failures, store } = setup(abortable);
    faulty.inject("read", "hang");
    const error = await assertRejects(
      async () => await store.read("key", undefined),
      SessionStoreError,
      "Cannot read session: the store did not answer in 0.02 seconds",
    );
    assertEquals(failures, [error]);
  });
}

Deno.test("TimeoutStore leaves errors of sessions as they are, and tells nobody of them", async () => {
  const { faulty, failures, store } = setup(false);
  const error = new SessionTooLargeError("Cannot store session: it is too large", {
    size: 2,
    limit: 1,
  });
  faulty.inject("read", () => Promise.reject(error));
  await assertRejects(async () => await store.read("key", undefined), SessionTooLargeError);
  assertEquals(failures, []);
});

Deno.test("TimeoutStore gives a signal to stores that can be called off, and to no other", async () => {
  for (const abortable of [true, false]) {
    const signals: (AbortSignal | undefined)[] = [];
    const map = new MapStore();
    Object.assign(map.capabilities, { abortable });
    map.read = (...args: unknown[]) => void signals.push(args[2] as AbortSignal | undefined);
    const store = new TimeoutStore(map, { timeout: 20, clock: Date.now, onError() {} });
    await store.read("key", undefined);
    assert(signals[0] instanceof AbortSignal === abortable);
  }
});
