import {
  backChannelLogout,
  createSessions,
  type SessionManager,
  type SessionOptions,
  type SessionProvider,
  startSession,
} from "@x/hono-session";
import type { StoreOperation } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { streamUntilEnded } from "../_support/ended_stream.ts";
import { Gate } from "../_support/gate.ts";
import type { Scene, SceneTest } from "./_suite.ts";

interface Data {
  note?: string;
}

const ISSUER = "https://id.example";
const EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };
const ADA = "user:42";
const HERE: SessionProvider = { issuer: ISSUER, sid: "here" };

/** What a logout token can name. */
const ENDS = {
  sid: { sid: "here" },
  sub: { sub: ADA },
  "sid and sub": { sid: "here", sub: ADA },
} as const;

/** The ways to log in, the operation that stores each, and how many of its kind come before. */
const LOGINS: Record<string, { operation: StoreOperation; earlier: number }> = {
  "in none": { operation: "create", earlier: 1 },
  start: { operation: "update", earlier: 0 },
  update: { operation: "update", earlier: 0 },
  regenerate: { operation: "replace", earlier: 0 },
  save: { operation: "update", earlier: 0 },
};

let tokens = 0;

interface Machine {
  sessions: SessionManager<Data>;
  gate: Gate;
  interrupted: string[];
  /** A client, with an anonymous session where its login is in one. */
  visitor(login?: string): Promise<Client>;
  logout(claims: object): Promise<number>;
}

function machineOf(scene: Scene, options: SessionOptions<Data> = {}): Machine {
  const interrupted: string[] = [];
  const events = { interrupted: ({ sid }: { sid: string }) => void interrupted.push(sid) };
  const logger = { error() {}, warn() {} };
  const live = { every: scene.every };
  const sessions = createSessions<Data>(scene.configure({ events, logger, live, ...options }));
  const gate = new Gate();
  const app = new Hono()
    .post(
      "/out",
      scene.stateless
        ? (c) => c.text("refused", 501)
        : backChannelLogout({ sessions, verify: (jwt) => JSON.parse(jwt) }),
    )
    .use(sessions.middleware())
    .get("/note/:note", (c) => {
      c.var.session.note = c.req.param("note");
      return c.text("noted");
    })
    .get("/login/:how", async (c) => {
      const how = c.req.param("how");
      if (how === "start") await startSession(c);
      const { session } = c.var;
      if (how === "regenerate") await session.regenerate();
      session.subject = c.req.query("subject") ?? ADA;
      session.provider = { issuer: ISSUER, sid: c.req.query("sid") ?? HERE.sid };
      if (c.req.query("hold")) await gate.pass();
      if (how === "save") await session.save();
      return c.text("welcome");
    })
    .get("/subject/:subject", (c) => {
      c.var.session.subject = c.req.param("subject");
      return c.text("set");
    })
    .get("/without-subject", (c) => {
      c.var.session.provider = HERE;
      return c.text("set");
    })
    .get("/clear", (c) => {
      c.var.session.provider = undefined;
      return c.text("cleared");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    })
    .get("/renew", (c) => {
      c.var.session.renew();
      return c.text("renewed");
    })
    .get("/stream", (c) => streamUntilEnded(c, c.var.session))
    .get("/me", (c) => c.json([c.var.session.subject ?? null, c.var.session.provider ?? null]))
    .onError((error, c) => c.text(error.name, (error as { status?: 409 }).status ?? 500));
  return {
    sessions,
    gate,
    interrupted,
    async visitor(login = "in none") {
      const client = new Client(app);
      if (login !== "in none") await client.text("/note/cart");
      return client;
    },
    async logout(claims) {
      const iat = Math.floor(scene.clock.now() / 1000);
      const jwt = JSON.stringify({
        iss: ISSUER,
        jti: `${tokens++}`,
        iat,
        events: EVENTS,
        ...claims,
      });
      const body = new URLSearchParams({ logout_token: jwt });
      const response = await app.request("/out", { method: "POST", body });
      await response.body?.cancel();
      return response.status;
    },
  };
}

async function isLoggedIn(client: Client): Promise<boolean> {
  return (await client.json("/me") as unknown[])[0] !== null;
}

/** What every store that lists the sessions of a subject keeps of the provider. */
export function keptProviders(test: SceneTest): void {
  test("session.provider is listed, and kept over new tokens, renewals and migrations", async (scene) => {
    const { clock } = scene;
    const migrate = (data: Data) => ({ ...data, note: "migrated" });
    const { sessions, visitor } = machineOf(scene, {
      maxAge: 1000,
      migrate,
      ...(scene.stateless ? {} : { rotate: { every: 60 } }),
    });
    const client = await visitor();
    await client.text("/login/regenerate");
    for (const path of ["/note/a", "/regenerate", "/renew", "/me", "/me", "/note/b"]) {
      clock.advance(100);
      await client.text(path);
      assertEquals(await client.json("/me"), [ADA, HERE], path);
      const [listed] = await Array.fromAsync(sessions.list(ADA));
      assertEquals(listed?.provider, HERE, path);
    }
    await client.text(`/subject/${ADA}`);
    assertEquals(await client.json("/me"), [ADA, HERE], "the same subject");
  });

  test("session.provider is cleared by another subject, and by undefined", async (scene) => {
    for (const [path, subject] of [["/subject/user:43", "user:43"], ["/clear", ADA]] as const) {
      const { sessions, visitor, logout } = machineOf(scene);
      const client = await visitor();
      await client.text("/login/in none");
      assertEquals(await client.json("/me"), [ADA, HERE]);
      await client.text(path);
      assertEquals(await client.json("/me"), [subject, null]);
      await logout({ sid: HERE.sid });
      assert(await isLoggedIn(client));
      await sessions.revokeAll(subject);
    }
  });

  test("session.provider without a subject is an error, and nothing is stored", async (scene) => {
    const { visitor } = machineOf(scene);
    for (const login of ["in none", "in one"]) {
      const client = await visitor(login);
      const response = await client.fetch("/without-subject");
      assertEquals([response.status, await response.text()], [500, "TypeError"]);
      assertEquals(response.headers.getSetCookie(), []);
      assertEquals(await client.json("/me"), [null, null]);
    }
    if (!scene.stateless) assertEquals((await scene.records()).length, 1);
  });
}

/** What every store does with sessions that come from those of an identity provider. */
export function providers(test: SceneTest): void {
  for (const [what, claims] of Object.entries(ENDS)) {
    test(`a logout token with ${what} ends the sessions of all logins, and their streams`, async (scene) => {
      const { sessions, visitor, logout } = machineOf(scene, {
        maxAge: 1000,
        rotate: { every: 60 },
      });
      const clients: Client[] = [];
      for (const login of Object.keys(LOGINS)) {
        const client = await visitor(login);
        await client.text(`/login/${login}`);
        scene.clock.advance(100);
        await client.text("/note/rotated");
        clients.push(client);
      }
      const own = await visitor();
      await own.text(`/login/start?subject=user:43&sid=elsewhere`);
      const stream = await clients[0]!.fetch("/stream");
      assertEquals(await sessions.count(ADA), clients.length);
      assertEquals(await logout(claims), 200);
      assertEquals(await sessions.count(ADA), 0);
      for (const client of clients) assert(!await isLoggedIn(client));
      // Another process that polls during the logout can't tell the reason.
      assertMatch(await stream.text(), /^open (revoked|ended)$/);
      assert(await isLoggedIn(own));
    });

    for (const login of Object.keys(LOGINS)) {
      test(`a login (${login}) under way at a logout token with ${what} is answered 409`, async (scene) => {
        const ending = machineOf(scene);
        const { sessions, visitor, gate, interrupted } = machineOf(scene);
        const client = await visitor(login);
        const answering = client.fetch(`/login/${login}?hold=1`);
        await gate.arrived();
        await scene.told();
        assertEquals(await ending.logout(claims), 200);
        scene.watch.calls();
        gate.open();
        const answer = await answering;
        assertEquals([answer.status, answer.headers.getSetCookie()], [409, []]);
        assert(!scene.watch.calls().includes("replace"), "it is not stored at all");
        assertEquals([await isLoggedIn(client), await sessions.count(ADA)], [false, 0]);
        assertEquals(interrupted.length, 1);
        const again = await visitor();
        assertEquals(await again.text("/login/regenerate"), "welcome");
        assert(await isLoggedIn(again), "a later login");
        assertEquals(await ending.logout(claims), 200);
        assert(!await isLoggedIn(again), "is found");
      });

      test(`a login (${login}) that is overtaken by a logout token with ${what} while it is stored is answered 409`, async (scene) => {
        const ending = machineOf(scene);
        const { sessions, visitor, interrupted } = machineOf(scene);
        const client = await visitor(login);
        const gate = new Gate();
        let { operation, earlier } = LOGINS[login]!;
        scene.watch.inject(operation, () => earlier-- === 0 ? gate.pass() : undefined);
        const answering = client.fetch(`/login/${login}`);
        await gate.arrived();
        assertEquals(await ending.logout(claims), 200);
        gate.open();
        const answer = await answering;
        assertEquals([answer.status, answer.headers.getSetCookie()], [409, []]);
        assertEquals([await isLoggedIn(client), await sessions.count(ADA)], [false, 0]);
        assertEquals(interrupted.length, 1);
      });
    }
  }

  for (const [what, claims] of Object.entries(ENDS)) {
    test(`a login that began before a logout token with ${what} is refused, however slow its store is`, async (scene) => {
      const { visitor, gate, logout } = machineOf(scene);
      const client = await visitor("update");
      const held = new Gate();
      let reads = 0;
      // After that of the session, the reads of what the provider has ended.
      scene.watch.inject("read", () => [2, 3].includes(++reads) ? held.pass() : undefined);
      const answering = client.fetch("/login/update?hold=1");
      await gate.arrived();
      await held.arrived(2);
      const ending = logout(claims);
      const later = new Promise((resolve) => setTimeout(resolve, 50, "waiting"));
      assertEquals(await Promise.race([ending, later]), "waiting");
      held.open();
      assertEquals(await ending, 200);
      gate.open();
      const answer = await answering;
      assertEquals([answer.status, await isLoggedIn(client)], [409, false]);
      await answer.body?.cancel();
      await later;
    });
  }

  test("a session that is renewed is found as long as it lives", async (scene) => {
    for (const more of [{}, { absoluteMaxAge: 2500 }]) {
      const { visitor, logout } = machineOf(scene, { maxAge: 1000, rolling: true, ...more });
      const client = await visitor();
      await client.text("/login/start");
      for (const path of ["/me", "/renew", "/note/a"]) {
        scene.clock.advance(800);
        await client.text(path);
      }
      assert(await isLoggedIn(client));
      assertEquals(await logout({ sid: HERE.sid }), 200);
      assert(!await isLoggedIn(client));
    }
  });

  test("a short session does not hide a longer one of the same provider's session", async (scene) => {
    const long = machineOf(scene, { maxAge: 100_000 });
    const short = machineOf(scene, { maxAge: 100 });
    const client = await long.visitor();
    await client.text("/login/start");
    await (await short.visitor()).text("/login/start?subject=user:43");
    scene.clock.advance(90_000);
    assert(await isLoggedIn(client));
    assertEquals(await long.logout({ sid: HERE.sid }), 200);
    assert(!await isLoggedIn(client));
  });

  test("a session is found that comes from the same provider's session as one that revokeEverything() has ended", async (scene) => {
    const { sessions, visitor, logout } = machineOf(scene, { revokeEverything: { every: 0.01 } });
    await (await visitor()).text("/login/start");
    await sessions.revokeEverything();
    const client = await visitor();
    assertEquals(await client.text("/login/start"), "welcome");
    assert(await isLoggedIn(client));
    assertEquals(await logout({ sid: HERE.sid }), 200);
    assert(!await isLoggedIn(client));
  });

  test("logins of several users from one session of the provider at the same time are all found", async (scene) => {
    const { visitor, logout } = machineOf(scene);
    const clients = await Promise.all(["1", "2", "3", "4"].map(async (subject) => {
      const client = await visitor();
      assertEquals(await client.text(`/login/regenerate?subject=${subject}`), "welcome");
      return client;
    }));
    assertEquals(await logout({ sid: HERE.sid }), 200);
    for (const client of clients) assert(!await isLoggedIn(client));
  });

  for (const operation of ["read", "create", "update", "replace"] as const) {
    for (const fault of ["fail", "late"] as const) {
      test(`a login during which ${operation} is ${fault} is alive only if a logout token finds it`, async (scene) => {
        for (const login of Object.keys(LOGINS)) {
          for (let earlier = 0, isReached = true; isReached; earlier++) {
            const { sessions, visitor, logout } = machineOf(scene);
            const client = await visitor(login);
            const { watch } = scene;
            let calls = 0;
            watch.inject(operation, () => {
              if (++calls === earlier) watch.inject(operation, fault, 1);
            });
            if (earlier === 0) watch.inject(operation, fault, 1);
            watch.calls();
            const { status } = await client.fetch(`/login/${login}`);
            isReached = watch.calls().filter((each) => each === operation).length > earlier;
            watch.heal();
            const what = `${login}, ${earlier}: ${status}`;
            assert([200, 503].includes(status), what);
            if (status === 200) assert(await isLoggedIn(client), what);
            assertEquals(await logout({ sid: HERE.sid }), 200, what);
            assertEquals([await isLoggedIn(client), await sessions.count(ADA)], [false, 0], what);
          }
        }
      });
    }
  }
}
