import { assertEquals, assertRejects } from "@std/assert";
import { KeyedQueue } from "../../src/util/keyed_queue.ts";
import { Gate } from "../_support/gate.ts";

Deno.test("Queue runs tasks with the same key one after the other, others at once", async () => {
  const queue = new KeyedQueue(60_000);
  const [first, second] = [new Gate(), new Gate()];
  const order: string[] = [];
  const task = (name: string, gate?: Gate) => async () => {
    order.push(`${name} begins`);
    await gate?.pass();
    order.push(`${name} ends`);
    return name;
  };
  const all = Promise.all([
    queue.run("key", task("one", first)),
    queue.run("key", task("two", second)),
    queue.run("key", task("three")),
    queue.run("other", task("other")),
  ]);
  await first.arrived();
  first.open();
  await second.arrived();
  second.open();
  assertEquals(await all, ["one", "two", "three", "other"]);
  assertEquals(order.filter((step) => !step.startsWith("other")), [
    "one begins",
    "one ends",
    "two begins",
    "two ends",
    "three begins",
    "three ends",
  ]);
  assertEquals(order.indexOf("other ends") < order.indexOf("two begins"), true);
});

Deno.test("Queue goes on after a task that failed", async () => {
  const queue = new KeyedQueue(60_000);
  const failing = queue.run("key", () => Promise.reject(new Error("failed")));
  const next = queue.run("key", () => Promise.resolve("went on"));
  await assertRejects(() => failing, Error, "failed");
  assertEquals(await next, "went on");
});

Deno.test("Queue does not wait for ever", async () => {
  const queue = new KeyedQueue(10);
  const gate = new Gate();
  const hanging = queue.run("key", () => gate.pass());
  assertEquals(await queue.run("key", () => Promise.resolve("went on")), "went on");
  gate.open();
  await hanging;
});
