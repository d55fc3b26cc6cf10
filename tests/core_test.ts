import * as main from "@x/hono-session";
import * as core from "@x/hono-session/core";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { Client } from "./_support/client.ts";

const { createSessions, session } = core;

Deno.test("core: session() serves an application that gives its store", async () => {
  const app = new Hono()
    .use(session<{ visits?: number }>({ store: new MapStore() }))
    .get("/", (c) => c.json(c.var.session.visits = (c.var.session.visits ?? 0) + 1));
  const client = new Client(app);
  assertEquals([await client.json("/"), await client.json("/")], [1, 2]);
});

Deno.test("core: it has what the main entry point has", () => {
  assertEquals(Object.keys(core), Object.keys(main));
  const own = ["createSessions", "default", "session"];
  for (const [name, value] of Object.entries(core)) {
    assertEquals(value === Reflect.get(main, name), !own.includes(name), name);
  }
  assertEquals(core.default, core.session);
});

Deno.test("core: there is no default store", () => {
  const message =
    "Cannot build session middleware: option store is not valid: it is missing; pass one, such as " +
    "new MapStore(), or import from @x/hono-session, which has a default";
  for (const make of [session, createSessions]) {
    // @ts-expect-error A store is required.
    assertThrows(() => make(), TypeError, message);
    // @ts-expect-error A store is required.
    assertThrows(() => make({}), TypeError, message);
    // @ts-expect-error A store is required.
    assertThrows(() => make({ store: undefined }), TypeError, message);
    // @ts-expect-error A store is required.
    assertThrows(() => make({ encoder: { encode: () => "", decode() {} } }), TypeError, message);
  }
});
