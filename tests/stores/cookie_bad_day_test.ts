import { session } from "@x/hono-session";
import { Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { COOKIE_STORES } from "../_support/cookie_stores.ts";

for (const [name, make] of Object.entries(COOKIE_STORES)) {
  Deno.test(`${name} with revocations serves pages while nothing can be written there, and refuses what has to be`, async () => {
    const clock = new FakeClock();
    const { now } = clock;
    const backend = new FaultyStore(new MapStore({ clock: now, maxEntries: Infinity }));
    const store = make({ clock: now, revocations: new Revocations(backend) });
    const logger = { error() {}, warn() {} };
    const app = new Hono()
      .use(session<{ name?: string }>({ store, clock: now, rolling: true, logger }))
      .get("/login", (c) => {
        c.var.session.subject = "user:42";
        return c.text(c.var.session.name = "Ada");
      })
      .get("/set", (c) => c.text(c.var.session.name = "Eve"))
      .get("/read", (c) => c.json(c.var.session))
      .get("/logout", (c) => {
        c.var.session.destroy();
        return c.text("bye");
      });
    const client = new Client(app);
    await client.text("/set");
    for (const operation of ["create", "update", "replace", "touch", "delete"] as const) {
      backend.inject(operation, "fail");
    }
    clock.advance(43_200);
    // A renewal of a session without a subject writes nothing there.
    assertEquals(await client.json("/read"), { name: "Eve" });
    assertEquals((await client.fetch("/set")).status, 200);
    for (const path of ["/logout", "/login"]) {
      // Who may write subjects into cookies has no list of them to write to.
      if (path === "/login" && !store.capabilities.index) continue;
      const response = await client.fetch(path);
      assertEquals([response.status, response.headers.getSetCookie()], [503, []], path);
      await response.body?.cancel();
    }
    assertEquals(await client.json("/read"), { name: "Eve" });
  });
}
