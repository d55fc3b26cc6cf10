import {
  createSessions,
  session,
  SessionEndedError,
  type SessionManager,
  type SessionOptions,
  type SessionStore,
  startSession,
} from "@x/hono-session";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";
import type { Scene, SceneTest } from "./_suite.ts";

interface Data {
  note?: string;
}

const ADA = "user:42";

/** How far the clock of another machine is ahead, in seconds. */
const SKEWS = [0, 30, -30, 60, -60];

/** The ways to log in, each of which waits at a gate before anything is stored. */
const LOGINS = ["at the end", "save", "update", "start", "regenerate"] as const;

interface Machine {
  sessions: SessionManager<Data>;
  gate: Gate;
  interrupted: string[];
  visitor(): Client;
}

/** A store, and its answers when it was asked for the generation of a subject. */
function withReadings(
  given: SessionOptions<Data>["store"],
): { store: SessionStore; readings: unknown[] } {
  const readings: unknown[] = [];
  const store = new Proxy(given as SessionStore, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const answer = Reflect.apply(member, target, args);
        if (name === "generation") readings.push(answer);
        return answer;
      };
    },
  });
  return { store, readings };
}

/** One of several machines, with a clock of its own. */
function machineOf(
  scene: Scene,
  { ahead = 0, ...options }: SessionOptions<Data> & { ahead?: number } = {},
): Machine {
  const interrupted: string[] = [];
  const events = { interrupted: ({ sid }: { sid: string }) => void interrupted.push(sid) };
  const { store, readings } = withReadings(scene.configureApart<Data>(ahead, {}).store);
  const config = { ...scene.configureApart<Data>(ahead, { events, ...options }), store };
  const sessions = createSessions<Data>(config);
  const gate = new Gate();
  const pass = async (hold: string | undefined) => {
    if (!hold) return;
    // A login is ordered by what it has read, which it waits for only when it commits.
    await Promise.all(readings);
    await gate.pass();
  };
  const app = new Hono()
    .use(session<Data>(config))
    .get("/note/:note", (c) => {
      c.var.session.note = c.req.param("note");
      return c.text("noted");
    })
    .get("/login/at the end", async (c) => {
      c.var.session.subject = ADA;
      await pass(c.req.query("hold"));
      return c.text("welcome");
    })
    .get("/login/regenerate", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = ADA;
      await pass(c.req.query("hold"));
      return c.text("welcome");
    })
    .get("/login/save", async (c) => {
      c.var.session.subject = ADA;
      await pass(c.req.query("hold"));
      await c.var.session.save();
      return c.text("welcome");
    })
    .get("/login/update", async (c) => {
      c.var.session.subject = ADA;
      await pass(c.req.query("hold"));
      await c.var.session.update("note", () => "logged in");
      return c.text("welcome");
    })
    .get("/login/start", async (c) => {
      const started = await startSession(c);
      started.subject = ADA;
      await pass(c.req.query("hold"));
      return c.text("welcome");
    })
    .get("/me", (c) => c.text(`${c.var.session.subject ?? "nobody"} ${c.var.session.note ?? ""}`));
  return { sessions, gate, interrupted, visitor: () => new Client(app) };
}

async function isAda(client: Client): Promise<boolean> {
  return (await client.text("/me")).startsWith(ADA);
}

/** What order an end and a login have, whatever the clocks say. */
export function ends(test: SceneTest): void {
  test("a login after the end of all has returned is logged in, 20 times of 20", async (scene) => {
    const { sessions } = machineOf(scene);
    const { visitor } = machineOf(scene);
    for (let time = 0; time < 20; time++) {
      for (const login of LOGINS) {
        // In one handler, within a millisecond: the reset of a password.
        await sessions.revokeAll(ADA);
        const client = visitor();
        assertEquals(await client.text(`/login/${login}`), "welcome");
        assert(await isAda(client), `${login}, ${time}`);
        assertEquals(await sessions.count(ADA), 1);
      }
    }
  });

  test("a login after the end of all is logged in, wherever the clocks are", async (scene) => {
    for (const ahead of SKEWS) {
      const [here, there] = [machineOf(scene), machineOf(scene, { ahead })];
      for (const [ending, starting] of [[here, there], [there, here]] as const) {
        const old = starting.visitor();
        await old.text("/login/save");
        await ending.sessions.revokeAll(ADA);
        const { cookie } = await starting.sessions.create({}, { subject: ADA });
        const clients = LOGINS.map(() => starting.visitor());
        for (const [at, login] of LOGINS.entries()) await clients[at]!.text(`/login/${login}`);
        for (const client of clients) assert(await isAda(client), `${ahead} s`);
        const headers = { cookie };
        assertEquals(await starting.visitor().text("/me", { headers }), `${ADA} `);
        assertEquals([await isAda(old), await ending.sessions.count(ADA)], [false, 6]);
        assertEquals(await ending.sessions.revokeAll(ADA), 6);
        for (const client of clients) assert(!await isAda(client), `${ahead} s`);
      }
    }
  });

  test("a login under way while all is ended is answered 409, wherever the clocks are", async (scene) => {
    for (const ahead of SKEWS) {
      for (const login of LOGINS) {
        // With an anonymous session before, and without.
        for (const before of [true, false]) {
          const what = `${login}, ${ahead} s, ${before ? "in a session" : "in none"}`;
          const ending = machineOf(scene, { ahead });
          const { visitor, gate, interrupted, sessions } = machineOf(scene);
          const client = visitor();
          if (before) await client.text("/note/cart");
          const answering = client.fetch(`/login/${login}?hold=1`);
          await gate.arrived();
          await scene.told();
          await ending.sessions.revokeAll(ADA);
          gate.open();
          const answer = await answering;
          assertEquals([answer.status, answer.headers.getSetCookie()], [409, []], what);
          assertEquals([answer.status, interrupted.length], [409, 1], what);
          assertEquals([await isAda(client), await sessions.count(ADA)], [false, 0], what);
          if (before && login !== "start") {
            assert((await client.text("/me")).startsWith("nobody "), what);
          }
        }
      }
    }
  });

  test("create() that is overtaken by the end of all says so", async (scene) => {
    const { sessions } = machineOf(scene);
    const operation = scene.stateless ? "update" : "create";
    if (operation === "update") return;
    scene.watch.inject(operation, () => sessions.revokeAll(ADA), 1);
    await assertRejects(() => sessions.create({}, { subject: ADA }), SessionEndedError);
    assertEquals(await sessions.count(ADA), 0);
  });

  test("all others end, and a login in the request that says so stays", async (scene) => {
    const { sessions } = machineOf(scene, { ahead: 30 });
    const here = machineOf(scene);
    const config = scene.configureApart<Data>(-30, {});
    const app = new Hono().use(session<Data>(config))
      .get("/login", async (c) => {
        const { session } = c.var;
        await session.regenerate();
        session.subject = ADA;
        await sessions.revokeAll(ADA, { except: session.sid });
        return c.text("welcome");
      })
      .get("/me", (c) => c.text(`${c.var.session.subject ?? "nobody"} `));
    const [other, client] = [here.visitor(), new Client(app)];
    await other.text("/login/save");
    assertEquals(await client.text("/login"), "welcome");
    assertEquals([await isAda(client), await isAda(other)], [true, false]);
    assertEquals(await sessions.count(ADA), 1);
  });

  for (const limit of [1, 2]) {
    test(`a login never ends itself for a limit of ${limit}, wherever the clocks are`, async (scene) => {
      for (const ahead of SKEWS) {
        const machines = [
          machineOf(scene, { maxSessions: { limit } }),
          machineOf(scene, { maxSessions: { limit }, ahead }),
        ];
        const clients: Client[] = [];
        for (const at of [0, 1, 0, 1, 1, 0, 0]) {
          const client = machines[at]!.visitor();
          const login = LOGINS[clients.length % LOGINS.length]!;
          assertEquals(await client.text(`/login/${login}`), "welcome");
          clients.push(client);
          const alive = await Promise.all(clients.map(isAda));
          const expected = clients.map((_, place) => place >= clients.length - limit);
          assertEquals(alive, expected, `${ahead} s`);
        }
        await machines[0]!.sessions.revokeAll(ADA);
      }
    });
  }

  test("a request whose login could not be begun is answered 503, and nothing is stored", async (scene) => {
    const { visitor, sessions } = machineOf(scene, { logger: { error() {}, warn() {} } });
    for (const login of LOGINS) {
      const client = visitor();
      scene.watch.inject("generation", "fail", 1);
      const answer = await client.fetch(`/login/${login}`);
      assertEquals(answer.status, 503, login);
      assertEquals([await isAda(client), await sessions.count(ADA)], [false, 0], login);
    }
  });
}
