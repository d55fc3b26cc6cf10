// Each row of the table in .github/MIGRATING.md has a test of its name.
import {
  endSession,
  requireSession,
  session,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { CloudflareKvStore, type KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";

interface Data {
  value?: string;
}

const SECRET = "a secret of thirty-two characters or more";

function row(name: string, run: () => Promise<void>): void {
  Deno.test(`coming from hono-kv-session: ${name}`, run);
}

function setup(options: SessionOptions<Data> = {}) {
  const store = new FaultyStore(new MapStore());
  const app = new Hono()
    .use(session<Data>({ store, cookieName: "id", ...options }))
    .get("/login", async (c) => {
      await startSession<Data>(c, { value: "user01" });
      return c.text(c.var.session.value!);
    })
    .get("/logout", async (c) => {
      await endSession(c);
      return c.text("bye");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("ok");
    })
    .get("/renew", (c) => {
      c.var.session.renew();
      return c.text("ok");
    })
    .get("/", (c) => {
      const { value = null, sid, isNew } = c.var.session;
      return c.json({ value, sid, status: !isNew });
    });
  return { app, store, client: new Client(app) };
}

row("`kvClient()`", async () => {
  await using store = new DenoKvStore({ path: ":memory:" });
  const { client } = setup({ store });
  await client.text("/login");
  assertEquals((await client.json("/") as { value: string }).value, "user01");
});

row('`SessionManager({ name: "id", ttl: 604800 })`', async () => {
  const { app } = setup({ maxAge: 604800 });
  const [cookie] = (await app.request("/login")).headers.getSetCookie();
  assertMatch(cookie!, /^id=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
});

row("`SessionManager()`, with what it does by default", async () => {
  const clock = new FakeClock();
  const { client } = setup({
    clock: clock.now,
    maxAge: 604800,
    rolling: true,
    cookieOptions: { sameSite: "Strict" },
  });
  const week = /^id=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Strict$/;
  assertMatch((await client.fetch("/login")).headers.getSetCookie()[0]!, week);
  clock.advance(604700);
  assertMatch((await client.fetch("/")).headers.getSetCookie()[0]!, week);
});

row("`renew: true`, the default there", async () => {
  const still = new FakeClock();
  const { client: visitor } = setup({ clock: still.now, maxAge: 60 });
  await visitor.text("/login");
  still.advance(40);
  assertEquals((await visitor.fetch("/")).headers.getSetCookie(), [], "it is not the default here");
  still.advance(40);
  assertEquals((await visitor.json("/") as { status: boolean }).status, false);
  const clock = new FakeClock();
  const { client } = setup({ clock: clock.now, maxAge: 60, rolling: true });
  await client.text("/login");
  for (let day = 0; day < 5; day++) {
    clock.advance(40);
    const response = await client.fetch("/");
    assertEquals((await response.json()).status, true);
    assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=60;/);
  }
});

row("`regenerate: true`", async () => {
  const { client } = setup({ rotate: { every: 0, grace: 0 } });
  await client.text("/login");
  const tokens = [await client.value("id")];
  for (let access = 0; access < 3; access++) {
    assertEquals((await client.json("/") as { value: string }).value, "user01");
    tokens.push(await client.value("id"));
  }
  assertEquals(new Set(tokens).size, 4);
});

/** A namespace of Workers KV, and the texts in it. */
function makeNamespace() {
  const texts = new Map<string, string>();
  const namespace: KvNamespaceLike = {
    get: (key) => texts.get(key) ?? null,
    put: (key, value) => void texts.set(key, value),
    delete: (key) => void texts.delete(key),
  };
  return { texts, namespace };
}

row("`regenerate: true` on Workers KV", async () => {
  const { namespace } = makeNamespace();
  const store = new CloudflareKvStore({ namespace });
  assertThrows(
    () => setup({ store, rotate: { every: 0, grace: 0 } }),
    TypeError,
    "option rotate is not valid: an atomic store on the server is required; elsewhere call regenerate() at login",
  );
  const { client } = setup({ store });
  await client.text("/login");
  const before = await client.value("id");
  await client.text("/regenerate");
  assertNotEquals(await client.value("id"), before);
  assertEquals((await client.json("/") as { value: string }).value, "user01");
});

row("`user01` as the value of a key", async () => {
  const { texts, namespace } = makeNamespace();
  const { client } = setup({ store: new CloudflareKvStore({ namespace }) });
  await client.text("/login");
  const [[key, text] = ["", ""]] = texts;
  assertMatch(key, /^session:[\w-]{43}$/);
  assertEquals(key.includes((await client.value("id"))!), false);
  assertEquals(JSON.parse(text).data, '{"value":"user01"}');
});

row('`secret: "Strong_Secret_123"`', async () => {
  assertThrows(
    () => setup({ secret: "Strong_Secret_123" }),
    RangeError,
    "secret is 17 characters, at least 32 are required",
  );
  const { client } = setup({ secret: SECRET });
  await client.text("/login");
  assertEquals((await client.json("/") as { value: string }).value, "user01");
});

row('`createSession(c, "user01")`', async () => {
  for (const data of ["user01", 42, ["user01"], new Map()]) {
    const messages: string[] = [];
    const { app, store } = setup();
    app.onError((error, c) => c.text(String(messages.push(error.message)), 500));
    app.get("/start", async (c) => c.text((await startSession(c, data as object)).sid));
    assertEquals((await app.request("/start")).headers.getSetCookie(), []);
    assertMatch(
      messages[0]!,
      /^Cannot set session: a plain object or null is required, .*write \{ value \}/,
    );
    assertEquals(store.calls(), []);
  }
  const { client } = setup();
  assertEquals(await client.text("/login"), "user01");
});

row("`if (!c.session.status)`", async () => {
  const { app, client } = setup();
  app.get("/mine", (c) => c.var.session.isNew ? c.text("out") : c.text("in"));
  app.get("/open", (c) => c.get("session") ? c.text("in") : c.text("out"));
  assertEquals([await client.text("/mine"), await client.text("/open")], ["out", "in"]);
  await client.text("/login");
  assertEquals([await client.text("/mine"), await client.text("/open")], ["in", "in"]);
});

row("`secret`", async () => {
  const { client, store, app } = setup({ secret: SECRET });
  await client.text("/login");
  assertEquals((await client.json("/") as { value: string }).value, "user01");
  store.calls();
  const [token] = (await client.value("id"))!.split(".");
  const headers = { cookie: `id=${token}.${"A".repeat(43)}` };
  assertEquals((await (await app.request("/", { headers })).json()).status, false);
  assertEquals(store.calls(), []);
});

row("`createSession(c, value)`", async () => {
  const { client } = setup();
  assertEquals(await client.text("/login"), "user01");
  assertEquals((await client.json("/") as { value: string }).value, "user01");
});

row("`c.session.value`, `c.session.status`, `c.session.key`", async () => {
  const { client } = setup();
  const before = await client.json("/") as Record<string, unknown>;
  assertEquals([before["value"], before["status"]], [null, false]);
  await client.text("/login");
  const after = await client.json("/") as Record<string, unknown>;
  assertEquals([after["value"], after["status"]], ["user01", true]);
  assertEquals(after["sid"], (await client.json("/") as Record<string, unknown>)["sid"]);
  assertNotEquals(after["sid"], await client.value("id"));
});

row("`renewSession(c)`", async () => {
  const clock = new FakeClock();
  const { client } = setup({ clock: clock.now, maxAge: 60 });
  await client.text("/login");
  clock.advance(59);
  assertMatch((await client.fetch("/renew")).headers.getSetCookie()[0]!, /Max-Age=60;/);
  clock.advance(59);
  assertEquals((await client.json("/") as { status: boolean }).status, true);
});

row("`regenerateSession(c)`", async () => {
  const { client } = setup();
  await client.text("/login");
  const thief = await client.thief();
  assertEquals((await client.fetch("/regenerate")).headers.getSetCookie().length, 1);
  assertEquals((await client.json("/") as { value: string }).value, "user01");
  assertEquals((await thief.json("/") as { status: boolean }).status, false);
});

row("`deleteSession(c)`", async () => {
  const { client } = setup();
  await client.text("/login");
  const thief = await client.thief();
  await client.text("/logout");
  assertEquals(await client.value("id"), undefined);
  assertEquals((await thief.json("/") as { status: boolean }).status, false);
});

row("`denyAccess({ type, status, response })`", async () => {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .get("/login", async (c) => c.text((await startSession(c)).sid))
    .use("/json", requireSession())
    .use(
      "/html",
      requireSession({ type: "html", status: 403, response: "<p>Invalid session</p>" }),
    )
    .use("/writes", requireSession({ type: "text", when: (c) => c.req.method !== "GET" }))
    .all("/:page", (c) => c.text("page"));
  const client = new Client(app);
  const json = await client.fetch("/json");
  assertEquals([json.status, await json.text()], [
    401,
    '{"status":false,"message":"Invalid session"}',
  ]);
  const html = await client.fetch("/html");
  assertEquals([html.status, await html.text()], [403, "<p>Invalid session</p>"]);
  assertMatch(html.headers.get("content-type")!, /^text\/html/);
  assertEquals(await client.text("/writes"), "page");
  assertEquals(await client.text("/writes", { method: "POST" }), "Invalid session");
  await client.text("/login");
  for (const path of ["/json", "/html", "/writes"]) {
    assertEquals(await client.text(path, { method: "POST" }), "page");
  }
});

row("keys `session:<host>:<id>`", async () => {
  const { app } = setup({ scope: "host" });
  const login = await app.request("https://one.example/login");
  const headers = { cookie: login.headers.getSetCookie()[0]!.split(";")[0]! };
  const at = async (host: string) => (await app.request(`https://${host}/`, { headers })).json();
  assertEquals((await at("one.example")).status, true);
  assertEquals((await at("other.example")).status, false);
  assertEquals((await at("one.example")).status, true);
});
