import { session, type SessionEnv } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "./_client.ts";
import { Gate } from "./_gate.ts";

interface Data {
  a?: number;
  notice?: string;
}

Deno.test("a value that another request flashes under the same key stays for the next, however often this one saves", async () => {
  const gate = new Gate();
  const app = new Hono<SessionEnv<Data>>()
    .use(session<Data>({ store: new MapStore() }))
    .get("/flash/:value", (c) => {
      c.var.session.flash("notice", c.req.param("value"));
      return c.text("flashed");
    })
    .get("/slow", async (c) => {
      await gate.pass();
      for (const a of [1, 2, 3]) {
        c.var.session.a = a;
        await c.var.session.save();
      }
      return c.json(c.var.session);
    })
    .get("/read", (c) => c.json(c.var.session));
  const client = new Client(app);
  await client.text("/flash/one");
  const slow = client.json("/slow");
  await gate.arrived();
  await client.text("/flash/two");
  gate.open();
  assertEquals(await slow, { a: 3, notice: "one" });
  assertEquals(await client.json("/read"), { a: 3, notice: "two" });
  assertEquals(await client.json("/read"), { a: 3 });
});
