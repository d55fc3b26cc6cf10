import { session, type SessionRecord, type SessionStore } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { hashToken } from "../../src/crypto/store_key.ts";
import { Client } from "../_support/client.ts";

/** Logs in and gives the token. */
async function login(store: SessionStore | Map<string, unknown>): Promise<string> {
  const app = new Hono().use(session<{ name?: string; notes?: string }>({ store })).get(
    "/",
    async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = "Ada";
      c.var.session.notes = "x".repeat(100_000);
      return c.text("welcome");
    },
  );
  const client = new Client(app);
  await client.text("/");
  await client.text("/");
  return (await client.value())!;
}

Deno.test("the token is nowhere in a dump of the store, its hash is the key", async () => {
  const map = new Map<string, SessionRecord>();
  const token = await login(map);
  const dump = JSON.stringify([...map]);
  assert(!dump.includes(token));
  const sessions = [...map].filter(([, { trace }]) => !trace);
  assertEquals(sessions.map(([key]) => key), [await hashToken(token)]);
  const [[, trace] = [], ...more] = [...map].filter(([, { trace }]) => trace);
  const left = JSON.stringify({ key: await hashToken(token) });
  assertEquals([trace?.data, more.length], [left, 0], "where it is, for the server alone");
});

Deno.test("the token is nowhere in a dump of Deno KV nor in its files", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/sessions.kv`;
  const store = new DenoKvStore({ path });
  const token = await login(store);
  await store[Symbol.asyncDispose]();

  const kv = await Deno.openKv(path);
  const entries = await Array.fromAsync(kv.list({ prefix: [] }));
  kv.close();
  const decoder = new TextDecoder("latin1");
  const dump = Deno.inspect(entries, {
    depth: 9,
    strAbbreviateSize: Infinity,
    iterableLimit: Infinity,
  });
  assert(entries.length > 1 && dump.includes(await hashToken(token)));
  assert(!dump.includes(token));
  for await (const file of Deno.readDir(folder)) {
    const text = decoder.decode(await Deno.readFile(`${folder}/${file.name}`));
    assert(!text.includes(token), file.name);
    // The database holds texts as UTF-8 or UTF-16.
    assert(!text.replaceAll("\0", "").includes(token), file.name);
  }
  await Deno.remove(folder, { recursive: true });
});
