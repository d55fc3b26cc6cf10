// JSON objects that differ in the order of their keys alone are the same, wherever that is asked.
import { session, type SessionOptions } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  place?: Record<string, number>;
  note?: string;
}

function setup(options: SessionOptions<Data> = {}) {
  const store = new FaultyStore(new MapStore());
  const gate = new Gate();
  const app = new Hono()
    .use(session<Data>({ store, ...options }))
    .get("/begin", (c) => {
      c.var.session.place = { x: 1, y: 2 };
      c.var.session.meta = { device: "phone", place: { x: 1, y: 2 } };
      c.set("sessionCookie", { priority: "High", partitioned: true });
      return c.text("begun");
    })
    .get("/meta", (c) => {
      c.var.session.meta = { place: { y: 2, x: 1 }, device: "phone" };
      return c.text("same");
    })
    .get("/cookie", (c) => {
      c.set("sessionCookie", { partitioned: true, priority: "High" });
      return c.text("same");
    })
    .get("/move", (c) => {
      c.var.session.place!.x = 3;
      return c.text("moved");
    })
    .get("/slow", async (c) => {
      c.var.session.place = { y: 2, x: 1 };
      c.var.session.note = "slow";
      await gate.pass();
      return c.text("noted");
    })
    .get("/slow/update", async (c) => {
      c.var.session.place = { y: 2, x: 1 };
      await gate.pass();
      return c.json(
        await c.var.session.update("place", (place) => ({ ...place, y: place!.y! + 1 })),
      );
    })
    .get("/slow/stay", async (c) => {
      c.var.session.note = "slow";
      await gate.pass();
      const saving = c.var.session.save();
      c.var.session.place = { y: 2, x: 1 };
      await saving;
      return c.json(c.var.session.place);
    })
    .get("/read", (c) => c.json(c.var.session));
  return { client: new Client(app), gate, store };
}

Deno.test("the order of keys in what lists show and in the cookie is no change", async () => {
  const { client, store } = setup();
  await client.text("/begin");
  store.calls();
  for (const path of ["/meta", "/cookie"]) {
    const response = await client.fetch(path);
    assertEquals([store.calls(), response.headers.getSetCookie()], [["read"], []], path);
  }
});

Deno.test("a request that changes the order of keys alone does not undo the change of another", async () => {
  const { client, gate } = setup();
  await client.text("/begin");
  const slow = client.text("/slow");
  await gate.arrived();
  await client.text("/move");
  gate.open();
  await slow;
  assertEquals(await client.json("/read"), { place: { x: 3, y: 2 }, note: "slow" });
});

Deno.test("update() runs on the fresh value of a key in which the order of keys alone was changed", async () => {
  const { client, gate } = setup();
  await client.text("/begin");
  const slow = client.json("/slow/update");
  await gate.arrived();
  await client.text("/move");
  gate.open();
  assertEquals(await slow, { x: 3, y: 3 });
  assertEquals(await client.json("/read"), { place: { x: 3, y: 3 } });
});

Deno.test("a session shows what another request wrote over a key in which the order of keys alone was changed", async () => {
  const { client, gate } = setup();
  await client.text("/begin");
  const slow = client.json("/slow/stay");
  await gate.arrived();
  await client.text("/move");
  gate.open();
  assertEquals(await slow, { x: 3, y: 2 });
});
