import {
  getSession,
  session,
  type SessionEnv,
  type SessionOptions,
  SessionStoreError,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { Client } from "../_support/client.ts";

interface Data {
  name?: string;
}

const QUIET = { error() {}, warn() {} };

function setup(options: SessionOptions<Data> = {}) {
  const store = new FaultyStore(new MapStore());
  const app = new Hono<SessionEnv<Data>>()
    .use(session<Data>({ store, logger: QUIET, ...options }))
    .get("/login", async (c) => {
      (await getSession<Data>(c)).name = "Ada";
      return c.text("welcome");
    })
    .get("/read", async (c) => c.json(await getSession<Data>(c)))
    .onError((error, c) => {
      const { session } = c.var;
      session.discard();
      assert(session === c.get("session") && session === Reflect.get(c, "session"));
      const page = `${error.message} for ${session.name ?? "nobody"}, ${session.isNew}, ` +
        `${JSON.stringify(session)}, ${c.get("sessionCookie").sameSite}`;
      assertThrows(() => session.flash("name", "Eve"), SessionStoreError, "Cannot change session");
      assertThrows(() => session.name = "Eve", SessionStoreError, "Cannot change session");
      assertThrows(() => c.set("session", null as never), SessionStoreError, "the store is");
      return c.text(page, error instanceof HTTPException ? error.status : 500);
    });
  return { app, store, client: new Client(app) };
}

for (
  const [name, options] of Object.entries<SessionOptions<Data>>({
    "": {},
    ", lazy": { lazy: true },
  })
) {
  Deno.test(`the page of an error reads an empty session where the store failed${name}`, async () => {
    const { client, store } = setup(options);
    await client.text("/login");
    const cookie = await client.cookie();
    store.inject("read", "fail");
    const response = await client.fetch("/read");
    assertEquals(response.status, 503);
    assertEquals(await response.text(), "Service Unavailable for nobody, true, {}, Lax");
    assertEquals(response.headers.getSetCookie(), []);
    store.heal();
    assertEquals(await client.cookie(), cookie);
    assertEquals(await client.json("/read"), { name: "Ada" });
  });
}

Deno.test("a lazy session that could not be loaded is asked for in vain, and read as an empty one", async () => {
  const { app, client, store } = setup({ lazy: true });
  app.get("/catch", async (c) => {
    for (const _ of [1, 2]) await assertRejects(() => getSession(c), HTTPException);
    return c.text(c.var.session.name ?? "nobody");
  });
  await client.text("/login");
  store.inject("read", "fail", 1);
  const response = await client.fetch("/catch");
  assertEquals([response.status, await response.text()], [200, "nobody"]);
  assertEquals(response.headers.getSetCookie(), []);
  assertEquals(await client.json("/read"), { name: "Ada" });
});

Deno.test("a promise of a session that could not be loaded is rejected, and nothing is thrown at once", async () => {
  const { app, client, store } = setup();
  let seen = 0;
  app.onError(async (_, c) => {
    const { session } = c.var;
    const promises = [
      () => session.save(),
      () => session.regenerate(),
      () => session.update("name", () => "Eve"),
    ];
    for (const ask of promises) {
      const asked = ask();
      await assertRejects(() => asked, SessionStoreError, "Cannot change session");
      seen++;
    }
    return c.text("later", 503);
  });
  await client.text("/login");
  store.inject("read", "fail", 1);
  await client.fetch("/read");
  assertEquals(seen, 3);
  assertEquals(await client.json("/read"), { name: "Ada" });
});
