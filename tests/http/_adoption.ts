import { createSessions, type SessionOptions } from "@x/hono-session";
import { assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import type { Scene, SceneTest } from "./_suite.ts";

interface Data {
  name?: string;
  visits?: number;
}

const DAY = 86400;
const GRACE = 30;

/** The cookie that Ada has from the other library. */
const OLD = "old=a-token-of-the-other-library";
const headers = { cookie: OLD };

const CLEARED = "old=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax";

/** What becomes of the sessions of another library, with every store. */
export function adoption(test: SceneTest): void {
  test("the session of another library goes on under a new token, and its cookie is cleared in the same answer", async (scene) => {
    const { app, reads } = setup(scene);
    const client = new Client(app);
    const response = await client.fetch("/read", { headers });
    assertEquals(await response.json(), { name: "Ada" });
    const [ours, theirs, ...more] = response.headers.getSetCookie();
    assertEquals([theirs, more], [CLEARED, []]);
    assertMatch(ours!, /^sid=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    assertEquals(ours!.includes("a-token-of-the-other-library"), false);
    assertEquals(response.headers.get("cache-control"), "no-store");
    assertEquals(await client.json("/read"), { name: "Ada" });
    assertEquals(reads, ["a-token-of-the-other-library"]);
  });

  test("the cookie of another library is read where none of ours opens a session, and costs nobody else anything", async (scene) => {
    const { app, reads } = setup(scene);
    const client = new Client(app);
    await client.text("/visit");
    const both = { cookie: `${await client.cookie()}; ${OLD}` };
    assertEquals(await client.json("/read", { headers: both }), { visits: 1 });
    assertEquals(reads, []);
    scene.watch.calls();
    for (const cookie of ["", "other=1", "old=", "xold=1"]) {
      assertEquals(await (await app.request("/read", { headers: { cookie } })).json(), {});
    }
    assertEquals([reads, scene.watch.calls()], [[], []]);
    const unknown = { cookie: `sid=unknown; ${OLD}` };
    assertEquals(await client.json("/read", { headers: unknown }), { name: "Ada" });
  });

  test("a cookie that the application does not know is an anonymous visitor, and nothing is stored", async (scene) => {
    const { app, rejected } = setup(scene);
    for (const cookie of ["old=unknown", "old=[", `old=${"x".repeat(4097)}`]) {
      const response = await app.request("/read", { headers: { cookie } });
      assertEquals([response.status, await response.json()], [200, {}], cookie.slice(0, 20));
      assertEquals(response.headers.getSetCookie(), []);
    }
    assertEquals(rejected, ["unknown", "unknown", "malformed"]);
    assertEquals(await scene.records(), []);
  });

  test("of several cookies of another library with different values none is read", async (scene) => {
    const { app, reads } = setup(scene);
    for (const cookie of [`${OLD}; old=x`, `old=x; ${OLD}`, `old=x; old=y; ${OLD}`]) {
      assertEquals(await (await app.request("/read", { headers: { cookie } })).json(), {});
    }
    assertEquals(reads, []);
    const twice = await app.request("/read", { headers: { cookie: `${OLD}; ${OLD}` } });
    assertEquals(await twice.json(), { name: "Ada" });
  });

  test("an adopted session ends with the one it was, however often it is renewed", async (scene) => {
    const { clock } = scene;
    const expiresAt = () => new Date(clock.now() + 5000_000);
    const { app } = setup(scene, { maxAge: 1000, rolling: true }, expiresAt);
    const client = new Client(app);
    await client.text("/read", { headers });
    for (const seconds of [900, 900, 900, 900, 900, 499]) {
      clock.advance(seconds);
      assertEquals(await client.json("/read"), { name: "Ada" });
    }
    const cookie = await client.cookie();
    clock.advance(1);
    assertEquals(await client.json("/read", { headers: { cookie } }), {});
    const late = setup(scene, {}, () => new Date(clock.now()));
    const response = await late.app.request("/read", { headers: { cookie: "old=another" } });
    assertEquals([await response.json(), late.rejected], [{}, ["expired"]]);
  });

  test("after `until` the cookie of another library is nothing", async (scene) => {
    const { app, reads } = setup(scene);
    scene.clock.advance(30 * DAY - 1);
    const response = await app.request("/read", { headers: { cookie: "old=another" } });
    assertEquals(await response.json(), { name: "Ada" });
    scene.clock.advance(1);
    for (const cookie of ["old=another", OLD]) {
      assertEquals(await (await app.request("/read", { headers: { cookie } })).json(), {});
    }
    assertEquals(reads, ["another"]);
  });

  test("a logout also ends the session of a cookie of another library that came with it, adopted or not", async (scene) => {
    if (scene.stateless) return;
    for (const isAdopted of [false, true]) {
      const { app, reads } = setup(scene);
      const headers = { cookie: `old=${isAdopted}` };
      const [client, other] = [new Client(app), new Client(app)];
      if (isAdopted) assertEquals(await other.json("/read", { headers }), { name: "Ada" });
      await client.text("/visit");
      const both = { cookie: `${await client.cookie()}; ${headers.cookie}` };
      assertEquals(await client.json("/read", { headers: both }), { visits: 1 });
      await client.text("/logout", { headers: both });
      // The browser may keep it, as its scope is another one.
      assertEquals(await (await app.request("/read", { headers })).json(), {});
      assertEquals([await other.json("/read"), reads], [{}, [String(isAdopted)]]);
    }
  });

  test("a logout stores nothing for a cookie of another library that the application does not know", async (scene) => {
    const { app } = setup(scene);
    const client = new Client(app);
    await client.text("/visit");
    const headers = { cookie: `${await client.cookie()}; old=unknown` };
    scene.watch.calls();
    await client.text("/logout", { headers });
    assertEquals(scene.watch.calls().filter((call) => call === "create"), []);
  });

  test("a logout clears both cookies, and the old one does not undo it", async (scene) => {
    const { app, rejected } = setup(scene);
    const client = new Client(app);
    await client.text("/read", { headers });
    const thief = await client.thief();
    const both = { cookie: `${await client.cookie()}; ${OLD}` };
    const response = await client.fetch("/logout", { headers: both });
    assertEquals(response.headers.getSetCookie(), [
      "sid=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
      CLEARED,
    ]);
    await response.text();
    if (!scene.revocable) return;
    const days = scene.stateless ? [0] : [0, 1, 28];
    for (const day of days) {
      scene.clock.advance(day * DAY);
      assertEquals(await thief.json("/read", { headers }), {});
    }
    assertEquals(new Set(rejected), new Set(["unknown"]));
  });

  test("a login over the old cookie is another session, and both cookies change", async (scene) => {
    const { app } = setup(scene);
    const client = new Client(app);
    const response = await client.fetch("/login/Bob", { headers });
    await response.text();
    assertEquals(response.headers.getSetCookie().length, 2);
    assertEquals(response.headers.getSetCookie()[1], CLEARED);
    assertEquals(await client.json("/read"), { name: "Bob" });
    const fresh = await new Client(app).fetch("/login/Cid", { headers: { cookie: "old=unknown" } });
    assertEquals(fresh.headers.getSetCookie().length, 2, "one that is not accepted goes as well");
    await fresh.text();
    if (!scene.revocable) return;
    assertEquals(await client.json("/read", { headers }), {});
  });

  test("a failing store of the other library is a 503 or an anonymous visitor, as onStoreError says", async (scene) => {
    const failures: string[] = [];
    const events = {
      storeError: ({ operation, error }: { operation: string; error: Error }) =>
        void failures.push(`${operation}: ${error.message}`),
    };
    const { app } = setup(scene, { events });
    const failing = { headers: { cookie: "old=fail" } };
    assertEquals((await app.request("/read", failing)).status, 503);
    const lenient = setup(scene, { events, onStoreError: "anonymous" });
    assertEquals(await (await lenient.app.request("/read", failing)).json(), {});
    const [first, second, ...more] = failures;
    assertEquals([first, more], [second, []]);
    assertEquals(first, "adopt: Cannot adopt session: option adopt.read failed");
    assertEquals(await (await app.request("/read", { headers })).json(), { name: "Ada" });
  });

  test("what is read and does not fit the schema is an anonymous visitor, and nothing is stored", async (scene) => {
    const schema = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: () => ({ issues: [{ message: "no" }] }),
      },
    };
    const { app, rejected } = setup(scene, { schema });
    const response = await app.request("/read", { headers });
    assertEquals([await response.json(), response.headers.getSetCookie()], [{}, []]);
    assertEquals([rejected, await scene.records()], [["invalid"], []]);
  });

  test("open() adopts as well, and leaves the cookie to the next answer", async (scene) => {
    const { app, sessions } = setup(scene);
    const request = new Request("https://app.test/socket", { headers });
    const opened = await sessions.open(request);
    assertEquals(opened?.toJSON(), { name: "Ada" });
    const client = new Client(app);
    assertEquals(await client.text("/sid", { headers }), opened?.sid);
    assertEquals(await client.json("/read"), { name: "Ada" });
  });

  test("an upgrade adopts without a cookie, and the next answer sends it", async (scene) => {
    const warned: string[] = [];
    const logger = { error() {}, warn: (line: string) => void warned.push(line) };
    const { app } = setup(scene, { logger });
    const upgrade = { headers: { ...headers, connection: "upgrade", upgrade: "websocket" } };
    const first = await app.request("/read", upgrade);
    assertEquals([await first.json(), first.headers.getSetCookie()], [{ name: "Ada" }, []]);
    const client = new Client(app);
    await client.text("/read", { headers });
    assertEquals(await client.json("/read"), { name: "Ada" });
    assertEquals(warned, []);
  });
}

/** The same where a store keeps the sessions and compares before it writes. */
export function onlyAdoption(test: SceneTest): void {
  test("requests that come at the same time get one session and the same cookie, in all processes", async (scene) => {
    const created: string[] = [];
    const events = { created: ({ sid }: { sid: string }) => void created.push(sid) };
    const apps = [setup(scene, { events }), setup(scene, { events })];
    const responses = await Promise.all(
      Array.from({ length: 12 }, (_, at) => apps[at % 2]!.app.request("/sid", { headers })),
    );
    const sids = new Set<string>();
    const cookies = new Set<string>();
    for (const response of responses) {
      assertEquals(response.status, 200);
      sids.add(await response.text());
      cookies.add(response.headers.getSetCookie()[0]!.split(";")[0]!);
    }
    assertEquals([sids.size, cookies.size, created], [1, 1, [...sids]]);
    assertEquals(apps.map(({ reads }) => reads.length <= 1), [true, true]);
    const [cookie] = cookies;
    const again = await apps[1]!.app.request("/sid", { headers: { cookie: cookie! } });
    assertEquals(await again.text(), created[0]);
  });

  test("an answer that gets lost logs nobody out: the old cookie is accepted until the new one has come back, and a grace more", async (scene) => {
    const { clock } = scene;
    const { app, rejected, reads } = setup(scene);
    const lost = await app.request("/visit", { headers });
    const sid = await lost.text();
    clock.advance(DAY / 2);
    const client = new Client(app);
    assertEquals(await client.json("/read", { headers }), { name: "Ada", visits: 1 });
    assertEquals(await client.text("/sid"), sid);
    clock.advance(GRACE - 1);
    assertEquals(await (await app.request("/sid", { headers })).text(), sid);
    clock.advance(1);
    assertEquals(await (await app.request("/read", { headers })).json(), {});
    assertEquals(rejected, ["reuse"]);
    clock.advance(DAY);
    assertEquals(await (await app.request("/read", { headers })).json(), {});
    assertEquals(reads.length, 1);
    assertEquals(rejected, ["reuse", "unknown"], "its session has expired");
  });

  test("a session that is renewed is still found by the old cookie, and stays adopted", async (scene) => {
    const { clock } = scene;
    const { app, reads } = setup(scene, { maxAge: 1000, rolling: true });
    for (let times = 0; times < 5; times++) {
      assertEquals(await (await app.request("/read", { headers })).json(), { name: "Ada" });
      clock.advance(900);
    }
    clock.advance(1000);
    assertEquals(await (await app.request("/read", { headers })).json(), {});
    assertEquals(reads.length, 1);
  });

  test("all sessions of everybody that are ended are not adopted later, whether they were before or not", async (scene) => {
    const { app, sessions } = setup(scene, { revokeEverything: { every: 0 } });
    const client = new Client(app);
    await client.text("/read", { headers });
    await sessions.revokeEverything();
    for (const cookie of [OLD, "old=another"]) {
      assertEquals(await client.json("/read", { headers: { cookie } }), {});
    }
    await sessions.revokeEverything();
    assertEquals(await client.json("/read", { headers: { cookie: "old=another" } }), {});
    assertEquals(await client.json("/login/Ada"), { name: "Ada" });
    assertEquals(await client.json("/read"), { name: "Ada" });
  });

  for (const operation of ["read", "create", "replace"] as const) {
    for (const fault of ["fail", ...(operation === "read" ? [] : ["late" as const])] as const) {
      test(`an adoption whose ${operation} is answered by an error (${fault}) is done by the next request`, async (scene) => {
        const { app, sessions } = setup(scene, { logger: { error() {}, warn() {} } });
        scene.watch.inject(operation, fault, 1);
        const failed = await app.request("/read", { headers });
        assertEquals([failed.status, failed.headers.getSetCookie()], [503, []]);
        await failed.text();
        const client = new Client(app);
        assertEquals(await client.json("/read", { headers }), { name: "Ada" });
        assertEquals(await client.json("/read"), { name: "Ada" });
        if (!scene.watch.list) return;
        const listed = await Array.fromAsync(sessions.list("user:ada"));
        assertEquals(listed.map(({ sid }) => sid), [await client.text("/sid")]);
      });
    }
  }
}

/** The same where the store lists the sessions of a subject. */
export function adoptionOfSubjects(test: SceneTest): void {
  test("all sessions of a subject that are ended are not adopted later", async (scene) => {
    const { app, sessions, rejected } = setup(scene);
    const client = new Client(app);
    await client.text("/read", { headers });
    await sessions.revokeAll("user:ada");
    for (const cookie of [OLD, "old=another"]) {
      assertEquals(await client.json("/read", { headers: { cookie } }), {});
      scene.clock.advance(2 * DAY);
    }
    assertEquals(rejected, ["unknown", "unknown"]);
    assertEquals(await client.json("/login/Ada"), { name: "Ada" });
    assertEquals(await client.json("/read"), { name: "Ada" }, "a login is a login");
  });

  for (const policy of ["evict-oldest", "reject"] as const) {
    test(`an adoption whose look at the limit fails (${policy}) is done by the next request`, async (scene) => {
      const logger = { error() {}, warn() {} };
      const { app, sessions } = setup(scene, { maxSessions: { limit: 1, policy }, logger });
      let count = 0;
      // The first look is before anything is stored.
      scene.watch.inject("list", () => count++ ? Promise.reject(new Error("no route")) : undefined);
      assertEquals((await app.request("/read", { headers })).status, 503);
      scene.watch.heal();
      const client = new Client(app);
      assertEquals(await client.json("/read", { headers }), { name: "Ada" });
      assertEquals(await client.json("/read"), { name: "Ada" });
      assertEquals(await sessions.count("user:ada"), 1);
    });
  }

  test("all sessions of a subject that are ended are not adopted where `until` comes later, by a minute", async (scene) => {
    const { app, rejected } = setup(scene);
    const { sessions } = setup(scene, { ahead: 60 });
    scene.clock.advance(30 * DAY - 1);
    await sessions.revokeAll("user:ada");
    assertEquals(await (await app.request("/read", { headers })).json(), {});
    assertEquals(rejected, ["unknown"]);
  });

  test("an adopted session counts like a login where a subject may have so many", async (scene) => {
    const { app, sessions } = setup(scene, { maxSessions: { limit: 1 } });
    const first = new Client(app);
    await first.text("/read", { headers });
    const second = new Client(app);
    assertEquals(await second.json("/read", { headers: { cookie: "old=another" } }), {
      name: "Ada",
    });
    assertEquals([await first.json("/read"), await second.json("/read")], [{}, { name: "Ada" }]);
    assertEquals(await sessions.count("user:ada"), 1);
    const { app: strict } = setup(scene, { maxSessions: { limit: 1, policy: "reject" } });
    const third = await strict.request("/read", { headers: { cookie: "old=third" } });
    assertEquals([third.status, await third.json()], [200, {}]);
    assertEquals(await second.json("/read"), { name: "Ada" });
  });
}

function setup(
  scene: Scene,
  { events, ahead = 0, ...options }: SessionOptions<Data> & { ahead?: number } = {},
  expiresAt: () => Date | undefined = () => undefined,
) {
  const reads: string[] = [];
  const rejected: string[] = [];
  const sessions = createSessions<Data>(scene.configureApart<Data>(ahead, {
    adopt: {
      cookie: "old",
      until: new Date(scene.clock.now() + 30 * DAY * 1000),
      read: async (value) => {
        await undefined;
        if (value === "fail") throw new Error("connection refused");
        if (value === "[") JSON.parse(value);
        if (value === "unknown") return undefined;
        reads.push(value);
        return { data: { name: "Ada" }, subject: "user:ada", expiresAt: expiresAt() };
      },
    },
    ...options,
    events: { rejected: ({ reason }) => void rejected.push(reason), ...events },
  }));
  const app = new Hono()
    .use(sessions.middleware())
    .get("/read", (c) => c.json(c.var.session))
    .get("/sid", (c) => c.text(c.var.session.sid))
    .get("/visit", (c) => {
      c.var.session.visits = (c.var.session.visits ?? 0) + 1;
      return c.text(c.var.session.sid);
    })
    .get("/login/:name", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = c.req.param("name");
      c.var.session.subject = `user:${c.req.param("name").toLowerCase()}`;
      return c.json(c.var.session);
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
  return { app, sessions, reads, rejected };
}
