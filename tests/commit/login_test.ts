import { createSessions, type SessionOptions } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  note?: string;
}

const ADA = "user:42";

function setup(options: SessionOptions<Data> = {}) {
  const store = new FaultyStore(new MapStore());
  const logger = { error() {}, warn() {} };
  const sessions = createSessions<Data>({ store, logger, ...options });
  const handler = new Gate();
  const app = new Hono()
    .use(sessions.middleware())
    .get("/login", (c) => {
      c.var.session.subject = ADA;
      return c.text("welcome");
    })
    .get("/slow", async (c) => {
      c.var.session.subject = ADA;
      await handler.pass();
      return c.text("welcome");
    })
    .get("/note", (c) => {
      c.var.session.note = "noted";
      return c.text("noted");
    })
    .get("/switch/:subject", (c) => {
      c.var.session.subject = c.req.param("subject");
      c.var.session.subject = ADA;
      return c.text("switched");
    })
    .get("/forget", (c) => {
      c.var.session.subject = ADA;
      c.var.session.subject = undefined;
      c.var.session.note = "nobody's";
      return c.text("forgotten");
    })
    .get("/again", async (c) => {
      const { session } = c.var;
      session.subject = ADA;
      const failed = await session.save().then(() => false, () => true);
      const stillFailed = await session.save().then(() => false, () => true);
      session.subject = ADA;
      await session.save();
      return c.json([failed, stillFailed]);
    })
    .get("/fail", (c) => {
      c.var.session.subject = ADA;
      return c.text("failed", 500);
    })
    .get("/me", (c) => c.text(c.var.session.subject ?? "nobody"));
  return { store, sessions, handler, client: new Client(app) };
}

Deno.test("login: it costs one read beside its write, and only it", async () => {
  const { store, sessions, client } = setup();
  const costs = async (path: string) => {
    store.calls();
    await client.text(path);
    return store.calls();
  };
  assertEquals(await costs("/login"), ["generation", "create"]);
  assertEquals(await costs("/login"), ["read"], "the same subject");
  assertEquals(await costs("/note"), ["read", "update"]);
  assertEquals(await costs("/switch/user:42"), ["read"]);
  assertEquals(await costs("/switch/user:43"), ["read", "generation"], "and back");
  assertEquals((await sessions.revokeAll(ADA), await costs("/login")), [
    "read",
    "generation",
    "create",
  ]);
});

Deno.test("login: what it reads is asked for at once, while the handler runs", async () => {
  const { store, handler, client } = setup();
  const reading = new Gate();
  store.inject("generation", () => reading.pass());
  const answering = client.text("/slow");
  await handler.arrived();
  await reading.arrived();
  assertEquals(store.calls(), ["generation"]);
  handler.open();
  reading.open();
  assertEquals([await answering, store.calls()], ["welcome", ["create"]]);
});

Deno.test("login: one that could not be begun is told where it is stored, and nowhere else", async () => {
  const told: string[] = [];
  const events = {
    storeError: ({ operation }: { operation: string }) => void told.push(operation),
  };
  const { store, client } = setup({ events });
  const answer = async (path: string) => {
    store.inject("generation", "fail", 1);
    const { status, headers } = await client.fetch(path);
    return [status, headers.getSetCookie().length, told.splice(0).length];
  };
  assertEquals(await answer("/login"), [503, 0, 1]);
  assertEquals(await client.text("/me"), "nobody");
  assertEquals(await answer("/fail"), [500, 0, 1]);
  assertEquals(await answer("/forget"), [200, 1, 1]);
  assertEquals(await client.text("/me"), "nobody");
  store.inject("generation", "fail", 1);
  assertEquals(await client.json("/again"), [true, true], "a later read might miss an end");
  assertEquals(await client.text("/me"), ADA);
});
