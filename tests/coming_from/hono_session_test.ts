// Each row of the table in .github/MIGRATING.md has a test of its name.
import sessionByDefault, {
  endSession,
  session,
  type SessionEncoder,
  type SessionEnv,
  type SessionOptions,
  SessionSerializationError,
} from "@x/hono-session";
import { SealedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { DatabaseSync } from "node:sqlite";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";

// deno-lint-ignore no-explicit-any -- Like an application without types.
type Data = Record<string, any>;

// deno-lint-ignore no-explicit-any -- The lines for types are checked in readme_test.ts.
type UntypedContext = Context & { session: any };

const SECRET = "a secret of thirty-two characters or more";

function row(name: string, run: () => Promise<void>): void {
  Deno.test(`coming from hono-session: ${name}`, run);
}

/** An application with one route, `/`, and `/read`, which shows the data. */
function visit(
  options: SessionOptions<Data>,
  handler: (c: UntypedContext) => unknown,
): { app: Hono; client: Client } {
  const app = new Hono();
  app.use(session<Data>({ store: new MapStore(), ...options }));
  app.get("/", async (c) => {
    await handler(c as unknown as UntypedContext);
    return c.text("ok");
  });
  app.get("/read", (c) => c.json((c as unknown as UntypedContext).session));
  return { app, client: new Client(app) };
}

row('`import session from "hono-session"`', async () => {
  assertEquals(sessionByDefault, session);
  const app = new Hono().use(sessionByDefault({ store: new Map() })).get("/", (c) => c.text("ok"));
  assertEquals((await app.request("/")).status, 200);
});

row('`c.session.userId = "42"`, `c.get("session").userId`', async () => {
  const { client } = visit({}, (c) => {
    c.session.userId = "42";
    assertEquals(c.get("session").userId, "42");
    assertEquals(c.var.session, c.session);
  });
  await client.text("/");
  assertEquals(await client.json("/read"), { userId: "42" });
});

row('`c.session = null`, `c.set("session", null)`', async () => {
  for (
    const end of [
      (c: UntypedContext) => c.session = null,
      (c: UntypedContext) => c.set("session", null),
      (c: UntypedContext) => endSession(c),
    ]
  ) {
    const store = new MapStore();
    const app = new Hono<SessionEnv<Data>>();
    app.use(session<Data>({ store }));
    app.get("/login", (c) => {
      c.get("session").userId = "42";
      return c.text("ok");
    });
    app.get("/logout", async (c) => {
      await end(c as unknown as UntypedContext);
      return c.json((c as unknown as UntypedContext).session);
    });
    const client = new Client(app);
    await client.text("/login");
    assertEquals(store.size, 1);
    assertEquals(await client.json("/logout"), {});
    assertEquals([store.size, await client.value()], [0, undefined]);
  }
});

row("`c.session = { userId }`, which was lost", async () => {
  const { client } = visit({}, (c) => c.session = { userId: "42" });
  await client.text("/");
  assertEquals(await client.json("/read"), { userId: "42" });
});

row("`secret`, `encoder`", async () => {
  const { client: sealed } = visit(
    { store: new SealedCookieStore({ secret: SECRET }) },
    (c) => c.session.a = 1,
  );
  await sealed.text("/");
  assertMatch((await sealed.value())!, /^Fe26\.2\*/);
  assertEquals(await sealed.json("/read"), { a: 1 });
  const encoder: SessionEncoder = {
    encode: (data, secret) => btoa(JSON.stringify({ a: data.a, data, secret })),
    decode: (value) => JSON.parse(atob(value)).data,
  };
  const app = new Hono<SessionEnv<Data>>();
  app.use(session<Data>({ secret: SECRET, encoder }));
  app.get("/", (c) => {
    c.get("session").a = 1;
    return c.text("ok");
  });
  app.get("/read", (c) => c.json(c.get("session")));
  const client = new Client(app);
  await client.text("/");
  assertEquals(await client.json("/read"), { a: 1 });
  const { a, secret } = JSON.parse(atob(decodeURIComponent((await client.value())!)));
  assertEquals([a, secret], [1, SECRET]);
});

row("`store: { get, set, delete }`, `store: new Map()`", async () => {
  const rows = new Map<string, unknown>();
  const contexts: unknown[] = [];
  const database = {
    get: (id: string, c: Context) => Promise.resolve(contexts.push(c) && rows.get(id)),
    set: (id: string, data: unknown, c: Context) =>
      Promise.resolve(contexts.push(c) && rows.set(id, data)),
    delete: (id: string, c: Context) => Promise.resolve(contexts.push(c) && rows.delete(id)),
  };
  for (const store of [database, new Map()]) {
    const { client } = visit({ store }, (c) => c.session.userId = "42");
    await client.text("/");
    assertEquals(await client.json("/read"), { userId: "42" });
  }
  assertEquals(rows.size, 1);
  assert(contexts.every((c) => typeof (c as Context).req.path === "string"));
});

row("`maxAge`, `cookieName`, `cookieOptions`", async () => {
  const { app } = visit({
    maxAge: 60,
    cookieName: "id",
    cookieOptions: { domain: "example.com", sameSite: "Strict" },
  }, (c) => c.session.a = 1);
  const [cookie] = (await app.request("/")).headers.getSetCookie();
  assertMatch(
    cookie!,
    /^id=[\w-]{43}; Max-Age=60; Domain=example.com; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
  );
});

row("`existsCookieName`, `existsCookieOptions`", async () => {
  const { app } = visit(
    { existsCookieName: "sx", existsCookieOptions: { domain: "example.com" } },
    (c) => c.session.a = 1,
  );
  const [, exists] = (await app.request("/")).headers.getSetCookie();
  assertEquals(exists, "sx=1; Max-Age=86400; Domain=example.com; Path=/; Secure; SameSite=Lax");
});

row("`session.renew(30 * 86400)`", async () => {
  const clock = new FakeClock();
  const { app, client } = visit({ clock: clock.now }, (c) => {
    c.session.a = 1;
    c.session.renew(30 * 86400);
  });
  const response = await app.request("/");
  assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=2592000;/);
  await client.text("/");
  clock.advance(29 * 86400);
  assertEquals(await client.json("/read"), { a: 1 });
});

row("`await session.regenerate()`", async () => {
  const { app, client } = visit({}, async (c) => {
    c.session.userId = "42";
    await c.session.regenerate();
  });
  await client.text("/");
  const before = await client.value();
  const response = await app.request("/", { headers: { cookie: `sid=${before}` } });
  assertEquals(response.headers.getSetCookie().length, 1);
  const old = await app.request("/read", { headers: { cookie: `sid=${before}` } });
  assertEquals(await old.json(), {});
  const [cookie] = response.headers.getSetCookie();
  assertNotEquals(cookie!.split(";")[0], `sid=${before}`);
});

row("`session.flash(key, value)`, `session.reflash()`", async () => {
  const { client } = visit({}, (c) => {
    if (c.req.query("re")) c.session.reflash();
    else c.session.flash("notice", "saved");
  });
  await client.text("/");
  await client.text("/?re=1");
  assertEquals(await client.json("/read"), { notice: "saved" });
  assertEquals(await client.json("/read"), {});
});

row("`session.hasChanged`, `session.isNew`", async () => {
  const seen: unknown[] = [];
  const { client } = visit({}, ({ session }) => {
    seen.push([session.isNew, session.hasChanged]);
    session.a = 1;
    seen.push([session.isNew, session.hasChanged]);
  });
  await client.text("/");
  await client.text("/");
  assertEquals(seen, [[true, false], [true, true], [false, false], [false, false]]);
});

row("`null`, `[]` and `{}` as values, which were dropped", async () => {
  const data = { zero: 0, no: false, text: "", nothing: null, list: [], object: {} };
  const { client } = visit({}, ({ session }) => Object.assign(session, data));
  await client.text("/");
  assertEquals(await client.json("/read"), data);
});

row("`secret` of fewer than 32 characters, a 500 with every write", async () => {
  assertThrows(
    () => session({ store: new MapStore(), secret: "a short secret" }),
    RangeError,
    "secret is 14 characters, at least 32 are required, as `openssl rand -base64 32` prints them",
  );
  const { client } = visit({ secret: SECRET }, (c) => c.session.a = 1);
  await client.text("/");
  assertEquals(await client.json("/read"), { a: 1 });
});

row("`data` in `set(id, data, c)`, `id` a UUID", async () => {
  using db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE sessions (id TEXT PRIMARY KEY, data TEXT)");
  const find = (id: string) => db.prepare("SELECT data FROM sessions WHERE id = ?").get(id);
  const databaseStore = {
    get: (id: string) => Promise.resolve(JSON.parse(String(find(id)?.["data"] ?? "null"))),
    set(id: string, data: object) {
      const sql =
        "INSERT INTO sessions (id, data) VALUES (?, ?) ON CONFLICT DO UPDATE SET data = ?";
      db.prepare(sql).run(id, JSON.stringify(data), JSON.stringify(data));
      return Promise.resolve();
    },
    delete(id: string) {
      db.prepare("DELETE FROM sessions WHERE id = ?").run(id);
      return Promise.resolve();
    },
  };
  const { client } = visit({ store: databaseStore }, (c) => c.session.userId = "42");
  await client.text("/");
  assertEquals(await client.json("/read"), { userId: "42" });
  const [row] = db.prepare("SELECT id, data FROM sessions").all();
  assertMatch(String(row?.["id"]), /^[\w-]{43}$/);
  assertNotEquals(row?.["id"], await client.value());
  const record = JSON.parse(String(row?.["data"]));
  assertEquals(record.data, '{"userId":"42"}');
  assert(record.expiresAt > Date.now());
  for (const get of [find, (id: string) => find(id)?.["data"]]) {
    const lines: string[] = [];
    const logger = { error: (line: string) => void lines.push(line), warn() {} };
    const store = { ...databaseStore, get: (id: string) => Promise.resolve(get(id)) };
    const { app } = visit({ store, logger }, (c) => c.session.userId = "42");
    assertEquals((await app.request("/")).status, 503);
    assertMatch(
      lines[0]!,
      /Cannot store session: get\(\) of the store returns a value of type \w+ that is not the record/,
    );
  }
});

row("`c.session.at = new Date()`, which became a string", async () => {
  const { client } = visit({}, (c) => c.session.at = new Date(0).toISOString());
  await client.text("/");
  assertEquals(await client.json("/read"), { at: "1970-01-01T00:00:00.000Z" });
  const errors: unknown[] = [];
  const { app } = visit({}, (c) => c.session.at = new Date());
  app.onError((error, c) => c.text(String(errors.push(error)), 500));
  await app.request("/");
  assert(errors[0] instanceof SessionSerializationError);
  assertMatch(errors[0].message, /session\.at is a Date/);
});

row("a key called `meta`, `subject`, `sid`, `save`, …", async () => {
  const { client } = visit({}, ({ session }) => {
    for (const key of ["sid", "save", "update", "isNew"]) {
      assertThrows(
        () => session[key] = "mine",
        TypeError,
        `Cannot set session.${key}: the name is reserved`,
      );
    }
    assertThrows(() => session.subject = { id: 42 }, TypeError, "Cannot set session.subject");
    session.meta = { device: "phone" };
    session.about = { device: "phone" };
  });
  await client.text("/");
  assertEquals(await client.json("/read"), { about: { device: "phone" } });
});
