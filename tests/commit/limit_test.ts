import {
  createSessions,
  type SessionEvents,
  SessionLimitError,
  type SessionManager,
  type SessionOptions,
  type SessionStore,
  startSession,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore, type StoreOperation } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { everyOrder, Turnstile } from "../_support/interleave.ts";

interface Data {
  note?: string;
}

type Policy = "evict-oldest" | "reject";

const ADA = "user:42";
const POLICIES: Policy[] = ["evict-oldest", "reject"];
const SECRET = "a secret of thirty-two characters or more";

function makeApp(sessions: SessionManager<Data>) {
  return new Hono()
    .use(sessions.middleware())
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = ADA;
      return c.text("welcome");
    })
    .get("/bind", (c) => {
      c.var.session.subject = ADA;
      return c.text("bound");
    })
    .get("/note", (c) => {
      c.var.session.note = "noted";
      return c.text("noted");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    })
    .get("/start", async (c) => {
      const session = await startSession(c, {});
      session.subject = ADA;
      await session.save();
      return c.text("welcome");
    })
    .get("/me", (c) => c.text(c.var.session.subject ?? "nobody"));
}

function setup({ store, ...options }: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const inner = new MapStore({ clock: clock.now });
  const faulty = new FaultyStore(inner);
  const sessions = createSessions<Data>({
    store: store ?? faulty,
    clock: clock.now,
    logger: { error() {}, warn() {} },
    ...options,
  });
  const app = makeApp(sessions);
  return { clock, inner, store: faulty, sessions, app, visitor: () => new Client(app) };
}

/** Told events in order. */
function listen() {
  const told: string[] = [];
  const events: SessionEvents = {
    created: ({ sid }) => told.push(`created ${sid}`),
    destroyed: ({ sid, reason }) => told.push(`${reason} ${sid}`),
  };
  return { told, events };
}

/** Runs processes over one store in every order that their calls can have. */
async function inEveryOrder(
  { before, processes, after, options = {}, ahead = [0.001, 0.002, 0.003], switches = Infinity }: {
    options?: SessionOptions<Data>;
    /** How far the clocks of the processes are ahead, in seconds. */
    ahead?: number[];
    switches?: number;
    before(sessions: SessionManager<Data>, clock: FakeClock): Promise<string>;
    processes: Record<
      string,
      (app: Hono, headers: HeadersInit, sessions: SessionManager<Data>) => Promise<unknown>
    >;
    after(
      outcome: {
        app: Hono;
        store: MapStore;
        cookies: string[];
        /** What each process was answered, and the cookie that came with it. */
        answers: Record<string, { status: number; cookie: string | undefined }>;
        sessions: SessionManager<Data>;
        calls: string;
      },
    ): Promise<void>;
  },
): Promise<number> {
  return await everyOrder(async (choose) => {
    const clock = new FakeClock();
    const store = new MapStore({ clock: clock.now });
    const configure = (store: SessionStore, ahead = 0) =>
      createSessions<Data>({ ...options, store, clock: () => clock.now() + ahead * 1000 });
    const plain = configure(store);
    const headers = { cookie: await before(plain, clock) };
    const turnstile = new Turnstile();
    const cookies: string[] = [headers.cookie];
    const answers: Record<string, { status: number; cookie: string | undefined }> = {};
    const tasks = Object.entries(processes).map(([name, run], place) => {
      const sessions = configure(turnstile.guard(store, name), ahead[place]);
      const app = makeApp(sessions) as unknown as Hono;
      return [name, async () => {
        const response = await run(app, headers, sessions);
        if (!(response instanceof Response)) return;
        const cookie = response.headers.getSetCookie()[0]?.split(";")[0];
        answers[name] = { status: response.status, cookie };
        if (cookie === undefined) return;
        assert(response.ok, `${response.status} with a cookie`);
        cookies.push(cookie);
      }];
    });
    await turnstile.run(Object.fromEntries(tasks), choose);
    const app = makeApp(plain) as unknown as Hono;
    const calls = turnstile.calls.join(", ");
    await after({ app, store, cookies, answers, sessions: plain, calls });
  }, switches);
}

async function subjectsOf(app: Hono, cookies: string[]): Promise<string[]> {
  return await Promise.all(
    cookies.map(async (cookie) => await (await app.request("/me", { headers: { cookie } })).text()),
  );
}

const get = (path: string) => (app: Hono, headers: HeadersInit) =>
  Promise.resolve(app.request(path, { headers }));

/** How far the clocks of two processes are ahead, in seconds. Of the same time the handles decide, which are random. */
const CLOCKS = [[0, 0.001], [0, 60], [30, 0]];

Deno.test("limit: whichever way two logins interleave, one is logged in, and the other is or is told", async () => {
  for (const ahead of CLOCKS) {
    const orders = await inEveryOrder({
      options: { maxSessions: { limit: 1 } },
      ahead,
      before: () => Promise.resolve(""),
      processes: { one: get("/login"), other: get("/login") },
      async after({ app, answers, sessions, calls }) {
        const what = `${ahead}: ${JSON.stringify(answers)} after ${calls}`;
        const all = Object.entries(answers);
        const told = all.filter(([, { status }]) => status === 200);
        assertEquals(all.filter(([, { status }]) => status === 409).length, 2 - told.length, what);
        const cookies = told.map(([, { cookie }]) => cookie!);
        const alive = (await subjectsOf(app, cookies)).filter((subject) => subject === ADA);
        assertEquals([alive.length, await sessions.count(ADA)], [1, 1], what);
        if (told.length < 2) return;
        // Who was told so and is not logged in was ended by a login that ended later.
        const last = calls.split(", ").at(-1)!.split(":")[0]!;
        assertEquals(await subjectsOf(app, [answers[last]!.cookie!]), [ADA], what);
      },
    });
    assert(orders > 100, `${orders} orders`);
  }
});

Deno.test("limit: whichever way two logins interleave of which one must be refused, no more than one is logged in", async () => {
  const seen = new Set<string>();
  await inEveryOrder({
    options: { maxSessions: { limit: 1, policy: "reject" } },
    before: () => Promise.resolve(""),
    processes: { one: get("/login"), other: get("/login") },
    async after({ app, answers, sessions, calls }) {
      const statuses = Object.values(answers).map(({ status }) => status).toSorted().join();
      assert(["200,403", "403,403"].includes(statuses), `${statuses} after ${calls}`);
      const cookies = Object.values(answers).flatMap(({ cookie }) => cookie ?? []);
      const alive = (await subjectsOf(app, cookies)).filter((subject) => subject === ADA);
      assertEquals([alive.length, await sessions.count(ADA)], [cookies.length, cookies.length]);
      seen.add(statuses);
    },
    switches: 2,
  });
  assert(seen.has("200,403"));
});

Deno.test("limit: a double click on a login takes one place, and the later login has it", async () => {
  for (const policy of POLICIES) {
    let orders = 0;
    await inEveryOrder({
      options: { maxSessions: { limit: 1, policy } },
      async before(sessions) {
        return (await sessions.create({ note: "cart" })).cookie;
      },
      processes: { one: get("/login"), other: get("/login") },
      async after({ app, answers, sessions, calls }) {
        const order = calls.split(", ");
        const read = Math.max(order.indexOf("one: read"), order.indexOf("other: read"));
        const first = order.findIndex((call) => call.endsWith("replace"));
        // Later the session of the visitor is not found, as on another device.
        if (read > first) return;
        orders++;
        const statuses = Object.values(answers).map(({ status }) => status).toSorted().join();
        assert(["200,200", "200,409"].includes(statuses), `${policy}: ${statuses} after ${calls}`);
        const later = order[first]!.startsWith("one") ? "other" : "one";
        assertEquals(answers[later]!.status, 200, calls);
        assertEquals(await subjectsOf(app, [answers[later]!.cookie!]), [ADA], calls);
        assertEquals(await sessions.count(ADA), 1, calls);
      },
      switches: 2,
    });
    assert(orders > 10, `${orders} orders`);
  }
});

Deno.test("limit: of logins at the same time as many as there is room for are not refused", async () => {
  for (const limit of [1, 3]) {
    const { sessions, visitor } = setup({ maxSessions: { limit, policy: "reject" } });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => visitor().fetch("/login")),
    );
    const told = answers.filter(({ ok }) => ok).length;
    assertEquals([told, await sessions.count(ADA)], [limit, limit]);
  }
});

Deno.test("limit: whichever way a login interleaves with a new token of its session, the limit holds", async () => {
  for (const policy of POLICIES) {
    await inEveryOrder({
      options: { maxSessions: { limit: 1, policy } },
      async before(sessions) {
        return (await sessions.create({ note: "cart" })).cookie;
      },
      processes: {
        bind: get("/bind"),
        regenerate: get("/regenerate"),
        other: async (_app, _headers, sessions) => {
          await sessions.create({}, { subject: ADA }).catch(() => {});
        },
      },
      async after({ sessions, calls }) {
        const count = await sessions.count(ADA);
        assert(count <= 1, `${policy}: ${count} sessions after ${calls}`);
      },
      switches: 2,
    });
  }
});

Deno.test("limit: whichever way a session that is evicted gets a new token meanwhile, it has ended", async () => {
  for (const rotate of [undefined, { every: 0 }]) {
    await inEveryOrder({
      options: { maxSessions: { limit: 1 }, ...(rotate ? { rotate } : {}) },
      async before(sessions, clock) {
        const { cookie } = await sessions.create({}, { subject: ADA });
        clock.advance(1);
        return cookie;
      },
      processes: {
        login: (app) => Promise.resolve(app.request("/login")),
        use: get(rotate ? "/note" : "/regenerate"),
      },
      async after({ app, cookies, sessions, calls }) {
        assertEquals(await sessions.count(ADA), 1, calls);
        const alive = (await subjectsOf(app, cookies)).filter((subject) => subject === ADA);
        assertEquals(alive.length, 1, calls);
      },
    });
  }
});

Deno.test("revoke: whatever a request does to the session meanwhile, it has ended", async () => {
  for (const path of ["/note", "/regenerate", "/login"]) {
    for (const rotate of [undefined, { every: 0 }]) {
      for (const all of [false, true]) {
        // A login that begins after the end of one session is another session.
        if (path === "/login" && !all) continue;
        await inEveryOrder({
          options: rotate ? { rotate } : {},
          async before(sessions) {
            return (await sessions.create({ note: "" }, { subject: ADA })).cookie;
          },
          processes: {
            use: get(path),
            async revoke(_app, _headers, sessions) {
              if (all) {
                await sessions.revokeAll(ADA);
              } else {
                const [session] = await Array.fromAsync(sessions.list(ADA));
                assertEquals(await sessions.revoke(ADA, session!.sid), true);
              }
            },
          },
          async after({ app, store, cookies, calls }) {
            const alive = (await subjectsOf(app, cookies)).filter((name) => name === ADA);
            const { length } = await Array.fromAsync(store.list(ADA));
            // Who finds its session ended, and logs in then, begins another one.
            const isLater = path === "/login" &&
              calls.startsWith("revoke: deleteAll, use: read, use: generation");
            assertEquals([alive.length, length], isLater ? [1, 1] : [0, 0], calls);
          },
        });
      }
    }
  }
});

Deno.test("revokeAll: whichever way a login interleaves with it, it ends, is refused, or begins later", async () => {
  for (const ahead of CLOCKS) {
    for (const rotate of [undefined, { every: 0 }]) {
      const seen = new Set<string>();
      await inEveryOrder({
        options: rotate ? { rotate } : {},
        ahead,
        async before(sessions) {
          return (await sessions.create({ note: "cart" })).cookie;
        },
        processes: {
          login: get("/login"),
          revoke: (_app, _headers, sessions) => sessions.revokeAll(ADA),
        },
        async after({ app, store, cookies, answers, calls }) {
          const order = calls.split(", ");
          const end = order.indexOf("revoke: deleteAll");
          const isLater = end < order.indexOf("login: generation");
          const isEarlier = order.findLastIndex((call) => call.startsWith("login: ")) < end;
          const { status, cookie } = answers.login!;
          assertEquals(status, isLater || isEarlier ? 200 : 409, calls);
          assertEquals(cookie !== undefined, status === 200, calls);
          const alive = (await subjectsOf(app, cookies)).filter((name) => name === ADA);
          const listed = await Array.fromAsync(store.list(ADA));
          assertEquals([alive.length, listed.length], isLater ? [1, 1] : [0, 0], calls);
          seen.add(isLater ? "later" : isEarlier ? "earlier" : "under way");
        },
      });
      assertEquals(seen.size, 3);
    }
  }
});

Deno.test("limit: a store that fails while there is made room leaves no more sessions than the limit", async () => {
  for (const policy of POLICIES) {
    for (const operation of ["list", "delete"] as const) {
      for (const fault of ["fail", "late"] as const) {
        for (const skipped of [0, 1, 2]) {
          const what = `${policy}: ${operation} ${fault} after ${skipped}`;
          const { store, inner, sessions, visitor, clock } = setup({
            maxSessions: { limit: 1, policy },
          });
          if (policy === "evict-oldest") await sessions.create({}, { subject: ADA });
          clock.advance(1);
          failLater(store, { operation, fault, skipped });
          const client = visitor();
          const response = await client.fetch("/login");
          store.heal();
          const isOpen = response.headers.getSetCookie().length > 0;
          assertEquals(isOpen, response.ok, what);
          assertEquals(await client.text("/me"), isOpen ? ADA : "nobody", what);
          const listed = await Array.fromAsync(inner.list(ADA));
          assert(listed.length <= 1, `${what}: ${listed.length} sessions`);
          assertEquals(await client.text("/login"), "welcome", what);
        }
      }
    }
  }
});

/** Lets one call go wrong after some that don't. */
function failLater(
  store: FaultyStore,
  { operation, fault, skipped }: {
    operation: StoreOperation;
    fault: "fail" | "late";
    skipped: number;
  },
): void {
  if (skipped === 0) return store.inject(operation, fault, 1);
  store.inject(operation, () => failLater(store, { operation, fault, skipped: skipped - 1 }), 1);
}

Deno.test("limit: a session that could not be checked against the limit is not left behind by create", async () => {
  for (const policy of POLICIES) {
    const { store, inner, sessions } = setup({ maxSessions: { limit: 3, policy } });
    failLater(store, { operation: "list", fault: "fail", skipped: policy === "reject" ? 1 : 0 });
    await assertRejects(() => sessions.create({}, { subject: ADA }), Error, "the store failed");
    assertEquals(await Array.fromAsync(inner.list(ADA)), [], policy);
    assertEquals(inner.size, 0);
  }
});

Deno.test("limit: a limit that comes late ends those that are too many in few calls", async () => {
  const { inner, store, sessions, clock } = setup();
  for (let count = 0; count < 20; count++) {
    clock.advance(1);
    await sessions.create({}, { subject: ADA });
  }
  clock.advance(1);
  const { told, events } = listen();
  const limited = createSessions<Data>({
    store,
    clock: clock.now,
    maxSessions: { limit: 3 },
    events,
  });
  store.calls();
  const { sid } = await limited.create({}, { subject: ADA });
  const lists = store.calls().filter((operation) => operation === "list").length;
  assertEquals([inner.size, told.length, told[0]], [3, 19, `created ${sid}`]);
  assert(lists <= 3, `${lists} lists`);
});

Deno.test("limit: what has ended by the policy in force doesn't count", async () => {
  for (const policy of POLICIES) {
    const { store, sessions, clock } = setup({ maxAge: 1000 });
    await sessions.create({}, { subject: ADA });
    await sessions.create({}, { subject: ADA });
    clock.advance(20);
    const shorter = createSessions<Data>({
      store,
      clock: clock.now,
      maxAge: 10,
      rolling: true,
      maxSessions: { limit: 2, policy },
    });
    assertEquals(await shorter.count(ADA), 0);
    const first = await shorter.create({}, { subject: ADA });
    clock.advance(1);
    const second = await shorter.create({}, { subject: ADA });
    assertEquals(
      (await Array.fromAsync(shorter.list(ADA))).map(({ sid }) => sid),
      [second.sid, first.sid],
      policy,
    );
  }
});

Deno.test("limit: a session that was ended to begin another one doesn't count, and is told of once", async () => {
  for (const policy of POLICIES) {
    const { told, events } = listen();
    const { visitor, sessions } = setup({ maxSessions: { limit: 1, policy }, events });
    const client = visitor();
    assertEquals(await client.text("/start"), "welcome");
    const [first] = await Array.fromAsync(sessions.list(ADA));
    assertEquals(await client.text("/start"), "welcome", policy);
    const [second] = await Array.fromAsync(sessions.list(ADA));
    assertEquals(
      told,
      [`created ${first!.sid}`, `created ${second!.sid}`, `logout ${first!.sid}`],
      policy,
    );
  }
});

Deno.test("limit: each session that was created is told to have ended, whichever way it ends", async () => {
  const { told, events } = listen();
  const { sessions, clock, visitor } = setup({
    maxSessions: { limit: 2, policy: "reject" },
    events,
  });
  await Promise.all(Array.from({ length: 5 }, () => visitor().fetch("/login")));
  clock.advance(1);
  await sessions.revokeAll(ADA);
  const sidsOf = (isCreated: boolean) =>
    told.filter((line) => line.startsWith("created ") === isCreated)
      .map((line) => line.split(" ")[1]).toSorted();
  assertEquals(sidsOf(false), sidsOf(true));
});

Deno.test("limit: a handler that was refused answers for itself", async () => {
  const { store, sessions, clock, inner } = setup();
  await sessions.create({}, { subject: ADA });
  const limited = createSessions<Data>({
    store,
    clock: clock.now,
    maxSessions: { limit: 1, policy: "reject" },
  });
  const app = new Hono().use(limited.middleware()).get("/login", async (c) => {
    c.var.session.subject = ADA;
    try {
      await c.var.session.save();
    } catch (error) {
      if (!(error instanceof SessionLimitError)) throw error;
      if (c.req.query("keep")) {
        c.var.session.subject = undefined;
        c.var.session.note = "keep";
      }
      return c.text("log out elsewhere first", 409);
    }
    return c.text("welcome");
  });
  for (const cookie of ["", (await sessions.create({ note: "cart" })).cookie]) {
    const response = await app.request("/login", { headers: { cookie } });
    assertEquals([response.status, await response.text()], [409, "log out elsewhere first"]);
    assertEquals(response.headers.getSetCookie(), []);
    assertEquals((await Array.fromAsync(inner.list(ADA))).length, 1);
  }
  // What it asks for without the subject is done.
  const response = await app.request("/login?keep=1");
  assertEquals([response.status, response.headers.getSetCookie().length], [409, 1]);
  assertEquals([await sessions.count(ADA), inner.size], [1, 3]);
});

Deno.test("limit: tokens of sessions that were evicted or revoked identify no session", async () => {
  const { sessions, app, clock } = setup({
    cookieName: false,
    secret: SECRET,
    token: { maxAge: 600 },
    maxSessions: { limit: 1 },
  });
  const me = async (token: string) =>
    await (await app.request("/me", { headers: { authorization: `Bearer ${token}` } })).text();
  const first = await sessions.create({}, { subject: ADA });
  assertEquals([first.cookie, first.setCookie], ["", []]);
  assertEquals(await me(first.token!), ADA);
  clock.advance(1);
  const second = await sessions.create({}, { subject: ADA });
  assertEquals([await me(first.token!), await me(second.token!)], ["nobody", ADA]);
  await sessions.revokeAll(ADA);
  assertEquals(await me(second.token!), "nobody");
});

Deno.test("limit: a subject that is cleared and set again in one request stays one session", async () => {
  const { told, events } = listen();
  const { sessions } = setup({ maxSessions: { limit: 1, policy: "reject" }, events });
  const app = new Hono().use(sessions.middleware())
    .get("/login", (c) => {
      const { session } = c.var;
      session.subject = "user:43";
      session.subject = undefined;
      session.subject = ADA;
      return c.text("welcome");
    })
    .get("/again", async (c) => {
      const { session } = c.var;
      session.subject = undefined;
      session.subject = ADA;
      await session.save();
      session.subject = undefined;
      await session.save();
      session.subject = ADA;
      return c.text("welcome");
    });
  const client = new Client(app);
  assertEquals(await client.text("/login"), "welcome");
  assertEquals(await client.text("/again"), "welcome");
  assertEquals([await sessions.count(ADA), await sessions.count("user:43")], [1, 0]);
  assertEquals(told.length, 1);
});
