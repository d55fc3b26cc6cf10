import { session } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type ExecutionContext, Hono } from "hono";

/** An execution context whose methods work on itself alone, as those of a runtime do. */
class NativeContext {
  readonly #tasks: Promise<unknown>[] = [];
  readonly props = { tenant: "acme" };
  passed = false;

  waitUntil(task: Promise<unknown>): void {
    this.#tasks.push(task);
  }

  passThroughOnException(): void {
    this.passed = this.#tasks.length > 0;
  }

  async settled(): Promise<unknown[]> {
    return await Promise.all(this.#tasks);
  }
}

for (const isFrozen of [false, true]) {
  Deno.test(`an execution context does what it did, ${isFrozen ? "a frozen one as well" : "and holds what it is given"}`, async () => {
    const context = new NativeContext();
    const given = isFrozen ? frozen(context) : context;
    const app = new Hono().use(session({ store: new MapStore() })).get("/", (c) => {
      const { executionCtx } = c;
      executionCtx.waitUntil(Promise.resolve("done"));
      assertEquals(executionCtx.props, { tenant: "acme" });
      assert("waitUntil" in executionCtx);
      if (isFrozen) return c.text("ok");
      assert(executionCtx instanceof NativeContext);
      executionCtx.passThroughOnException();
      assertEquals([executionCtx.passed, context.passed], [true, true]);
      Object.assign(executionCtx, { custom: 1 });
      return c.text(String(Reflect.get(executionCtx, "custom")));
    });
    const response = await app.request("/", {}, {}, given as ExecutionContext);
    assertEquals(await response.text(), isFrozen ? "ok" : "1");
    assertEquals(await context.settled(), ["done"]);
  });
}

Deno.test("a task that fails is the runtime's to report, and a context without one says so", async () => {
  const context = new NativeContext();
  const app = new Hono().use(session({ store: new MapStore() })).get("/", (c) => {
    c.executionCtx.waitUntil(Promise.reject(new Error("the task failed")));
    return c.text("ok");
  });
  const response = await app.request("/", {}, {}, context as ExecutionContext);
  assertEquals(await response.text(), "ok");
  await assertRejects(() => context.settled(), Error, "the task failed");
  app.onError((error) => new Response(error.message, { status: 500 }));
  assertEquals(await (await app.request("/")).text(), "This context has no ExecutionContext");
});

function frozen(context: NativeContext): ExecutionContext {
  const { props } = context;
  return Object.freeze({
    props,
    waitUntil: (task: Promise<unknown>) => context.waitUntil(task),
    passThroughOnException() {},
  });
}
