import { session } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import { COOKIE_STORES } from "../_support/cookie_stores.ts";

/** What nginx has room for by default, and what other headers of a page take. */
const BUDGET = 4096 - 1024;

function makeApp(options: Parameters<typeof session>[0]) {
  return new Hono().use(session<{ notes?: string }>(options as never))
    .get("/notes/:length", (c) => {
      c.var.session.notes = "x".repeat(Number(c.req.param("length")));
      return c.text("set");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
}

function makeLogger() {
  const warnings: string[] = [];
  return { warnings, logger: { error() {}, warn: (message: string) => warnings.push(message) } };
}

for (const [name, make] of Object.entries(COOKIE_STORES)) {
  Deno.test(`${name}: a cookie that nginx may have no room for is warned of once, from the first byte too many`, async () => {
    const { warnings, logger } = makeLogger();
    const store = make({ chunks: 4 });
    const app = makeApp({ store, logger });
    let last = 0;
    for (let length = 1500; warnings.length === 0 && length < 4000; length++) {
      const response = await app.request(`/notes/${length}`);
      last = response.headers.getSetCookie().join("").length;
      assertEquals(warnings.length, last > BUDGET ? 1 : 0, `${last} bytes`);
    }
    assert(last > BUDGET && last < BUDGET + 50, `${last} bytes`);
    assertMatch(
      warnings[0]!,
      new RegExp(`it is ${last} bytes, and nginx answers 502 .* 4096; raise its proxy_buffer_size`),
    );
    await app.request("/notes/9000");
    // Of the same process.
    await makeApp({ store: make(), logger }).request("/notes/2600");
    assertEquals(warnings.length, 1);
  });
}

Deno.test("a session in many cookies, or one that is large on the server, is counted as what is sent", async () => {
  const { warnings, logger } = makeLogger();
  await makeApp({ store: new MapStore(), logger }).request("/notes/100000");
  assertEquals(warnings, []);
  const app = makeApp({ store: COOKIE_STORES.EncryptedCookieStore!({ chunks: 4 }), logger });
  const response = await app.request("/notes/9000");
  const bytes = response.headers.getSetCookie().join("").length;
  assert(bytes > 8192);
  assertEquals(warnings.length, 1);
  assertMatch(warnings[0]!, new RegExp(`it is ${bytes} bytes`));
});
