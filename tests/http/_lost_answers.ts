import { assertEquals } from "@std/assert";
import { createSessions, type SessionManager } from "@x/hono-session";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import type { Scene, SceneTest } from "./_suite.ts";

const ADA = "user:42";

/** What holds when the answer to a write gets lost, or comes when nobody waits for it any more. */
export function lostAnswers(test: SceneTest): void {
  for (const first of ["without a session", "over an anonymous session"]) {
    test(`a login ${first} whose answer is lost takes no place and can be tried again`, async (scene) => {
      const { sessions, client, watch, operation } = await setup(scene, first);
      watch.inject(operation, "late", 1);
      const failed = await client.fetch("/login");
      assertEquals([failed.status, failed.headers.getSetCookie()], [503, []]);
      await failed.text();
      assertEquals(await sidsOf(sessions), []);
      const login = await client.fetch("/login");
      assertEquals([login.status, await sidsOf(sessions)], [200, [await login.text()]]);
      assertEquals(await client.text("/me"), ADA);
    });

    test(`a login ${first} that arrives when its time is over takes no place`, async (scene) => {
      const { sessions, client, watch, operation } = await setup(scene, first, scene.shortTimeout);
      const held = new Gate();
      watch.inject(operation, () => held.pass(), 1);
      // Some clients keep the process alive by their connection alone.
      const connection = setInterval(() => {}, 1000);
      const failed = await client.fetch("/login");
      clearInterval(connection);
      assertEquals(failed.status, 503);
      await failed.text();
      watch.heal();
      held.open();
      assertEquals(await sidsOf(sessions), []);
      const login = await client.fetch("/login");
      assertEquals([login.status, await sidsOf(sessions)], [200, [await login.text()]]);
      await watch.settled();
    });
  }

  test("a login that save() fails to store can be saved again in the same request", async (scene) => {
    const { sessions, client, watch } = await setup(scene, "without a session");
    watch.inject("create", "late", 1);
    const login = await client.fetch("/login/stubborn");
    assertEquals(login.status, 200);
    assertEquals(await sidsOf(sessions), [await login.text()]);
    assertEquals(await client.text("/me"), ADA);
  });
}

/** The same of rotations, to stores that can rotate. */
export function lostRotations(test: SceneTest): void {
  for (const fault of ["fail", "late"] as const) {
    test(`a rotation whose write is answered by an error (${fault}) leaves one session, which ends with a logout`, async (scene) => {
      const { clock, watch } = scene;
      const { sessions, client } = await setup(scene, "without a session");
      const sid = await client.text("/login");
      clock.advance(60);
      watch.inject("replace", fault, 1);
      await (await client.fetch("/me")).text();
      assertEquals(await sidsOf(sessions), [sid]);
      const thief = await client.thief();
      assertEquals(await client.text("/me"), ADA);
      assertEquals(await client.text("/logout"), "bye");
      assertEquals(await sidsOf(sessions), []);
      assertEquals(await thief.text("/me"), "nobody");
      const login = await client.fetch("/login");
      assertEquals([login.status, await sidsOf(sessions)], [200, [await login.text()]]);
    });
  }
}

async function setup(scene: Scene, first: string, storeTimeout = 60) {
  const { watch } = scene;
  const rotate = scene.atomic ? { rotate: { every: 60 } } : {};
  const sessions = createSessions<{ note?: string }>(scene.configure({
    ...rotate,
    storeTimeout,
    maxSessions: { limit: 1, policy: "reject" as const },
    logger: { error() {}, warn() {} },
  }));
  const app = new Hono()
    .use(sessions.middleware())
    .get("/visit", (c) => {
      c.var.session.note = "visited";
      return c.text("ok");
    })
    .get("/login/stubborn", async (c) => {
      const { session } = c.var;
      session.subject = ADA;
      await session.save().catch(() => session.save());
      return c.text(session.sid);
    })
    .get("/login/:subject?", async (c) => {
      const { session } = c.var;
      await session.regenerate();
      session.subject = c.req.param("subject") ?? ADA;
      return c.text(session.sid);
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .get("/me", (c) => c.text(c.var.session.subject ?? "nobody"));
  const client = new Client(app);
  if (first === "over an anonymous session") await client.text("/visit");
  const operation = first === "over an anonymous session" ? "replace" as const : "create" as const;
  return { sessions, client, watch, operation };
}

async function sidsOf(sessions: SessionManager<{ note?: string }>): Promise<string[]> {
  return (await Array.fromAsync(sessions.list(ADA))).map(({ sid }) => sid);
}
