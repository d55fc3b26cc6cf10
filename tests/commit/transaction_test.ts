import { createSessions, session, SessionEndedError, type SessionEnv } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals, assertRejects } from "@std/assert";
import { type Context, Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  n?: number;
  text?: string;
  other?: string;
}

/** An application with one handler more, and a client that is logged in. */
async function setup(handler: (c: Context<SessionEnv<Data>>) => Promise<unknown>) {
  const interrupted: string[] = [];
  const store = new MapStore();
  const events = { interrupted: ({ sid }: { sid: string }) => void interrupted.push(sid) };
  const app = new Hono<SessionEnv<Data>>()
    .use(session<Data>({ store, events }))
    .get("/login", (c) => {
      Object.assign(c.var.session, { n: 1, text: "first" });
      return c.text("welcome");
    })
    .get("/text/:text", (c) => {
      c.var.session.text = c.req.param("text");
      return c.text("set");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/", async (c) => c.json(await handler(c)));
  const client = new Client(app);
  await client.text("/login");
  return { client, interrupted, store };
}

Deno.test("update() hands on what its function throws, an error of an ended session too, and the session goes on", async () => {
  const { client, interrupted } = await setup(async ({ var: { session } }) => {
    const error = new SessionEndedError("Cannot change session: another one");
    const failing = session.update("n", () => {
      throw error;
    });
    assertEquals(await failing.catch((thrown) => thrown === error), true);
    session.text = "second";
    return await session.update("n", (n = 0) => n + 1);
  });
  assertEquals(await client.json("/"), 2);
  assertEquals(await client.json("/read"), { n: 2, text: "second" });
  assertEquals(interrupted, []);
});

Deno.test("update() commits its key alone: what else is pending waits for the next commit", async () => {
  const { client, store } = await setup(async ({ var: { session } }) => {
    session.other = "dropped";
    session.subject = "user:42";
    session.renew(60);
    await session.update("n", (n = 0) => n + 1);
    const shown = { ...session };
    session.discard();
    return shown;
  });
  assertEquals(await client.json("/"), { n: 2, text: "first", other: "dropped" });
  assertEquals(await client.json("/read"), { n: 2, text: "first" });
  assertEquals(await createSessions({ store }).count("user:42"), 0);
});

Deno.test("update() applies its function to what a faster request has stored, and shows both changes", async () => {
  const gate = new Gate();
  const seen: (string | undefined)[] = [];
  const { client } = await setup(async ({ var: { session } }) => {
    session.other = "mine";
    await gate.pass();
    const text = await session.update("text", (text) => {
      seen.push(text);
      return `${text}!`;
    });
    return { text, shown: session };
  });
  const slow = client.json("/");
  await gate.arrived();
  await client.text("/text/second");
  gate.open();
  assertEquals(await slow, {
    text: "second!",
    shown: { n: 1, text: "second!", other: "mine" },
  });
  assertEquals(seen, ["first", "second"]);
  assertEquals(await client.json("/read"), { n: 1, text: "second!", other: "mine" });
});

Deno.test("update() of a session that was ended meanwhile is rejected, and the session is interrupted", async () => {
  const gate = new Gate();
  const { client, interrupted } = await setup(async ({ var: { session } }) => {
    await gate.pass();
    await assertRejects(
      () => session.update("n", (n = 0) => n + 1),
      SessionEndedError,
      "Cannot update session: it has ended; assign an object or call startSession(c) to start another one",
    );
    return session.isNew;
  });
  const cookie = await client.cookie();
  const slow = client.json("/");
  await gate.arrived();
  await client.fetch("/logout", { headers: { cookie } });
  gate.open();
  assertEquals(await slow, false);
  assertEquals(interrupted.length, 1);
});
