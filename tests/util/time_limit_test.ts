import { assert, assertEquals, assertRejects } from "@std/assert";
import { TimeoutError, withTimeout } from "../../src/util/time_limit.ts";
import { makeTimers } from "../../src/util/timers.ts";

function setup({ timeout = 10_000 } = {}) {
  const timers = makeTimers(timeout);
  const causes: unknown[] = [];
  const late: TimeoutError[] = [];
  const toError = (cause: unknown) => {
    causes.push(cause);
    return new Error("Cannot do it", { cause });
  };
  const onTimeout = (error: TimeoutError) => void late.push(error);
  return { causes, late, limit: { timers, toError, onTimeout } };
}

Deno.test("a promise that comes in time is the same result, and leaves no timer", async () => {
  const { causes, late, limit } = setup();
  assertEquals(await withTimeout(Promise.resolve("value"), limit), "value");
  assertEquals([causes, late], [[], []]);
});

Deno.test("a promise that is rejected in time is rejected with the error that is made of its own", async () => {
  const { causes, late, limit } = setup();
  const cause = new TypeError("connection lost");
  const error = await assertRejects(() => withTimeout(Promise.reject(cause), limit), Error);
  assertEquals(error.message, "Cannot do it");
  assertEquals([causes, late], [[cause], []]);
});

Deno.test("a promise that throws when it is waited for is rejected as well", async () => {
  const { causes, limit } = setup();
  const cause = new TypeError("no client");
  const broken: PromiseLike<never> = {
    then() {
      throw cause;
    },
  };
  await assertRejects(() => withTimeout(broken, limit), Error, "Cannot do it");
  assertEquals(causes, [cause]);
});

Deno.test("a promise that does not come in time is rejected and told to whoever can abort it", async () => {
  const { causes, late, limit } = setup({ timeout: 20 });
  await assertRejects(() => withTimeout(new Promise(() => {}), limit), Error, "Cannot do it");
  assert(late.length === 1 && late[0] instanceof TimeoutError);
  assertEquals(causes, late);
});

Deno.test("a result whose error can't be made is rejected nevertheless, and told to whoever can abort it", async () => {
  const { late, limit } = setup({ timeout: 20 });
  const toError = () => {
    throw new Error("Cannot log it");
  };
  const broken = { ...limit, toError };
  await assertRejects(() => withTimeout(Promise.reject(1), broken), Error, "Cannot log it");
  await assertRejects(() => withTimeout(new Promise(() => {}), broken), Error, "Cannot log it");
  assertEquals(late.length, 1);
});

Deno.test("what comes after the time is over is ignored, a failure too", async () => {
  for (const settle of ["resolve", "reject"] as const) {
    const { causes, limit } = setup({ timeout: 20 });
    const slow = Promise.withResolvers<string>();
    const result = withTimeout(slow.promise, limit);
    await assertRejects(() => result, Error, "Cannot do it");
    slow[settle]("late");
    await slow.promise.catch(() => {});
    assertEquals(causes.length, 1);
  }
});
