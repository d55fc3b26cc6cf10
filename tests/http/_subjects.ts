import {
  createSessions,
  type SessionManager,
  type SessionOptions,
  type SessionSummary,
} from "@x/hono-session";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import type { Scene, SceneTest } from "./_suite.ts";

interface Data {
  note?: string;
}

const ADA = "user:42";

/** Subjects that try to be something else in the keys of a backend. */
const AWKWARD_SUBJECTS = ["a:b{c}d", "}{", "user:4", " ", "ż😀\n", "..", "*?[a]", "x".repeat(256)];

interface Stage {
  sessions: SessionManager<Data>;
  gate: Gate;
  visitor(): Client;
  /** A new client that has logged in, and the name of its session. */
  login(subject?: string, device?: string): Promise<{ client: Client; sid: string }>;
  alive(clients: Client[]): Promise<number>;
}

function stage(scene: Scene, options: SessionOptions<Data> = {}): Stage {
  const sessions = createSessions<Data>(scene.configure(options));
  const gate = new Gate();
  const app = new Hono()
    .use(sessions.middleware())
    .get("/login/:subject", async (c) => {
      const { session } = c.var;
      await session.regenerate();
      session.subject = c.req.param("subject");
      const device = c.req.query("device");
      if (device) session.meta = { device };
      if (c.req.query("hold")) await gate.pass();
      if (c.req.query("save")) await session.save();
      return c.text(session.sid);
    })
    .get("/note/:note", async (c) => {
      c.var.session.note = c.req.param("note");
      if (c.req.query("hold")) await gate.pass();
      return c.text(c.var.session.subject ?? "nobody");
    })
    .get("/unbind", (c) => {
      c.var.session.subject = undefined;
      return c.text("ok");
    })
    .get("/rebind/:subject", (c) => {
      c.var.session.subject = c.req.param("subject");
      return c.text("ok");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("ok");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("ok");
    })
    .get(
      "/devices",
      async (c) => c.json(await Array.fromAsync(sessions.list(c.var.session.subject!, { c }))),
    )
    .get("/me", (c) => c.text(c.var.session.subject ?? "nobody"));
  return {
    sessions,
    gate,
    visitor: () => new Client(app),
    async login(subject = ADA, device = "") {
      const client = new Client(app);
      const path = `/login/${encodeURIComponent(subject)}?device=${device}`;
      return { client, sid: await client.text(path) };
    },
    async alive(clients) {
      const subjects = await Promise.all(clients.map((client) => client.text("/me")));
      return subjects.filter((subject) => subject !== "nobody").length;
    },
  };
}

async function sidsOf(sessions: SessionManager<Data>, subject = ADA): Promise<string[]> {
  return (await Array.fromAsync(sessions.list(subject))).map(({ sid }) => sid).toSorted();
}

/** What every store with an index does with the sessions of a subject. */
export function subjects(test: SceneTest): void {
  test("a subject's sessions are listed, the newest first, with what the application says of them", async (scene) => {
    const { clock } = scene;
    const { sessions, login } = stage(scene);
    const laptop = await login(ADA, "laptop");
    const begun = clock.now();
    clock.advance(60);
    const phone = await login(ADA, "phone");
    await login("user:43", "other");
    const devices = await phone.client.json("/devices") as Record<string, unknown>[];
    assertEquals(devices.map(({ meta, current, sid }) => ({ meta, current, sid })), [
      { meta: { device: "phone" }, current: true, sid: phone.sid },
      { meta: { device: "laptop" }, current: false, sid: laptop.sid },
    ]);
    const [, first] = await Array.fromAsync(sessions.list(ADA)) as [unknown, SessionSummary];
    assertEquals([first.createdAt.getTime(), first.lastSeenAt.getTime()], [begun, begun]);
    assertEquals(first.expiresAt.getTime(), begun + 86_400_000);
    assertEquals(Object.keys(first).toSorted(), [
      "confirmations",
      "createdAt",
      "current",
      "device",
      "expiresAt",
      "lastSeenAt",
      "meta",
      "provider",
      "sid",
    ]);
    assertEquals([await sessions.count(ADA), await sessions.count("user:4")], [2, 0]);
  });

  test("a list comes in pages", async (scene) => {
    const { sessions, login } = stage(scene);
    const sids: string[] = [];
    for (let count = 0; count < 5; count++) sids.unshift((await login()).sid);
    const pages: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = sessions.list(ADA, { limit: 2, cursor });
      pages.push(await Array.fromAsync(page, ({ sid }) => sid));
      cursor = page.cursor;
    } while (cursor !== undefined);
    assertEquals(pages, [sids.slice(0, 2), sids.slice(2, 4), sids.slice(4)]);
    assertThrows(() => sessions.list(ADA, { limit: 0 }), RangeError, "limit is 0");
    assertEquals((await Array.fromAsync(sessions.list(ADA, { cursor: "nonsense" }))).length, 5);
  });

  test("one session of a subject is ended, and nobody else's", async (scene) => {
    const { sessions, login, alive } = stage(scene);
    const [one, other] = [await login(), await login()];
    const stranger = await login("user:43");
    assertEquals(await sessions.revoke(ADA, stranger.sid), false);
    assertEquals(await sessions.revoke(ADA, "unknown"), false);
    assertEquals(await alive([one.client, other.client, stranger.client]), 3);
    assertEquals(await sessions.revoke(ADA, one.sid), true);
    assertEquals(await sessions.revoke(ADA, one.sid), false);
    assertEquals(await alive([one.client]), 0);
    assertEquals(await sidsOf(sessions), [other.sid]);
    assertEquals(await alive([other.client, stranger.client]), 2);
  });

  test("all sessions of a subject are ended, or all but one", async (scene) => {
    const { sessions, login, alive } = stage(scene);
    const logins = [await login(), await login(), await login()];
    const stranger = await login("user:43");
    const [kept, ...others] = logins;
    assertEquals(await sessions.revokeAll(ADA, { except: kept!.sid }), 2);
    assertEquals(await alive(others.map(({ client }) => client)), 0);
    assertEquals(await sidsOf(sessions), [kept!.sid]);
    assertEquals(await kept!.client.text("/note/still-here"), ADA);
    await kept!.client.text("/regenerate");
    assertEquals(await alive([kept!.client]), 1);
    assertEquals(await sessions.revokeAll(ADA), 1);
    assertEquals(await sessions.revokeAll(ADA), 0);
    assertEquals(await alive([kept!.client]), 0);
    assertEquals(await alive([stranger.client]), 1);
  });

  test("20 logins at the same time are all ended, and the next one lives", async (scene) => {
    const { sessions, login, alive } = stage(scene);
    const logins = await Promise.all(Array.from({ length: 20 }, () => login()));
    assertEquals(await sessions.count(ADA), 20);
    await sessions.revokeAll(ADA);
    assertEquals(await alive(logins.map(({ client }) => client)), 0);
    assertEquals(await sessions.count(ADA), 0);
    const next = await login();
    assertEquals(await alive([next.client]), 1);
  });

  test("logins that race with the end of all have ended or are listed", async (scene) => {
    const { sessions, login } = stage(scene);
    for (let round = 0; round < 5; round++) {
      const racing = Array.from({ length: 10 }, () => login());
      await Promise.all([...racing.slice(0, 5), sessions.revokeAll(ADA), ...racing.slice(5)]);
      const logins = await Promise.all(racing);
      const lives: string[] = [];
      for (const { client, sid } of logins) {
        if (await client.text("/me") !== "nobody") lives.push(sid);
      }
      assertEquals(lives.toSorted(), await sidsOf(sessions));
      await sessions.revokeAll(ADA);
      assertEquals(await sessions.count(ADA), 0);
    }
  });

  test("a login that is held open across the end of all has ended", async (scene) => {
    for (const before of [false, true]) {
      const { sessions, gate, visitor, alive } = stage(scene);
      const client = visitor();
      // With an anonymous session before, and without.
      if (before) await client.text("/note/cart");
      const login = client.fetch(`/login/${ADA}?hold=1`);
      await gate.arrived();
      await sessions.revokeAll(ADA);
      gate.open();
      const response = await login;
      assertEquals(response.headers.getSetCookie(), []);
      assertEquals(await alive([client]), 0);
      assertEquals(await sessions.count(ADA), 0);
    }
  });

  test("a login that began before the end of all is refused, however slow its store is", async (scene) => {
    const { sessions, gate, visitor, alive } = stage(scene);
    const client = visitor();
    const held = new Gate();
    scene.watch.inject("generation", () => held.pass(), 1);
    const login = client.fetch(`/login/${ADA}?hold=1`);
    await gate.arrived();
    await held.arrived();
    const ending = sessions.revokeAll(ADA);
    const later = new Promise((resolve) => setTimeout(resolve, 50, "waiting"));
    assertEquals(await Promise.race([ending, later]), "waiting");
    held.open();
    await ending;
    gate.open();
    const { status, headers } = await login;
    assertEquals([status, headers.getSetCookie()], [409, []]);
    assertEquals([await alive([client]), await sessions.count(ADA)], [0, 0]);
  });

  test("a request under way stores nothing into a session that is ended", async (scene) => {
    const { sessions, gate, login, alive } = stage(scene);
    const { client, sid } = await login();
    const writing = client.fetch("/note/late?hold=1");
    await gate.arrived();
    await sessions.revoke(ADA, sid);
    gate.open();
    assertEquals((await writing).headers.getSetCookie(), []);
    assertEquals(await alive([client]), 0);
    assertEquals(await sessions.count(ADA), 0);
  });

  test("a session has one entry whatever becomes of it, and none when it is nobody's", async (scene) => {
    const { sessions, login, visitor } = stage(scene);
    await visitor().text("/note/anonymous");
    assertEquals(await sessions.count(ADA), 0);
    const { client, sid } = await login();
    await client.text("/regenerate");
    await client.text("/note/more");
    await client.text("/regenerate");
    assertEquals(await sidsOf(sessions), [sid]);
    await client.text("/rebind/user:43");
    assertEquals([await sidsOf(sessions), await sidsOf(sessions, "user:43")], [[], [sid]]);
    await client.text("/unbind");
    assertEquals(await sessions.count("user:43"), 0);
    await client.text("/rebind/user:42");
    assertEquals(await sidsOf(sessions), [sid]);
    await client.text("/logout");
    assertEquals(await sessions.count(ADA), 0);
  });

  test("what has expired is no longer listed, what was renewed is", async (scene) => {
    const { clock } = scene;
    const { sessions, login, alive } = stage(scene, { maxAge: 60, rolling: { after: 10 } });
    const [used, unused] = [await login(), await login()];
    clock.advance(40);
    assertEquals(await alive([used.client]), 1);
    clock.advance(30);
    assertEquals(await sidsOf(sessions), [used.sid]);
    assertEquals(await alive([unused.client]), 0);
    clock.advance(60);
    assertEquals([await sessions.count(ADA), await sessions.revokeAll(ADA)], [0, 0]);
  });

  test("subjects of any characters are told apart", async (scene) => {
    const { sessions, login } = stage(scene);
    const sids = new Map<string, string>();
    for (const subject of AWKWARD_SUBJECTS) {
      sids.set(subject, (await sessions.create({}, { subject })).sid);
    }
    await login("user:42");
    for (const [subject, sid] of sids) assertEquals(await sidsOf(sessions, subject), [sid]);
    assertEquals(await sessions.revokeAll("a:b{c}d"), 1);
    assertEquals(await sidsOf(sessions, "}{"), [sids.get("}{")]);
  });

  test("a subject has no more sessions than it may: its oldest end", async (scene) => {
    const ended: string[] = [];
    const { sessions, login, alive } = stage(scene, {
      maxSessions: { limit: 3 },
      events: { destroyed: ({ sid, reason }) => ended.push(`${reason} ${sid}`) },
    });
    const logins = [];
    for (let count = 0; count < 5; count++) logins.push(await login());
    assertEquals(await alive(logins.map(({ client }) => client)), 3);
    assertEquals(await sidsOf(sessions), logins.slice(2).map(({ sid }) => sid).toSorted());
    assertEquals(ended, logins.slice(0, 2).map(({ sid }) => `evicted ${sid}`));
    assertEquals(await sessions.count("user:43"), 0);
    const more = await Promise.all(Array.from({ length: 10 }, () => login()));
    const clients = [...logins, ...more].map(({ client }) => client);
    assertEquals([await alive(clients), await sessions.count(ADA)], [3, 3]);
  });

  test("a subject has no more sessions than it may: the next is refused", async (scene) => {
    const { sessions, login, visitor, alive } = stage(scene, {
      maxSessions: { limit: 3, policy: "reject" },
    });
    const all = [];
    for (let count = 0; count < 3; count++) all.push((await login()).client);
    const refused = visitor();
    await refused.text("/note/cart");
    for (const path of [`/login/${ADA}`, `/login/${ADA}?save=1`]) {
      const response = await refused.fetch(path);
      assertEquals([response.status, response.headers.getSetCookie()], [403, []], path);
    }
    assertEquals(await refused.text("/me"), "nobody");
    assertEquals([await alive(all), await sessions.count(ADA)], [3, 3]);
    await all[0]!.text("/logout");
    const racing = Array.from({ length: 10 }, () => visitor());
    await Promise.all(racing.map((client) => client.text(`/login/${ADA}`)));
    const lives = await alive([...all, ...racing]);
    assert(lives <= 3, `${lives} are alive`);
    assertEquals(await sessions.count(ADA), lives);
  });

  test("sessions are made, opened and counted outside of requests", async (scene) => {
    const { sessions, visitor } = stage(scene);
    const { cookie, sid, setCookie } = await sessions.create(
      { note: "made" },
      { subject: ADA, meta: { device: "robot" }, maxAge: 60 },
    );
    assertEquals(setCookie.length, 1);
    assertEquals(await visitor().text("/note/more", { headers: { cookie } }), ADA);
    const request = new Request("https://app.test/", { headers: { cookie } });
    const opened = await sessions.open(request);
    assertEquals([opened?.sid, opened?.subject, opened?.meta], [sid, ADA, { device: "robot" }]);
    assertEquals(await sessions.open(new Request("https://app.test/")), undefined);
    if (!scene.stateless) {
      opened!.note = "changed";
      await opened!.save();
      assertEquals((await sessions.open(request))?.note, "changed");
    }
    await assertRejects(
      async () => await opened!.regenerate(),
      Error,
      "the response has been sent",
    );
  });

  test("1,000 sessions of one subject are counted and ended", async (scene) => {
    const { sessions } = stage(scene);
    for (let made = 0; made < 1000; made += 50) {
      await Promise.all(
        Array.from({ length: 50 }, () => sessions.create({}, { subject: "busy" })),
      );
    }
    assertEquals(await sessions.count("busy"), 1000);
    assertEquals(await sessions.revokeAll("busy"), 1000);
    assertEquals(await sessions.count("busy"), 0);
  });

  test("each end of a session is told, and a listener that fails changes nothing", async (scene) => {
    const told: string[] = [];
    const { sessions, login } = stage(scene, {
      logger: { error() {}, warn() {} },
      events: {
        destroyed({ reason, sid }) {
          told.push(`${reason} ${sid}`);
          throw new Error("no");
        },
      },
    });
    const [one, two, three] = [await login(), await login(), await login()];
    await one.client.text("/logout");
    await sessions.revoke(ADA, two.sid);
    await sessions.revokeAll(ADA);
    assertEquals(told, [`logout ${one.sid}`, `revoked ${two.sid}`, `revoked ${three.sid}`]);
  });
}
