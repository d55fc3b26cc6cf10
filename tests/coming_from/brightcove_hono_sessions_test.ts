// Each row of the table in .github/MIGRATING.md has a test of its name.
import {
  endSession,
  requireSession,
  session,
  SessionExistsError,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { jwtVerify } from "jose";
import { Client } from "../_support/client.ts";
import { DYNALITE, type RunningServer, TABLES, TestClient } from "../_support/dynamodb.ts";
import { pooled } from "../_support/pooled.ts";

interface Data {
  user?: { id: number };
  newField?: string;
}

const SECRET = "a secret of thirty-two characters or more";

const nameOf = (name: string) => `coming from @brightcove/hono-sessions: ${name}`;

function row(name: string, run: () => Promise<void>): void {
  Deno.test(nameOf(name), run);
}

function setup(options: SessionOptions<Data> = {}) {
  const store = new FaultyStore(new MapStore());
  const app = new Hono()
    .use(session<Data>({ store, secret: SECRET, cookieName: "sid.bgs", ...options }))
    .get("/start", async (c) => {
      await startSession(c, { user: { id: 1234 } });
      return c.text(c.get("sessionToken") ?? "");
    })
    .get("/end", async (c) => {
      await endSession(c, c.req.query("old"));
      return c.text("ended");
    })
    .get("/read", (c) => c.json(c.var.session));
  return { app, store, client: new Client(app) };
}

let running: RunningServer;
if (!DYNALITE.ignore) {
  Deno.test.beforeAll(async () => void (running = await DYNALITE.start()));
  Deno.test.afterAll(async () => await running[Symbol.asyncDispose]());
}

pooled({ ignore: DYNALITE.ignore })(
  nameOf("`new DynamoDBAdapter({ tableName, primaryKey, sortKey, expiresAttr, document })`"),
  async () => {
    using client = new TestClient(running.port);
    const { name: tableName } = TABLES.plain;
    const options = { tableName, primaryKey: "pk", expiresAttr: "expires" };
    const store = new DynamoDbStore({ document: client.document, ...options });
    const { client: visitor } = setup({ store });
    await visitor.text("/start");
    assertEquals(await visitor.json("/read"), { user: { id: 1234 } });
  },
);

pooled({ ignore: DYNALITE.ignore })(nameOf("`defaultKeyFn`"), async () => {
  using client = new TestClient(running.port);
  const { name: tableName } = TABLES.reserved;
  const key = (key: string) => ({ table: `session#${key}`, name: "session" });
  const store = new DynamoDbStore({ document: client.document, tableName, key });
  const { client: visitor } = setup({ store });
  await visitor.text("/start");
  assertEquals(await visitor.json("/read"), { user: { id: 1234 } });
});

pooled({ ignore: DYNALITE.ignore })(
  nameOf("items with `session`, `cookie` and `token`"),
  async () => {
    using client = new TestClient(running.port);
    const { name: tableName } = TABLES.plain;
    const store = new DynamoDbStore({ document: client.document, tableName });
    const { client: visitor } = setup({ store });
    await visitor.text("/start");
    const { Items = [] } = await client.document.scan({ TableName: tableName });
    const item = Items.find(({ data }) => data === '{"user":{"id":1234}}')!;
    assertMatch(item["pk"], /^session:[\w-]{43}$/);
    assertEquals(item["pk"].includes(await visitor.value("sid.bgs")), false);
    for (const name of ["session", "cookie", "token"]) assertEquals(item[name], undefined);
  },
);

row("`sessions({ adapter, cookie, token })`", async () => {
  const options = { adapter: {}, cookie: { name: "sid.bgs" } };
  for (const [name, wayOut] of [["adapter", "use store"], ["cookie", "use cookieName"]] as const) {
    assertThrows(
      () => session({ [name]: options[name] } as SessionOptions),
      TypeError,
      `Cannot build session middleware: there is no option ${name}; ${wayOut}`,
    );
  }
  const { client } = setup({ cookieOptions: { secure: true }, token: { maxAge: 60 } });
  await client.text("/start");
  assertEquals(await client.json("/read"), { user: { id: 1234 } });
});

row("an `Adapter` with `get({ pk, sk })`", async () => {
  const items = new Map<string, unknown>();
  const adapter = {
    get: ({ pk }: { pk: string }) => Promise.resolve(items.get(pk)),
    set: ({ pk }: { pk: string }, item: unknown) => Promise.resolve(items.set(pk, item)),
    delete: ({ pk }: { pk: string }) => Promise.resolve(items.delete(pk)),
    defaultKeyFn: () => (sessionId: string) => ({ pk: sessionId, sk: "session" }),
  };
  assertThrows(
    () => setup({ store: adapter as never }),
    TypeError,
    "option store is not valid: it is a store of @brightcove/hono-sessions",
  );
  const { client } = setup({
    store: {
      get: (key) => Promise.resolve(items.get(key)),
      set: (key, record) => Promise.resolve(items.set(key, record)),
      delete: (key) => Promise.resolve(items.delete(key)),
    },
  });
  await client.text("/start");
  assertEquals(await client.json("/read"), { user: { id: 1234 } });
});

row("`secret` of fewer than 32 characters", async () => {
  assertThrows(() => setup({ secret: "secret" }), RangeError, "at least 32 are required");
  const { client } = setup({ secret: SECRET });
  await client.text("/start");
  assertEquals(await client.json("/read"), { user: { id: 1234 } });
});

row('`if (!c.get("session"))`', async () => {
  const { app, client } = setup();
  app.get("/open", (c) => c.get("session") ? c.text("in") : c.text("out"));
  app.get("/mine", (c) => c.get("session").isNew ? c.text("out") : c.text("in"));
  app.get("/guarded", requireSession({ type: "text" }), (c) => c.text("in"));
  const paths = ["/open", "/mine", "/guarded"];
  const seen = () => Promise.all(paths.map((path) => client.text(path)));
  assertEquals(await seen(), ["in", "out", "Invalid session"], "the first one stops nobody");
  await client.text("/start");
  assertEquals(await seen(), ["in", "in", "in"]);
});

row("`payload: (session) => ({ user_id: session.user.id })`", async () => {
  const lines: string[] = [];
  const logger = { error: (line: string) => void lines.push(line), warn() {} };
  const start = async (payload: (session: Data) => object) => {
    const { app } = setup({ logger, token: { maxAge: 60, payload } });
    app.get("/anonymous", async (c) => {
      await startSession(c, {});
      return c.text(c.get("sessionToken") ?? "none");
    });
    const response = await app.request("/anonymous");
    assertEquals(response.status, 200);
    return await response.text();
  };
  assertEquals(await start((session) => ({ user_id: session.user!.id })), "none");
  assertEquals(lines, ["Cannot issue session token: it failed"]);
  assertMatch(await start((session) => ({ user_id: session.user?.id })), /^ey/);
  assertEquals(lines.length, 1);
});

row('`cookie: { name: "sid.bgs", maxAge: 60, secure: true }`', async () => {
  const { app } = setup({ maxAge: 60, cookieOptions: { secure: true } });
  const [cookie] = (await app.request("/start")).headers.getSetCookie();
  assertMatch(cookie!, /^sid\.bgs=[^;]+; Max-Age=60; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
});

row("`secret`", async () => {
  const { app, store } = setup();
  const [cookie] = (await app.request("/start")).headers.getSetCookie();
  assertMatch(cookie!, /^sid\.bgs=[\w-]{43}\.[\w-]{43};/);
  store.calls();
  const forged = `sid.bgs=${"A".repeat(43)}.${"A".repeat(43)}`;
  await app.request("/read", { headers: { cookie: forged } });
  assertEquals(store.calls(), []);
});

row("`await startSession(c, data)`", async () => {
  const { app, store } = setup();
  const response = await app.request("/start");
  assertEquals([store.calls(), response.headers.getSetCookie().length], [["create"], 1]);
  const bad = new Hono().use(session({ store: new MapStore() })).get("/", async (c) => {
    await assertRejects(() => startSession(c, { at: new Date() }), Error, "session.at is a Date");
    return c.text("ok");
  });
  assertEquals((await bad.request("/")).headers.getSetCookie(), []);
});

row('`c.get("session").newField = …`', async () => {
  const { app, client } = setup();
  app.get("/edit", (c) => {
    c.get("session").newField = "new value";
    return c.text("ok");
  });
  await client.text("/start");
  await client.text("/edit");
  assertEquals(await client.json("/read"), { user: { id: 1234 }, newField: "new value" });
});

row('`c.get("sessionCookie").sameSite = …`', async () => {
  const { app, client } = setup();
  app.get("/edit", (c) => {
    c.get("sessionCookie").sameSite = "Strict";
    return c.text("ok");
  });
  app.get("/bad", async (c) => {
    const cookie = c.get("sessionCookie");
    await assertRejects(
      // deno-lint-ignore require-await -- To take a synchronous error as well.
      async () => cookie.domain = "a;b",
      TypeError,
      "Cannot change session cookie",
    );
    return c.text("ok");
  });
  await client.text("/start");
  const [cookie] = (await client.fetch("/edit")).headers.getSetCookie();
  assertMatch(cookie!, /SameSite=Strict$/);
  assertEquals((await client.fetch("/bad")).headers.getSetCookie(), []);
});

row("`await endSession(c)`", async () => {
  const { client, store } = setup();
  await client.text("/start");
  store.calls();
  const response = await client.fetch("/end");
  assertEquals(store.calls(), ["read", "delete"]);
  assertMatch(response.headers.getSetCookie()[0]!, /^sid\.bgs=; Max-Age=0;/);
  assertEquals((await client.fetch("/end")).headers.getSetCookie(), []);
});

row("`token: { maxAge, queryParam, payload }`", async () => {
  const { app } = setup({ token: { maxAge: 60, payload: ({ user }) => ({ user_id: user?.id }) } });
  const token = await (await app.request("/start")).text();
  const { payload, protectedHeader } = await jwtVerify(token, new TextEncoder().encode(SECRET));
  assertEquals(Object.keys(payload).toSorted(), ["exp", "sid", "user_id"]);
  assertEquals([payload["user_id"], protectedHeader.alg], [1234, "HS256"]);
});

row("`Authorization: Bearer …`, `?token=…`", async () => {
  const { app } = setup({ token: { maxAge: 60 } });
  const token = await (await app.request("/start")).text();
  const other = new Hono();
  other.route("/", app);
  const data = { user: { id: 1234 } };
  const headers = { authorization: `Bearer ${token}` };
  assertEquals(await (await app.request("/read", { headers })).json(), data);
  assertEquals(await (await app.request(`/read?token=${token}`)).json(), data);
  const closed = setup({ token: { maxAge: 60, queryParam: false } });
  const unused = await (await closed.app.request("/start")).text();
  assertEquals(await (await closed.app.request(`/read?token=${unused}`)).json(), {});
});

row('`c.get("sessionToken")`', async () => {
  const { app, client } = setup({ token: { maxAge: 60 } });
  app.get("/token", (c) => c.text(c.get("sessionToken") ?? "none"));
  assertEquals(await client.text("/token"), "none");
  await client.text("/start");
  const headers = { authorization: `Bearer ${await client.text("/token")}` };
  assertEquals(await (await app.request("/read", { headers })).json(), { user: { id: 1234 } });
});

row("`await endSession(c, token)`", async () => {
  const { app } = setup({ token: { maxAge: 60 } });
  const token = await (await app.request("/start")).text();
  await app.request(`/end?old=${token}`);
  const headers = { authorization: `Bearer ${token}` };
  assertEquals(await (await app.request("/read", { headers })).json(), {});
});

row("`allowOverwrite: false`", async () => {
  const { app, client } = setup({ allowOverwrite: false });
  app.get("/again", async (c) => {
    await assertRejects(() => startSession(c, {}), SessionExistsError);
    return c.text("ok");
  });
  await client.text("/start");
  assertEquals((await client.fetch("/again")).status, 200);
});

row("`logger`", async () => {
  const lines: string[] = [];
  const logger = { error: (line: string) => void lines.push(line), warn() {} };
  const { app } = setup({ logger, events: { created: () => Promise.reject(new Error("no")) } });
  await app.request("/start");
  assertEquals(lines, ['Cannot finish listener of session event "created": it failed']);
});
