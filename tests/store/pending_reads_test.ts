import { assert, assertEquals } from "@std/assert";
import { PendingReads } from "../../src/store/pending_reads.ts";

Deno.test("an end waits for the reads of logins under way, however they end", async () => {
  const reads = new PendingReads(1000);
  const [one, two] = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  reads.add("user:42", one.promise);
  reads.add("user:42", two.promise);
  let isOver = false;
  const over = reads.over("user:42")!.then(() => isOver = true);
  assertEquals(reads.over("user:43"), undefined);
  two.reject(new Error("failed"));
  await two.promise.catch(() => {});
  assertEquals(isOver, false);
  one.resolve(1);
  await over;
  assertEquals(reads.over("user:42"), undefined);
});

Deno.test("an end does not wait for ever for a read that never settles, nor do later ones wait at all", async () => {
  const reads = new PendingReads(20);
  const connection = setInterval(() => {}, 1000);
  reads.add("user:42", new Promise(() => {}));
  reads.add("user:42", new Promise(() => {}));
  const start = performance.now();
  await reads.over("user:42");
  assert(performance.now() - start < 1000);
  assertEquals(reads.over("user:42"), undefined);
  clearInterval(connection);
});
