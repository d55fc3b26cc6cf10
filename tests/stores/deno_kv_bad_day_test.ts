import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { onlyReads, visit } from "../_support/bad_day.ts";
import { FakeClock } from "../_support/clock.ts";

Deno.test("DenoKvStore serves pages while another program has the file locked, and goes on afterwards", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/sessions.kv`;
  const clock = new FakeClock(Date.now());
  const store = new DenoKvStore({ path, clock: clock.now });
  const client = visit(store, clock);
  await client.text("/set/Ada");
  clock.advance(43_200);
  const other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  await onlyReads(client);
  other.exec("ROLLBACK");
  other.close();
  assertEquals(await client.text("/set/Bob"), "Bob");
  assertEquals(await client.json("/read"), { name: "Bob" });
  await client.text("/logout");
  assertEquals(await client.json("/read"), {});
  await store[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("DenoKvStore keeps sessions where the clock of the process is a year behind", async () => {
  const clock = new FakeClock(Date.now() - 86_400_000 * 365);
  await using store = new DenoKvStore({ path: ":memory:", clock: clock.now });
  const client = visit(store, clock);
  await client.text("/set/Ada");
  assertEquals(await client.json("/read"), { name: "Ada" });
});
