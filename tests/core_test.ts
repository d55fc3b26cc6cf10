import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { createSessions, session } from "../src/core.ts";
import { Client } from "./_support/client.ts";

Deno.test("core: session() serves an application that names its store", async () => {
  const app = new Hono()
    .use(session<{ visits?: number }>({ store: new MapStore() }))
    .get("/", (c) => c.json(c.var.session.visits = (c.var.session.visits ?? 0) + 1));
  const client = new Client(app);
  assertEquals([await client.json("/"), await client.json("/")], [1, 2]);
});

Deno.test("core: there is no default store", () => {
  const message = "Cannot build session middleware: option store is not valid: it is missing; " +
    "only the main entry point has a default";
  for (const make of [session, createSessions]) {
    // @ts-expect-error A store is required.
    assertThrows(() => make({}), TypeError, message);
    // @ts-expect-error A store is required.
    assertThrows(() => make({ encoder: { encode: () => "", decode() {} } }), TypeError, message);
  }
});
