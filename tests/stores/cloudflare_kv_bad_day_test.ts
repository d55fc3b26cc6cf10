import { CloudflareKvStore, type KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
import { assert, assertEquals } from "@std/assert";
import { onlyReads, visit } from "../_support/bad_day.ts";
import { FakeClock } from "../_support/clock.ts";
import { pooled } from "../_support/pooled.ts";
import { openWorkers } from "../_support/workers.ts";

const workers = await openWorkers();
if (workers) {
  const { namespace } = workers;
  const test = pooled();
  Deno.test.afterAll(async () => await workers[Symbol.asyncDispose]());

  /** Workers KV whose writes go through a function. */
  const throughPut = (put: (write: () => Promise<void>) => Promise<void>): KvNamespaceLike => ({
    get: (key) => namespace.get(key),
    put: (...args) => put(async () => await namespace.put(...args)),
    delete: (key) => put(async () => await namespace.delete(key)),
  });

  test("CloudflareKvStore serves pages while KV takes no more writes, and goes on afterwards", async () => {
    let isThrottled = false;
    const clock = new FakeClock(Date.now());
    const store = new CloudflareKvStore({
      clock: clock.now,
      prefix: `${crypto.randomUUID()}:`,
      namespace: throughPut((write) =>
        isThrottled ? Promise.reject(new Error("KV PUT failed: 429 Too Many Requests")) : write()
      ),
    });
    const client = visit(store, clock);
    await client.text("/set/Ada");
    clock.advance(43_200);
    isThrottled = true;
    await onlyReads(client);
    isThrottled = false;
    assertEquals(await client.text("/set/Bob"), "Bob");
    await client.text("/logout");
    assertEquals(await client.json("/read"), {});
  });

  test("CloudflareKvStore answers 503 where a write is done and its answer is lost, and the next request sees it", async () => {
    let isLossy = false;
    const clock = new FakeClock(Date.now());
    const store = new CloudflareKvStore({
      clock: clock.now,
      prefix: `${crypto.randomUUID()}:`,
      namespace: throughPut(async (write) => {
        await write();
        if (isLossy) throw new Error("Network connection lost.");
      }),
    });
    const client = visit(store, clock);
    await client.text("/set/Ada");
    isLossy = true;
    const response = await client.fetch("/set/Eve");
    await response.text();
    assertEquals([response.status, response.headers.getSetCookie()], [503, []]);
    assertEquals(await client.json("/read"), { name: "Eve" });
    // What nobody has a token for is reclaimed when it is over.
    const visitor = visit(store, clock);
    const first = await visitor.fetch("/set/Eve");
    await first.text();
    assertEquals([first.status, first.headers.getSetCookie()], [503, []]);
    const { keys } = await namespace.list();
    assert(keys.every(({ expiration }) => expiration !== undefined));
  });
}
