import {
  createSessions,
  getSession,
  type SessionEndReason,
  type SessionEvents,
  type SessionManager,
  type SessionOptions,
} from "@x/hono-session";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { Client } from "../_support/client.ts";
import { inTime } from "../_support/in_time.ts";
import type { Scene, SceneTest } from "./_suite.ts";

interface Data {
  note?: string;
}

const ADA = "user:42";

/** One of several machines. */
interface Machine {
  readonly sessions: SessionManager<Data>;
  visitor(): Client;
}

/** An event stream that is open until its session ends. */
class Stream {
  reason: string | undefined;
  readonly #ended: Promise<string>;

  constructor(response: Response) {
    this.#ended = response.text().then((text) => this.reason = text.split("data: ")[2]!.trim());
  }

  /** Why its session is over, when it is. */
  end(): Promise<string> {
    return inTime(this.#ended);
  }
}

function machineOf(scene: Scene, options: SessionOptions<Data> = {}): Machine {
  const sessions = createSessions<Data>(
    scene.configure<Data>({ live: { every: scene.every }, ...options }),
  );
  const app = new Hono()
    .use(sessions.middleware())
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = c.req.query("as") ?? ADA;
      return c.text(c.var.session.sid);
    })
    .get("/note", (c) => {
      c.var.session.note = "noted";
      return c.text("noted");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    })
    .get("/renew", (c) => {
      c.var.session.renew();
      return c.text("renewed");
    })
    .get("/read", (c) => c.text("read"))
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text(c.var.session.ended.reason);
    })
    .get("/events", (c) =>
      streamSSE(c, async (stream) => {
        const { ended } = await getSession(c);
        const isOver = new Promise((resolve) => ended.addEventListener("abort", resolve));
        await stream.writeSSE({ data: "open" });
        await isOver;
        await stream.writeSSE({ data: ended.reason });
      }));
  return { sessions, visitor: () => new Client(app) };
}

async function open(client: Client): Promise<Stream> {
  return new Stream(await client.fetch("/events"));
}

/** Fails unless a session is over for a reason, or for one that is not known: a poll may come before whoever knows it. */
function assertReason(actual: unknown, reason: SessionEndReason): void {
  if (actual !== "ended") assertEquals(actual, reason);
}

/** Waits until a store has been read so many times more. */
async function reads(scene: Scene, times: number): Promise<void> {
  for (let count = 0; count < times;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    count += scene.watch.calls().filter((call) => call === "read").length;
  }
}

/** What every store can do for somebody who waits for the end of a session. */
export function endedSignals(test: SceneTest): void {
  test("a stream ends with the logout in another request", async (scene) => {
    const { visitor } = machineOf(scene);
    const client = visitor();
    await client.text("/note");
    const stream = await open(client);
    assertEquals(await client.text("/logout"), "logout");
    assertReason(await stream.end(), "logout");
  });

  test("a stream ends with the logout on another machine", async (scene) => {
    const client = machineOf(scene).visitor();
    await client.text("/note");
    const lazy = machineOf(scene, { lazy: true }).visitor();
    const headers = { cookie: await client.cookie() };
    const stream = new Stream(await lazy.fetch("/events", { headers }));
    const other = machineOf(scene).visitor();
    await other.fetch("/logout", { headers: { cookie: await client.cookie() } });
    assertReason(await stream.end(), "logout");
  });

  test("a stream ends with the life of its session, as soon as that is read", async (scene) => {
    const client = machineOf(scene, { maxAge: 60 }).visitor();
    await client.text("/note");
    const stream = await open(client);
    scene.clock.advance(59);
    await reads(scene, scene.stateless ? 0 : 2);
    assertEquals(stream.reason, undefined);
    scene.clock.advance(1);
    assertEquals(await stream.end(), "expired");
  });

  test("a stream goes on while the session does, under whatever token", async (scene) => {
    const client = machineOf(scene).visitor();
    await client.text("/note");
    const stream = await open(client);
    for (const path of ["/note", "/regenerate", "/renew", "/regenerate", "/login", "/regenerate"]) {
      await client.text(path);
      await reads(scene, 4);
      assertEquals(stream.reason, undefined, path);
    }
    const cookie = await client.cookie();
    await machineOf(scene).visitor().fetch("/logout", { headers: { cookie } });
    assertReason(await stream.end(), "logout");
  });

  test("a store that fails ends no stream, and says so once per poll", async (scene) => {
    const errors: string[] = [];
    const events: SessionEvents = { storeError: ({ operation }) => errors.push(operation) };
    const { visitor } = machineOf(scene, { events });
    const clients = [visitor(), visitor(), visitor()];
    for (const client of clients) await client.text("/note");
    const streams = await Promise.all(clients.map(open));
    const cookie = await clients[0]!.cookie();
    scene.watch.calls();
    scene.watch.inject("read", "fail");
    await reads(scene, 12);
    assert(errors.length >= 1 && errors.length <= 8, `${errors.length} errors in 12 reads`);
    assertEquals(new Set(errors), new Set(["read"]));
    scene.watch.heal();
    assertEquals(streams.map(({ reason }) => reason), [undefined, undefined, undefined]);
    await machineOf(scene).visitor().fetch("/logout", { headers: { cookie } });
    assertReason(await streams[0]!.end(), "logout");
    assertEquals(streams.map(({ reason }) => reason !== undefined), [true, false, false]);
    for (const client of clients.slice(1)) await client.text("/logout");
    await Promise.all(streams.map((stream) => stream.end()));
  });

  test("a session that is opened outside of the middleware has a signal of its end", async (scene) => {
    const { sessions, visitor } = machineOf(scene);
    const client = visitor();
    await client.text("/note");
    const headers = { cookie: await client.cookie() };
    const session = await sessions.open(new Request("https://app.test/", { headers }));
    const isOver = new Promise((resolve) => session!.ended.addEventListener("abort", resolve));
    assertEquals(session!.ended.aborted, false);
    await machineOf(scene).visitor().fetch("/logout", { headers });
    await inTime(isOver);
    assertReason(session!.ended.reason, "logout");
  });

  test("who asks for the end of a session in a request that is over costs nothing more", async (scene) => {
    const sessions = createSessions<Data>(scene.configure<Data>({ live: { every: scene.every } }));
    const app = new Hono().use(sessions.middleware())
      .get("/note", (c) => {
        c.var.session.note = "noted";
        return c.json(c.var.session.ended.aborted);
      })
      .get("/", (c) => c.json(c.var.session.ended.aborted))
      .get("/events", (c) =>
        streamSSE(c, async (stream) => {
          c.var.session.ended.addEventListener("abort", () => stream.abort());
          await stream.writeSSE({ data: "once" });
        }));
    const client = new Client(app);
    for (const path of ["/note", "/", "/events"]) await client.text(path);
    await (await client.fetch("/events")).body!.cancel();
    await client.fetch("/events", { method: "HEAD" });
    scene.watch.calls();
    await new Promise((resolve) => setTimeout(resolve, scene.every * 5000));
    assertEquals(scene.watch.calls(), []);
  });
}

/** What a store with an index can do as well. */
export function endedSignalsOfOthers(test: SceneTest): void {
  test("a stream ends when its session is revoked, and no other one", async (scene) => {
    for (const where of ["here", "elsewhere"]) {
      const here = machineOf(scene);
      const { sessions } = where === "here" ? here : machineOf(scene);
      const clients = Array.from({ length: 4 }, () => here.visitor());
      const [first, second, third] = clients;
      const sids = [];
      for (const client of [first!, second!, third!]) sids.push(await client.text("/login"));
      await clients[3]!.text("/login?as=user:43");
      const streams = await Promise.all(clients.map(open));
      await sessions.revoke(ADA, sids[0]!);
      assertReason(await streams[0]!.end(), "revoked");
      await sessions.revokeAll(ADA, { except: sids[1]! });
      assertReason(await streams[2]!.end(), "revoked");
      await reads(scene, 12);
      assertEquals(streams.map(({ reason }) => reason !== undefined), [true, false, true, false]);
      await sessions.revokeAll(ADA);
      assertReason(await streams[1]!.end(), "revoked");
      await sessions.revokeAll("user:43");
      assertReason(await streams[3]!.end(), "revoked");
    }
  });

  test("a stream ends when its session makes room for another one", async (scene) => {
    const { visitor } = machineOf(scene, { maxSessions: { limit: 1 } });
    const [first, second] = [visitor(), visitor()];
    await first.text("/login");
    const stream = await open(first);
    scene.clock.advance(1);
    await second.text("/login");
    assertReason(await stream.end(), "evicted");
    const other = await open(second);
    await second.text("/logout");
    assertReason(await other.end(), "logout");
  });
}
