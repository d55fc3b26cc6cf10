import {
  createSessions,
  type SessionManager,
  type SessionOptions,
  SessionStoreError,
} from "@x/hono-session";
import { assertEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { streamUntilEnded } from "../_support/ended_stream.ts";
import { Gate } from "../_support/gate.ts";
import { inTime } from "../_support/in_time.ts";
import type { Scene, SceneTest } from "./_suite.ts";

interface Data {
  name?: string;
}

interface Process {
  sessions: SessionManager<Data>;
  gate: Gate;
  /** A new client that has logged in. */
  login(name: string): Promise<Client>;
  /** A new client with a session of nobody. */
  visit(path?: string): Promise<Client>;
  request(client: Client, path: string): Promise<Response>;
}

/** An application in a process of its own, which shares nothing but the store. */
function start(scene: Scene, options: SessionOptions<Data> = {}): Process {
  const gate = new Gate();
  const sessions = createSessions<Data>(
    scene.configure({ revokeEverything: { every: 0.05 }, ...options }),
  );
  const app = new Hono()
    .use(sessions.middleware())
    .get("/login/:name", async (c) => {
      const { session } = c.var;
      await session.regenerate();
      session.name = c.req.param("name");
      session.subject = `user:${session.name}`;
      return c.text("ok");
    })
    .get("/visit", (c) => {
      c.var.session.name = "visitor";
      return c.text("ok");
    })
    .get("/visit/twice", async (c) => {
      c.var.session.name = "once";
      await c.var.session.save();
      c.var.session.name = "again";
      return c.text("ok");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("ok");
    })
    .get("/slow/login/:name", async (c) => {
      await gate.pass();
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      return c.text("ok");
    })
    .get("/slow/rename/:name", async (c) => {
      await gate.pass();
      c.var.session.name = c.req.param("name");
      return c.text("ok");
    })
    .get("/ended", (c) => streamUntilEnded(c, c.var.session))
    .get("/me", (c) => c.text(c.var.session.name ?? "nobody"));
  return {
    sessions,
    gate,
    async login(name) {
      const client = new Client(app);
      await client.text(`/login/${name}`);
      return client;
    },
    async visit(path = "/visit") {
      const client = new Client(app);
      await client.text(path);
      return client;
    },
    async request(client, path) {
      return await app.request(path, { headers: { cookie: await client.cookie() } });
    },
  };
}

const names = (clients: Client[]) => Promise.all(clients.map((client) => client.text("/me")));

/** What `revokeEverything()` ends, in every atomic store on the server. */
export function everything(test: SceneTest): void {
  test("revokeEverything() ends the sessions of everybody, and who logs in afterwards is logged in", async (scene) => {
    const { sessions, login, visit } = start(scene);
    const clients = [await login("ada"), await login("bob"), await visit()];
    await sessions.revokeEverything();
    assertEquals(await names(clients), ["nobody", "nobody", "nobody"]);
    const count = async () => scene.watch.capabilities.index ? await sessions.count("user:ada") : 0;
    assertEquals(await count(), 0);
    const next = await login("ada");
    assertEquals(await next.text("/me"), "ada");
    if (scene.watch.capabilities.index) assertEquals(await count(), 1);
    await next.text("/regenerate");
    assertEquals(await next.text("/me"), "ada");
    await sessions.revokeEverything();
    assertEquals([await next.text("/me"), await count()], ["nobody", 0]);
  });

  test("revokeEverything() neither ends nor hides the sessions of another cookie in the same store", async (scene) => {
    if (!scene.watch.capabilities.index) return;
    const { sessions, login } = start(scene);
    await login("ada");
    const admin = createSessions(scene.configure({ contextKey: "admin", cookieName: "admin" }));
    const { sid } = await admin.create({}, { subject: "user:ada" });
    await sessions.revokeEverything();
    const listed = await Array.fromAsync(sessions.list("user:ada"));
    assertEquals(listed.map(({ sid }) => sid), [sid]);
    assertEquals(await sessions.revoke("user:ada", sid), true);
    assertEquals(await sessions.count("user:ada"), 0);
  });

  test("sessions that revokeEverything() has ended are not listed with those of another cookie, and take no place", async (scene) => {
    if (!scene.watch.capabilities.index) return;
    const { sessions, login } = start(scene);
    const admin = createSessions(scene.configure({
      contextKey: "admin",
      cookieName: "admin",
      revokeEverything: { every: 0 },
      maxSessions: { limit: 2, policy: "reject" },
    }));
    await login("ada");
    await login("ada");
    assertEquals(await admin.count("user:ada"), 2);
    await sessions.revokeEverything();
    assertEquals(await admin.count("user:ada"), 0);
    assertEquals(await admin.revokeAll("user:ada"), 0);
    const { sid } = await admin.create({}, { subject: "user:ada" });
    const next = await login("ada");
    assertEquals(await admin.count("user:ada"), 2);
    await admin.revokeEverything();
    const listed = await Array.fromAsync(sessions.list("user:ada"));
    assertEquals(listed.map((one) => one.sid === sid), [false]);
    assertEquals(await next.text("/me"), "ada");
  });

  test("revokeEverything() returns when no other process accepts a session that it ended", async (scene) => {
    const [one, other] = [start(scene), start(scene)];
    const clients = [await one.login("ada"), await other.login("bob")];
    assertEquals(await names(clients), ["ada", "bob"]);
    await one.sessions.revokeEverything();
    assertEquals(await names(clients), ["nobody", "nobody"]);
    assertEquals(await (await other.login("eve")).text("/me"), "eve");
  });

  test("revokeEverything() ends sessions that began before it was turned on", async (scene) => {
    const before = start(scene, { revokeEverything: false });
    const client = await before.login("ada");
    const { sessions, request } = start(scene);
    assertEquals(await (await request(client, "/me")).text(), "ada");
    await sessions.revokeEverything();
    assertEquals(await (await request(client, "/me")).text(), "nobody");
    await assertRejects(() => before.sessions.revokeEverything(), TypeError, "turn it on");
  });

  test("requests in flight revive nothing that revokeEverything() has ended", async (scene) => {
    const interrupted: unknown[] = [];
    const events = { interrupted: (event: unknown) => void interrupted.push(event) };
    const { sessions, gate, login } = start(scene, { events });
    const clients = [await login("ada"), await login("bob")];
    const rename = clients[0]!.fetch("/slow/rename/eve");
    const again = clients[1]!.fetch("/slow/login/eve");
    await gate.arrived(2);
    await sessions.revokeEverything();
    gate.open();
    for (const response of await Promise.all([rename, again])) await response.body?.cancel();
    assertEquals(interrupted.length, 2);
    assertEquals(
      (await names(clients)).filter((name) => name === "ada" || name === "bob"),
      [],
    );
  });

  test("an open stream ends with revokeEverything(), in this process and another", async (scene) => {
    const live = { every: scene.every };
    const [one, other] = [start(scene, { live }), start(scene, { live })];
    const streams = await Promise.all(
      [await one.login("ada"), await other.login("bob")].map((client) => client.fetch("/ended")),
    );
    const texts = Promise.all(streams.map((stream) => stream.text()));
    await one.sessions.revokeEverything();
    assertEquals(await inTime(texts), ["open ended", "open ended"]);
  });

  test("a session that began after an end of everything is written twice by its first request", async (scene) => {
    const conflicts: unknown[] = [];
    const events = { conflict: (event: unknown) => void conflicts.push(event) };
    const { sessions, visit } = start(scene, { events });
    await sessions.revokeEverything();
    const client = await visit("/visit/twice");
    assertEquals([await client.text("/me"), conflicts], ["again", []]);
  });

  test("five calls of revokeEverything() at the same time all end what was there", async (scene) => {
    const { sessions, login } = start(scene);
    const client = await login("ada");
    await Promise.all(Array.from({ length: 5 }, () => sessions.revokeEverything()));
    assertEquals(await client.text("/me"), "nobody");
  });

  test("revokeEverything costs one read per interval, and nothing without a session", async (scene) => {
    const { visit } = start(scene, { revokeEverything: { every: 50 } });
    const client = await visit();
    assertEquals(scene.watch.calls(), ["read", "create"]);
    for (let requests = 0; requests < 3; requests++) await client.text("/me");
    assertEquals(scene.watch.calls(), ["read", "read", "read"]);
  });

  test("a store that fails ends nothing, and accepts nothing, while the generation is unknown", async (scene) => {
    const { sessions, login } = start(scene, { logger: { error() {}, warn() {} } });
    const client = await login("ada");
    await new Promise((resolve) => setTimeout(resolve, 60));
    scene.watch.inject("read", "fail");
    assertEquals((await client.fetch("/me")).status, 503);
    await assertRejects(() => sessions.revokeEverything(), SessionStoreError);
    scene.watch.heal();
    assertEquals(await client.text("/me"), "ada");
    scene.watch.inject("create", "fail");
    await assertRejects(() => sessions.revokeEverything(), SessionStoreError);
    scene.watch.heal();
    assertEquals(await client.text("/me"), "ada");
  });
}
