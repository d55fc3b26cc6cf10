import {
  createSessions,
  getSession,
  SessionEndedError,
  type SessionOptions,
  type SessionRecord,
  SessionStoreError,
  type SessionSummary,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore, type StoreFault, type StoreOperation } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  note?: string;
}

const ADA = "user:42";
const SECRET = "a secret of thirty-two characters or more";
const META = { device: "phone" };
/** Texts that a session of the tests holds and that nobody but its client may see. */
const PRIVATE = ["private note", "phone", ADA];

function setup(options: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const inner = new MapStore({ clock: clock.now });
  const store = new FaultyStore(inner);
  const logged: unknown[] = [];
  const logger = {
    error: (...detail: unknown[]) => logged.push(detail),
    warn: (...detail: unknown[]) => logged.push(detail),
  };
  const sessions = createSessions<Data>({ store, clock: clock.now, logger, ...options });
  const app = new Hono()
    .use(sessions.middleware())
    .get("/me", (c) => c.text(c.var.session.subject ?? "nobody"))
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
  return { clock, inner, store, sessions, app, logged };
}

/** What a store holds of the only session of a subject. */
async function storedOf(store: MapStore): Promise<{ key: string; record: SessionRecord }> {
  const [listed, ...others] = await Array.fromAsync(store.list(ADA));
  assertEquals(others, []);
  return listed as { key: string; record: SessionRecord };
}

/** What something looks like in a log. */
function inLogs(value: unknown): string {
  return Deno.inspect(value, { depth: 10, showHidden: true });
}

Deno.test("manager: a session that was made opens, whatever its cookie looks like", async () => {
  const clock = new FakeClock();
  const store = new MapStore({ clock: clock.now });
  const scope = (c?: { tenant: string }) => c?.tenant ?? "none";
  const cases: Record<string, SessionOptions<Data>> = {
    plain: { store },
    signed: { store, secret: SECRET },
    prefix: { store, cookieOptions: { prefix: "host" } },
    exists: { store, existsCookieName: "there" },
    scope: { store, scope },
    rotate: { store, rotate: { every: 0 } },
    lazy: { store, lazy: true },
    chunks: { store: new EncryptedCookieStore({ secret: SECRET, chunks: 3, clock: clock.now }) },
    token: { store, secret: SECRET, token: { maxAge: 60 } },
  };
  for (const [name, options] of Object.entries(cases)) {
    const sessions = createSessions<Data>({ ...options, clock: clock.now });
    const note = name === "chunks"
      ? Array.from({ length: 2000 }, () => crypto.randomUUID()[0]).join("").padEnd(5000, "é")
      : "private note";
    const created = await sessions.create({ note }, { subject: ADA, meta: META, maxAge: 60 });
    const headers = { cookie: created.cookie };
    const opened = await sessions.open(new Request("https://app.test/", { headers }));
    assertEquals(
      [opened?.sid, opened?.note, opened?.subject, opened?.meta],
      [created.sid, note, ADA, META],
      name,
    );
    assertEquals(opened?.expiresAt.getTime(), clock.now() + 60_000, name);
    const app = new Hono().use(sessions.middleware())
      .get("/", async (c) => c.text((await getSession<Data>(c)).note ?? "nothing"));
    assertEquals(await (await app.request("https://app.test/", { headers })).text(), note, name);
    assertEquals(created.token !== undefined, name === "token", name);
  }
});

Deno.test("manager: open takes each credential that the middleware takes, and no other", async () => {
  const { sessions, inner } = setup({
    secret: SECRET,
    token: { maxAge: 60, header: "X-Token", queryParam: "key" },
  });
  const { cookie, sid, token } = await sessions.create({}, { subject: ADA });
  const { key } = await storedOf(inner);
  const url = "https://app.test/";
  const right: [string, HeadersInit][] = [
    [url, { cookie }],
    [url, { "x-token": token! }],
    [`${url}?key=${token}`, {}],
    [`${url}?key=nonsense`, { cookie }],
  ];
  const wrong: [string, HeadersInit][] = [
    [url, {}],
    [url, { cookie: `sid=${key}` }],
    [url, { cookie: cookie.slice(0, -1) }],
    [url, { cookie: `sid=${sid}` }],
    [url, { authorization: `Bearer ${token}` }],
    [`${url}?token=${token}`, {}],
    [`${url}?key=${key}`, {}],
  ];
  for (const [url, headers] of right) {
    assertEquals((await sessions.open(new Request(url, { headers })))?.sid, sid, url);
  }
  for (const [url, headers] of wrong) {
    assertEquals(await sessions.open(new Request(url, { headers })), undefined, url);
  }
});

Deno.test("manager: what was opened outside of a request stores nothing once it is ended", async () => {
  const { sessions, inner } = setup();
  const { cookie, sid } = await sessions.create({ note: "first" }, { subject: ADA });
  const request = new Request("https://app.test/", { headers: { cookie } });
  const opened = await sessions.open(request);
  opened!.subject = "user:43";
  opened!.meta = META;
  await opened!.save();
  assertEquals([await sessions.count(ADA), await sessions.count("user:43")], [0, 1]);
  assertEquals(await sessions.revoke("user:43", sid), true);
  opened!.note = "second";
  await assertRejects(() => opened!.save(), SessionEndedError);
  await assertRejects(() => opened!.update("note", () => "third"), SessionEndedError);
  assertEquals(inner.size, 0);
});

Deno.test("manager: an update that makes a session of a subject whose sessions were ended is refused", async () => {
  const { sessions, inner } = setup();
  const outcomes: unknown[] = [];
  const app = new Hono().use(sessions.middleware()).get("/", async (c) => {
    c.var.session.subject = ADA;
    await sessions.revokeAll(ADA);
    try {
      outcomes.push(await c.var.session.update("note", () => "kept"));
    } catch (error) {
      outcomes.push((error as Error).name);
    }
    return c.text("done");
  });
  assertEquals((await app.request("/")).headers.getSetCookie(), []);
  assertEquals([outcomes, inner.size], [["SessionEndedError"], 0]);
});

Deno.test("manager: a subject that is none is refused, not looked for", async () => {
  const { sessions, store } = setup();
  for (const subject of [undefined, null, "", 42, "x".repeat(257), "\ud800"] as string[]) {
    for (
      const ask of [
        async () => await Array.fromAsync(sessions.list(subject)),
        () => sessions.count(subject),
        () => sessions.revoke(subject, "sid"),
        () => sessions.revokeAll(subject),
      ]
    ) {
      await assertRejects(ask, TypeError, "a well-formed string of 1 to 256 characters");
    }
  }
  assertEquals(store.calls(), []);
});

Deno.test("manager: what create is given wrongly is told before anything is stored", async () => {
  const { sessions, store } = setup();
  await assertRejects(() => sessions.create({}, { subject: "" }), TypeError, "subject");
  await assertRejects(() => sessions.create({}, { maxAge: -1 }), RangeError, "maxAge is -1");
  await assertRejects(() => sessions.create({}, { meta: [] }), TypeError, "meta");
  await assertRejects(() => sessions.create({}, { meta: { a: "x".repeat(2048) } }), RangeError);
  await assertRejects(() => sessions.create({ sid: "x" } as Data), TypeError, "session.sid");
  await assertRejects(() => sessions.create({ note: 1n as never }), Error, "session.note");
  assertEquals(store.calls(), []);
});

Deno.test("manager: what create() refuses is refused before the store is asked", async () => {
  const { sessions, store } = setup({ maxSessions: { limit: 1 } });
  const provider = { issuer: "https://login.example", sid: "1" };
  const given = { subject: ADA, provider };
  await assertRejects(() => sessions.create({}, { ...given, maxAge: -1 }), RangeError, "maxAge");
  await assertRejects(() => sessions.create({}, { ...given, meta: [] }), TypeError, "meta");
  const unnamed = { ...given, provider: { ...provider, sid: "" } };
  await assertRejects(() => sessions.create({}, unnamed), TypeError, "provider");
  assertEquals(store.calls(), []);

  for (const scope of ["host", () => ""] as const) {
    const { sessions, store } = setup({ maxSessions: { limit: 1 }, scope });
    await assertRejects(() => sessions.create({}, given), TypeError, "scope");
    assertEquals(store.calls(), []);
  }
});

Deno.test("manager: a host that is not known is told", async () => {
  const { sessions } = setup({ scope: "host" });
  await assertRejects(() => sessions.create({}), TypeError, "Hono context");
  const app = new Hono().get("/", async (c) => c.json(await sessions.create({}, { c })));
  const { cookie } = await (await app.request("https://a.test/")).json();
  const request = new Request("https://a.test/", { headers: { cookie } });
  await assertRejects(() => sessions.open(request), TypeError, "Hono context");
  const ask = new Hono().all(
    "/",
    async (c) => c.json((await sessions.open(c.req.raw, { c }))?.isNew ?? null),
  );
  assertEquals(await (await ask.request(request)).json(), false);
  const elsewhere = await ask.request("https://b.test/", { headers: { cookie } });
  assertEquals(await elsewhere.json(), null);
});

Deno.test("manager: a cursor that is none begins at the start, and a page has its cursor once it is read", async () => {
  const { sessions } = setup();
  for (let count = 0; count < 3; count++) await sessions.create({}, { subject: ADA });
  for (const cursor of ["", "nonsense", "1.2.3~x", "..~x", "~", "1~", "NaN~x"]) {
    assertEquals((await Array.fromAsync(sessions.list(ADA, { cursor }))).length, 3, cursor);
  }
  const page = sessions.list(ADA, { limit: 2 });
  let left = 2;
  for await (const _ of page) if (--left === 0) break;
  assert(page.cursor, "the page was read");
  assertEquals((await Array.fromAsync(sessions.list(ADA, { cursor: page.cursor }))).length, 1);
  const whole = sessions.list(ADA, { limit: 3 });
  await Array.fromAsync(whole);
  assertEquals(whole.cursor, undefined);
  for (const limit of [0, -1, 1.5, NaN, "2" as never]) {
    assertThrows(() => sessions.list(ADA, { limit }), RangeError, `limit is ${limit}`);
  }
});

Deno.test("manager: the pages of a list hold each session once, whatever ends in between", async () => {
  const { sessions } = setup();
  const sids: string[] = [];
  for (let count = 0; count < 6; count++) {
    sids.unshift((await sessions.create({}, { subject: ADA })).sid);
  }
  const first = sessions.list(ADA, { limit: 2 });
  assertEquals(await Array.fromAsync(first, ({ sid }) => sid), sids.slice(0, 2));
  await sessions.revoke(ADA, sids[1]!);
  await sessions.revoke(ADA, sids[2]!);
  await sessions.create({}, { subject: ADA });
  const second = sessions.list(ADA, { cursor: first.cursor });
  assertEquals(await Array.fromAsync(second, ({ sid }) => sid), sids.slice(3));
});

Deno.test("manager: the session of a request is marked, lazy or not", async () => {
  for (const lazy of [false, true]) {
    const { sessions } = setup({ lazy });
    const { cookie, sid } = await sessions.create({}, { subject: ADA });
    await sessions.create({}, { subject: ADA });
    const currents = async (c?: unknown) => {
      const all = await Array.fromAsync(sessions.list(ADA, { c }));
      return all.filter(({ current }) => current).map(({ sid }) => sid);
    };
    const app = new Hono().use(sessions.middleware()).get(
      "/",
      async (c) => c.json(await currents(c)),
    );
    const answer = await app.request("/", { headers: { cookie } });
    assertEquals(await answer.json(), [sid], `lazy: ${lazy}`);
    for (const c of [undefined, null, {}, "c", 1]) assertEquals(await currents(c), []);
    // On an application without the middleware, and in a request without the session.
    const other = new Hono().get("/", async (c) => c.json(await currents(c)));
    assertEquals(await (await other.request("/", { headers: { cookie } })).json(), []);
    assertEquals(await (await app.request("/")).json(), []);
  }
});

Deno.test("manager: a session whose meta are damaged is listed and ended like any other", async () => {
  const { sessions, inner } = setup();
  const { sid } = await sessions.create({}, { subject: ADA, meta: META });
  const { key, record } = await storedOf(inner);
  inner.update(key, { ...record, meta: '{"device":"pho' }, record);
  await sessions.create({}, { subject: ADA });
  const all = await Array.fromAsync(sessions.list(ADA));
  assertEquals(all.length, 2);
  assertEquals(all.find((each) => each.sid === sid)?.meta, undefined);
  assertEquals(await sessions.revoke(ADA, sid), true);
});

Deno.test("manager: what it gives, throws and logs holds nothing that opens a session", async () => {
  const options = { token: { maxAge: 60 }, secret: SECRET } as const;
  const errors: unknown[] = [];
  const told: unknown[] = [];
  const events = Object.fromEntries(
    ["created", "loaded", "destroyed", "rejected", "interrupted", "storeError"].map((
      name,
    ) => [name, (event: unknown) => told.push([name, event])]),
  );
  const { sessions, store, inner, logged } = setup({ ...options, events });
  const created = await sessions.create({ note: "private note" }, { subject: ADA, meta: META });
  const { key } = await storedOf(inner);
  const token = created.cookie.split("=")[1]!.split(".")[0]!;
  const page = sessions.list(ADA, { limit: 1 });
  const listed = await Array.fromAsync(page);
  const secret = [token, key, created.token!, SECRET];
  const request = new Request("https://app.test/", { headers: { cookie: created.cookie } });
  const opened = await sessions.open(request);
  for (const text of secret) {
    assert(!inLogs([sessions, page, listed, page.cursor, opened]).includes(text), text);
  }
  const run = async (ask: () => Promise<unknown>) => errors.push(await ask().catch((e) => e));
  for (const operation of ["read", "create", "list", "delete", "deleteAll"] as const) {
    store.inject(operation, "fail", 1);
    await run(() => sessions.open(request));
    await run(() => sessions.create({ note: "private note" }, { subject: ADA, meta: META }));
    await run(() => sessions.revokeAll(ADA, { except: created.sid }));
    await run(() => sessions.count(ADA));
    await run(() => sessions.revoke(ADA, created.sid));
  }
  const failures = errors.filter((error) => error instanceof Error);
  assert(failures.length >= 4);
  for (const text of [...secret, ...PRIVATE]) {
    assert(!inLogs([failures, logged, told]).includes(text), `${text} in logs`);
  }
});

Deno.test("manager: whatever the store does, what is answered is so", async () => {
  const asks = {
    list: (sessions) => Array.fromAsync(sessions.list(ADA)),
    count: (sessions) => sessions.count(ADA),
    revoke: (sessions, sid) => sessions.revoke(ADA, sid),
    revokeAll: (sessions) => sessions.revokeAll(ADA),
  } satisfies Record<
    string,
    (sessions: ReturnType<typeof setup>["sessions"], sid: string) => Promise<unknown>
  >;
  const faults: [StoreOperation, StoreFault][] = (["list", "delete", "deleteAll"] as const)
    .flatMap((operation) =>
      (["fail", "late", "hang", ...operation === "list" ? ["tear" as const] : []] as const)
        .map((fault) => [operation, fault] as [StoreOperation, StoreFault])
    );
  for (const [name, ask] of Object.entries(asks)) {
    for (const [operation, fault] of faults) {
      for (const times of [1, Infinity]) {
        const what = `${name}: ${operation} ${fault} ${times}`;
        const told: string[] = [];
        const { sessions, store, inner, app } = setup({
          storeTimeout: 0.02,
          events: { destroyed: ({ reason }) => told.push(reason) },
        });
        const { sid, cookie } = await sessions.create({}, { subject: ADA });
        store.inject(operation, fault, times);
        const outcome = await ask(sessions, sid).catch((error) => error);
        store.heal();
        if (outcome instanceof Error) {
          assert(outcome instanceof SessionStoreError, `${what}: ${outcome}`);
          assert(fault !== "tear", what);
        }
        const me = await (await app.request("/me", { headers: { cookie } })).text();
        const isAlive = inner.size === 1;
        assertEquals(me, isAlive ? ADA : "nobody", what);
        const isEnd = name === "revoke" && outcome === true ||
          name === "revokeAll" && typeof outcome === "number";
        if (isEnd) assert(!isAlive, what);
        assert(!isAlive || told.length === 0, what);
      }
    }
  }
});

Deno.test("manager: without an index, only what needs one is refused", async () => {
  const sessions = createSessions<Data>({ store: new Map() });
  const { cookie } = await sessions.create({ note: "kept" }, { subject: ADA });
  const request = new Request("https://app.test/", { headers: { cookie } });
  assertEquals((await sessions.open(request))?.note, "kept");
  for (
    const ask of [
      async () => await Array.fromAsync(sessions.list(ADA)),
      () => sessions.count(ADA),
      () => sessions.revoke(ADA, "sid"),
      () => sessions.revokeAll(ADA),
    ]
  ) {
    await assertRejects(ask, TypeError, "does not list the sessions of a subject");
  }
  assertThrows(
    () => createSessions({ store: new Map(), maxSessions: { limit: 1 } }),
    TypeError,
    "maxSessions",
  );
});

Deno.test("manager: what failed keeps no subject unless it is told to", async () => {
  for (const commitOnError of [false, true]) {
    const { sessions, clock, inner } = setup();
    const failing = createSessions<Data>({
      store: inner,
      clock: clock.now,
      commitOnError,
    });
    const app = new Hono().use(failing.middleware())
      .get("/throw", async (c) => {
        await c.var.session.regenerate();
        c.var.session.subject = ADA;
        throw new Error("failed");
      })
      .get("/status", (c) => {
        c.var.session.subject = ADA;
        return c.text("failed", 500);
      })
      .get("/me", (c: Context) => c.text(c.get("session").subject ?? "nobody"))
      .onError((_error, c) => c.text("failed", 500));
    for (const path of ["/throw", "/status"]) {
      for (const isNew of [true, false]) {
        const client = new Client(app);
        const headers: HeadersInit = isNew
          ? {}
          : { cookie: (await sessions.create({ note: "cart" })).cookie };
        const response = await client.fetch(path, { headers });
        assertEquals(response.status, 500);
        const [line] = response.headers.getSetCookie();
        const cookie = line?.split(";")[0] ?? new Headers(headers).get("cookie") ?? "";
        const me = await (await app.request("/me", { headers: { cookie } })).text();
        assertEquals(me, commitOnError ? ADA : "nobody", `${path} ${isNew} ${commitOnError}`);
        assertEquals(await sessions.count(ADA), commitOnError ? 1 : 0);
        await sessions.revokeAll(ADA);
      }
    }
  }
});

Deno.test("manager: a session is marked by the manager whose cookie it is in, and a subject is one for all", async () => {
  const store = new MapStore();
  const user = createSessions<Data>({ store });
  const admin = createSessions<Data, "admin">({
    store,
    contextKey: "admin",
    cookieName: "admin",
    scope: () => "office",
  });
  const app = new Hono().use(user.middleware()).use(admin.middleware())
    .get("/", async (c) => {
      const marked = async (list: AsyncIterable<SessionSummary>) =>
        (await Array.fromAsync(list)).filter(({ current }) => current).map(({ sid }) => sid);
      return c.json([
        await marked(user.list(ADA, { c })),
        await marked(admin.list(ADA, { c })),
      ]);
    });
  const one = await user.create({}, { subject: ADA });
  const other = await admin.create({}, { subject: ADA });
  const headers = { cookie: `${one.cookie}; ${other.cookie}` };
  assertEquals(await (await app.request("/", { headers })).json(), [[one.sid], [other.sid]]);
  assertEquals([await user.count(ADA), await admin.count(ADA)], [2, 2]);
  assertEquals(await user.revokeAll(ADA), 2);
});

for (const order of ["subject last", "subject first"]) {
  Deno.test(`manager: who was excepted from the end of all can log in twice at the same time, ${order}`, async () => {
    const { app, sessions } = setup();
    const gate = new Gate();
    app.get("/login", async (c) => {
      await gate.pass();
      const { session } = c.var;
      if (order === "subject first") session.subject = ADA;
      await session.regenerate();
      if (order === "subject last") session.subject = ADA;
      return c.text(session.subject!);
    });
    const { cookie, sid } = await sessions.create({}, { subject: ADA });
    await sessions.revokeAll(ADA, { except: sid });
    const headers = { cookie };
    const logins = [app.request("/login", { headers }), app.request("/login", { headers })];
    await gate.arrived(2);
    gate.open();
    for (const response of await Promise.all(logins)) {
      assertEquals(response.status, 200);
      const [given] = response.headers.getSetCookie()[0]!.split(";");
      const me = await app.request("/me", { headers: { cookie: given! } });
      assertEquals(await me.text(), ADA);
    }
  });
}

Deno.test("stats() counts the sessions of all subjects, or says that the store can't", async () => {
  const sessions = createSessions({ store: new MapStore(), revokeEverything: true });
  for (const subject of ["user:42", "user:42", "user:43", undefined]) {
    await sessions.create({}, subject === undefined ? {} : { subject });
  }
  assertEquals(await sessions.stats(), { sessions: 3, subjects: 2 });
  const others = createSessions({ store: new Map() });
  await assertRejects(() => others.stats(), TypeError, "the store does not count them");
});
