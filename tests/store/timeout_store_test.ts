import { SessionStoreError, SessionTooLargeError } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TimeoutError } from "../../src/store/time_limit.ts";
import { TimeoutStore } from "../../src/store/timeout_store.ts";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";

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

Deno.test("TimeoutStore forgets the oldest of too many sessions that may be stored although nobody has their token", async () => {
  const map = new MapStore();
  const clock = new FakeClock();
  const lost = { ...makeRecord(clock), subject: "ada", expiresAt: Infinity };
  Object.assign(map, {
    create: () => Promise.reject(new Error("no answer")),
    delete: (key: string) => void deleted.push(key),
    async *list() {
      for (const key of ["0", "1", "1000"]) yield { key, record: { ...lost, sid: key } };
    },
  });
  let deleted: string[] = [];
  const store = new TimeoutStore(map, { timeout: 10_000, clock: clock.now, onError() {} });
  for (let key = 0; key <= 1000; key++) {
    await assertRejects(async () => await store.create(String(key), lost, undefined));
  }
  deleted = [];
  await store.list("ada", {}, undefined);
  assertEquals(deleted, ["1", "1000"]);
});

/** What is told of one operation of a store that can be called off. */
function run<Result>(
  operation: () => PromiseLike<Result>,
  { timeout = 10_000, onError = () => {} }: { timeout?: number; onError?: () => void } = {},
) {
  const failures: SessionStoreError[] = [];
  const aborted: unknown[] = [];
  const map = new MapStore();
  Object.assign(map.capabilities, { abortable: true });
  const store = new TimeoutStore(map, {
    timeout,
    clock: Date.now,
    onError(_operation, error) {
      failures.push(error);
      onError();
    },
  });
  const result = store.run({ operation: "read", c: undefined }, (signal) => {
    signal?.addEventListener("abort", () => aborted.push(signal.reason));
    return operation() as Promise<Result>;
  });
  return { result: Promise.resolve(result), failures, aborted };
}

Deno.test("a result that comes in time is the same, and leaves no timer", async () => {
  const { result, failures, aborted } = run(() => Promise.resolve("value"));
  assertEquals(await result, "value");
  assertEquals([failures, aborted], [[], []]);
});

Deno.test("an operation that fails in time is rejected with an error that is made of its own", async () => {
  const cause = new TypeError("connection lost");
  const { result, failures, aborted } = run(() => Promise.reject(cause));
  const error = await assertRejects(() => result, SessionStoreError);
  assertEquals([error.message, error.cause], ["Cannot read session: the store failed", cause]);
  assertEquals([failures, aborted], [[error], []]);
});

Deno.test("a promise that throws when it is waited for is a failure as well", async () => {
  const cause = new TypeError("no client");
  const { result, failures } = run((): PromiseLike<never> => ({
    then() {
      throw cause;
    },
  }));
  const error = await assertRejects(() => result, SessionStoreError);
  assertEquals([failures, error.cause], [[error], cause]);
});

Deno.test("an operation that does not come in time is rejected and called off", async () => {
  const { result, failures, aborted } = run(() => new Promise(() => {}), { timeout: 20 });
  const error = await assertRejects(() => result, SessionStoreError);
  assertEquals(failures, [error]);
  assert(aborted.length === 1 && aborted[0] instanceof TimeoutError);
  assertEquals(error.cause, aborted[0]);
});

Deno.test("an operation whose error can't be told is rejected nevertheless, and called off", async () => {
  const onError = () => {
    throw new Error("Cannot log it");
  };
  const failing = run(() => Promise.reject(1), { onError });
  await assertRejects(() => failing.result, Error, "Cannot log it");
  const late = run(() => new Promise(() => {}), { timeout: 20, onError });
  await assertRejects(() => late.result, Error, "Cannot log it");
  assertEquals(late.aborted.length, 1);
});

Deno.test("what comes after the time is over is ignored, a failure too", async () => {
  for (const settle of ["resolve", "reject"] as const) {
    const slow = Promise.withResolvers<string>();
    const { result, failures } = run(() => slow.promise, { timeout: 20 });
    await assertRejects(() => result, SessionStoreError);
    slow[settle]("late");
    await slow.promise.catch(() => {});
    assertEquals(failures.length, 1);
  }
});
