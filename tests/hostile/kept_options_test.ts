import {
  createSessions,
  requireSession,
  session,
  type SessionCookie,
  type SessionEvents,
  type SessionOptions,
  type SessionRecord,
  type SessionStore,
  type StoreReplacement,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { OLDER_SECRET, SECRET } from "../_support/cookie_stores.ts";

interface Data {
  name?: string;
}

function makeApp(options: SessionOptions<Data>) {
  return new Hono()
    .use(session<Data>(options))
    .get("/login/:name", (c) => {
      c.var.session.name = c.req.param("name");
      c.var.session.subject = c.req.param("name");
      return c.text("welcome");
    })
    .get("/token", (c) => c.text(c.get("sessionToken") ?? ""))
    .get("/read", (c) => c.json(c.var.session));
}

async function setCookiesOf(app: Pick<Hono, "request">): Promise<string[]> {
  const response = await app.request("/login/Ada");
  assertEquals(response.status, 200);
  return response.headers.getSetCookie().map((line) => line.replace(/=[^;]*/, ""));
}

Deno.test("kept options: what becomes of them after the middleware was built changes nothing", async () => {
  const clock = new FakeClock();
  const secret = [SECRET];
  const token = {
    secret: [SECRET],
    maxAge: 60,
    header: "Authorization",
    audience: "api",
    payload: () => ({ role: "user" }),
  };
  const cookieOptions = { httpOnly: true, secure: true, domain: "app.test" };
  const existsCookieOptions = { domain: "app.test" };
  const told: string[] = [];
  const events: SessionEvents = { created: () => told.push("created") };
  const options = {
    store: new MapStore({ clock: clock.now }),
    clock: clock.now,
    secret,
    token,
    cookieOptions,
    existsCookieName: "exists",
    existsCookieOptions,
    rolling: { after: 10 },
    maxSessions: { limit: 1 },
    maxAge: 100,
    contextKey: "session",
    events,
  };
  const app = makeApp(options);
  const before = await setCookiesOf(app);
  assertEquals(told.splice(0), ["created"]);
  Object.assign(cookieOptions, { httpOnly: false, secure: false, domain: "evil.test" });
  Object.assign(existsCookieOptions, { domain: "evil.test" });
  Object.assign(token, { maxAge: 1, audience: "other", header: "X-Token", payload: () => ({}) });
  token.secret[0] = OLDER_SECRET;
  secret[0] = OLDER_SECRET;
  Object.assign(events, { created: () => told.push("another listener") });
  Object.assign(options.rolling, { after: 99 });
  Object.assign(options.maxSessions, { limit: 100 });
  Object.assign(options, { maxAge: 1, cookieOptions: {}, contextKey: "other" });
  assertEquals(await setCookiesOf(app), before);
  assertEquals(told.splice(0), ["created"]);
  const login = await app.request("/login/Bea");
  const headers = {
    cookie: login.headers.getSetCookie().map((line) => line.split(";")[0]).join("; "),
  };
  const signed = await (await app.request("/token", { headers })).text();
  assertEquals(JSON.parse(atob(signed.split(".")[1]!)).role, "user");
  const byToken = await app.request("/read", { headers: { authorization: `Bearer ${signed}` } });
  assertEquals(await byToken.json(), { name: "Bea" });
  // Each login has ended the one before, and renewal is due after ten seconds.
  const sessions = createSessions({ store: options.store, clock: clock.now });
  assertEquals(await sessions.count("Ada"), 1);
  clock.advance(11);
  const renewed = await app.request("/read", { headers });
  assertMatch(renewed.headers.getSetCookie()[0]!, /Max-Age=100; .*HttpOnly; Secure/);
});

Deno.test("kept options: those of a guard are what they were when it was built", async () => {
  const has = ["name" as const];
  const response = { error: { code: "denied" } };
  const guard = { has, response, status: 403 };
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .get("/", requireSession<Data>(guard), (c) => c.text("page"));
  has.length = 0;
  response.error.code = "changed";
  guard.status = 401;
  const denied = await app.request("/");
  assertEquals([denied.status, await denied.json()], [403, { error: { code: "denied" } }]);
});

Deno.test("kept options: secrets of a cookie store are read once, and its options copied", async () => {
  const options = { secret: [SECRET], chunks: 1 };
  const store = new EncryptedCookieStore(options);
  options.secret[0] = OLDER_SECRET;
  options.chunks = 4;
  const client = new Client(makeApp({ store, cookieName: "own" }));
  await client.text("/login/Ada");
  const reader = makeApp({
    store: new EncryptedCookieStore({ secret: SECRET }),
    cookieName: "own",
  });
  const headers = { cookie: await client.cookie() };
  assertEquals(await (await reader.request("/read", { headers })).json(), { name: "Ada" });
  const large = new Hono()
    .use(session<Data>({ store, cookieName: "own" }))
    .get("/", (c) => {
      c.var.session.name = "x".repeat(5000);
      return c.text("large");
    })
    .onError((error, c) => c.text(error.name, 500));
  assertEquals(await (await large.request("/")).text(), "SessionTooLargeError");
});

Deno.test("kept options: attributes that a session's cookie is given are copied, and no other cookie has them", async () => {
  const kept: SessionCookie = { sameSite: "Strict", path: "/shop" };
  const app = makeApp({ store: new MapStore() })
    .get("/own/:name", (c) => {
      c.var.session.name = c.req.param("name");
      c.set("sessionCookie", kept);
      kept.path = "/later";
      c.get("sessionCookie").httpOnly = false;
      return c.text("welcome");
    });
  const other = await app.request("/login/Ada");
  const own = await app.request("/own/Bea");
  assertMatch(own.headers.getSetCookie()[0]!, /Path=\/shop; Secure; SameSite=Strict$/);
  assertEquals(kept, { sameSite: "Strict", path: "/later" });
  const again = await app.request("/login/Cleo");
  const attributesOf = (response: Response) =>
    response.headers.getSetCookie()[0]!.replace(/^[^;]*/, "");
  assertEquals(attributesOf(again), attributesOf(other));
});

Deno.test("kept options: what payload gives back is not changed", async () => {
  const claims = Object.freeze({ role: "user", sid: "mine", exp: 1, aud: "mine" });
  const app = makeApp({
    store: new MapStore(),
    token: { secret: SECRET, maxAge: 60, payload: () => claims },
  });
  for (const name of ["Ada", "Bea"]) {
    const client = new Client(app);
    await client.text(`/login/${name}`);
    const token = await client.text("/token");
    const headers = { authorization: `Bearer ${token}` };
    assertEquals(await (await app.request("/read", { headers })).json(), { name });
  }
});

/** A store that keeps what it is given and hands it out as it is, as one that an application writes may. */
class KeepingStore implements SessionStore {
  readonly capabilities = { atomic: true, index: false, consistency: "strong" } as const;
  readonly records = new Map<string, SessionRecord>();
  /** Every record that was ever given, as it was then. */
  readonly given: [SessionRecord, string][] = [];

  read(key: string): SessionRecord | undefined {
    return this.records.get(key);
  }

  create(key: string, record: SessionRecord): boolean {
    return this.#set(key, record);
  }

  update(key: string, record: SessionRecord, previous: SessionRecord): boolean {
    return this.records.get(key)?.version === previous.version && this.#set(key, record);
  }

  replace(key: string, next: StoreReplacement, previous: SessionRecord): boolean {
    if (this.records.get(key)?.version !== previous.version) return false;
    this.records.delete(key);
    return this.#set(next.key, next.record);
  }

  touch(key: string, times: object, previous: SessionRecord): boolean {
    const record = this.records.get(key);
    return record?.version === previous.version && this.#set(key, { ...record, ...times });
  }

  delete(key: string): void {
    this.records.delete(key);
  }

  #set(key: string, record: SessionRecord): true {
    this.records.set(key, record);
    this.given.push([record, JSON.stringify(record)]);
    return true;
  }
}

Deno.test("kept records: one that a store keeps or hands out is never changed", async () => {
  for (const freeze of [false, true]) {
    const clock = new FakeClock();
    const store = new KeepingStore();
    const app = new Hono()
      .use(session<Data & { cart?: string[] }>({ store, clock: clock.now, rolling: { after: 1 } }))
      .get("/add/:item", async (c) => {
        (c.var.session.cart ??= []).push(c.req.param("item"));
        c.var.session.flash("name", "flashed");
        c.var.session.meta = { item: c.req.param("item") };
        if (c.req.query("save")) await c.var.session.save();
        if (c.req.query("login")) await c.var.session.regenerate();
        c.var.session.cart.push("more");
        return c.json(c.var.session);
      })
      .get("/read", (c) => c.json(c.var.session));
    const client = new Client(app);
    for (const query of ["", "?save=1", "?login=1", "?save=1&login=1"]) {
      if (freeze) { for (const record of store.records.values()) Object.freeze(record); }
      const shown = await client.json(`/add/apple${query}`);
      clock.advance(2);
      assertEquals(await client.json("/read"), shown);
      const { name: _, ...rest } = shown as Data;
      assertEquals(await client.json("/read"), rest);
    }
    assert(store.given.length > 8);
    for (const [record, asGiven] of store.given) assertEquals(JSON.stringify(record), asGiven);
  }
});
