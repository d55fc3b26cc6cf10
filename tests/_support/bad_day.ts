import { session, type SessionStore } from "@x/hono-session";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "./client.ts";
import type { FakeClock } from "./clock.ts";

/** A visitor of an application whose sessions a page renews. */
export function visit(store: SessionStore, clock: FakeClock): Client {
  const logger = { error() {}, warn() {} };
  const app = new Hono()
    .use(session<{ name?: string }>({ store, clock: clock.now, rolling: true, logger }))
    .get("/read", (c) => c.json(c.var.session))
    .get("/set/:name", (c) => c.text(c.var.session.name = c.req.param("name")))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      return c.text(c.var.session.name = "Eve");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
  return new Client(app);
}

/** Fails unless pages are served, with a renewal that is due, and whatever has to be written is a 503 without a cookie. */
export async function onlyReads(client: Client): Promise<void> {
  const page = await client.fetch("/read");
  assertEquals([page.status, page.headers.getSetCookie()], [200, []]);
  assertEquals(await page.json(), { name: "Ada" });
  for (const path of ["/set/Eve", "/login", "/logout"]) {
    const response = await client.fetch(path);
    await response.text();
    assertEquals([response.status, response.headers.getSetCookie()], [503, []], path);
  }
  assertEquals(await client.json("/read"), { name: "Ada" });
}
