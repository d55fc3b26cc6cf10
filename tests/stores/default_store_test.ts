import { session, type SessionOptions } from "@x/hono-session";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Hono } from "hono";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";
import { Client } from "../_support/client.ts";

/** Runs something where `Deno.openKv` is another function, or none. */
async function withOpenKv(openKv: unknown, run: () => Promise<void>): Promise<void> {
  const original = Object.getOwnPropertyDescriptor(Deno, "openKv")!;
  Object.defineProperty(Deno, "openKv", { value: openKv, configurable: true });
  try {
    await run();
  } finally {
    Object.defineProperty(Deno, "openKv", original);
  }
}

function setup(options: SessionOptions<{ name?: string }>) {
  const warnings: string[] = [];
  const logger = { error() {}, warn: (message: string) => warnings.push(message) };
  const app = new Hono()
    .use(session<{ name?: string }>({ logger, ...options }))
    .get("/set", (c) => {
      c.var.session.name = "Ada";
      return c.text("set");
    })
    .get("/read", (c) => c.json(c.var.session));
  return { app, client: new Client(app), warnings };
}

Deno.test("session() without a store opens Deno KV once for all, when it is first needed", async () => {
  const kv = await Deno.openKv(":memory:");
  const opened: unknown[][] = [];
  const openKv = (...args: unknown[]) => {
    opened.push(args);
    return Promise.resolve(kv);
  };
  await withOpenKv(openKv, async () => {
    const [one, other] = [setup({}), setup({ contextKey: "session", cookieName: "other" })];
    assertEquals(opened, []);
    await one.client.text("/set");
    await other.client.text("/set");
    assertEquals(await one.client.json("/read"), { name: "Ada" });
    assertEquals(opened, [[undefined]]);
    assertEquals([...one.warnings, ...other.warnings], []);
  });
  assertEquals((await Array.fromAsync(kv.list({ prefix: ["session"] }))).length, 2);
  kv.close();
});

Deno.test("session() without Deno KV seals the cookie, with one warning when there is no secret", async () => {
  await withOpenKv(undefined, async () => {
    const { client, warnings } = setup({});
    assertEquals(warnings.length, 1);
    assertStringIncludes(warnings[0]!, "--unstable-kv");
    assertStringIncludes(warnings[0]!, "random");
    await client.text("/set");
    assertEquals(await client.json("/read"), { name: "Ada" });
    assert((await client.value())!.startsWith("Fe26.2*"));

    const cookie = await client.cookie();
    const restarted = await setup({}).app.request("/read", { headers: { cookie } });
    assertEquals(await restarted.json(), {}, "a random secret ends with its process");
  });
});

Deno.test("session() without Deno KV seals the cookie with the secret", async () => {
  await withOpenKv(undefined, async () => {
    const secret = "a secret of thirty-two characters or more";
    const { client } = setup({ secret });
    await client.text("/set");
    const cookie = await client.cookie();
    const restarted = await setup({ secret }).app.request("/read", { headers: { cookie } });
    assertEquals(await restarted.json(), { name: "Ada" });
  });
});

/** Runs a program where Deno KV is not switched on, and gives the lines that it logs. */
async function runWithoutKv(program: string): Promise<string[]> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--quiet",
      "--no-config",
      `--import-map=${fromFileUrl(new URL("scripts/npm_import_map.json", ROOT))}`,
      `import { session } from "${new URL("mod.ts", ROOT)}";
       import { SealedCookieStore } from "${new URL("stores/cookie.ts", ROOT)}";
       const secret = "a secret of thirty-two characters or more";
       ${program}`,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(stderr);
  assert(success, text);
  return text.split("\n").filter((line) => line !== "");
}

Deno.test("session() with a secret warns on Deno without the flag what a sealed cookie can't do", async () => {
  const warnings = await runWithoutKv("session({ secret });");
  assertEquals(warnings.length, 1, warnings.join("\n"));
  assertStringIncludes(warnings[0]!, "--unstable-kv");
  assertStringIncludes(warnings[0]!, "logout");
});

Deno.test("session() warns of no flag where the sealed cookie is what was asked for", async () => {
  const encoder = "{ encode: (data) => JSON.stringify(data), decode: (text) => JSON.parse(text) }";
  assertEquals(await runWithoutKv("session({ store: new SealedCookieStore({ secret }) });"), []);
  assertEquals(await runWithoutKv(`session({ secret, encoder: ${encoder} });`), []);
  // As on Node, where no flag gives Deno KV.
  assertEquals(await runWithoutKv("delete globalThis.Deno; session({ secret });"), []);
});
