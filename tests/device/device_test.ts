import {
  createSessions,
  endSession,
  requireSession,
  type SessionDevice,
  SessionError,
  type SessionOptions,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { session } from "@x/hono-session";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { OLDER_SECRET, SECRET } from "../_support/cookie_stores.ts";
import { counting } from "../_support/crypto.ts";
import { Browser, challengeOf, registrationOf, SETTLED } from "../_support/device.ts";

interface Data {
  userId?: string;
  cart?: string[];
}

/** An application with a login, and its clock. */
function setup(options: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const store = new MapStore({ clock: clock.now });
  const sessions = createSessions<Data>({
    store,
    clock: clock.now,
    secret: SECRET,
    device: true,
    ...options,
  });
  const app = new Hono()
    .use(sessions.middleware())
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.userId = "42";
      c.var.session.subject = "user:42";
      return c.text("welcome");
    })
    .get("/me", (c) => c.text(c.var.session.userId ?? "nobody"))
    .get("/cart", (c) => {
      c.var.session.cart = ["apple"];
      return c.text("put");
    })
    .get("/device", (c) => c.json(c.var.session.device ?? null))
    .get("/token", (c) => c.text(c.get("sessionToken" as never) ?? "none"))
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    })
    .post("/end", async (c) => {
      await endSession(c, await c.req.text());
      return c.text("bye");
    })
    .get("/list", async (c) => c.json(await Array.fromAsync(sessions.list("user:42", { c }))))
    .use("/admin", requireSession({ device: true }))
    .get("/admin", (c) => c.text("admin"));
  return { app, clock, store, sessions };
}

/** Whether a time is what a clock says: times of events are never the same twice in a process. */
function isAbout(time: string, now: number): boolean {
  return Math.abs(Date.parse(time) - now) < 5;
}

const REFUSED: [what: string, options: SessionOptions, message: RegExp][] = [
  ["without secret", { secret: undefined! }, /option device is not valid: secret is missing/],
  ["with rotate", { rotate: { every: 60 } }, /option device is not valid: rotate/],
  [
    "with a cookie store",
    { store: new EncryptedCookieStore({ secret: SECRET }) },
    /option device is not valid: a store on the server is required/,
  ],
  [
    "with partitioned cookies",
    { cookieOptions: { partitioned: true } },
    /option cookieOptions.partitioned is not valid/,
  ],
  ["with proofs of 299 seconds", { device: { every: 299 } }, /option device.every is 299/],
  ["with a path that a URL shortens", { device: { path: "/a/../b" } }, /option device.path/],
  [
    "without a cookie",
    { cookieName: false, token: { maxAge: 60 } },
    /option device is not valid: there is no cookie/,
  ],
  [
    "with the name of its cookie for another one",
    { existsCookieName: "sid-device" },
    /option existsCookieName is not valid/,
  ],
];

for (const [what, options, message] of REFUSED) {
  Deno.test(`device is refused ${what} when the middleware is built`, () => {
    const given = { store: new MapStore(), secret: SECRET, device: true, ...options };
    const error = assertThrows(() => session(given));
    const kind = what === "with proofs of 299 seconds" ? RangeError : TypeError;
    assert(error instanceof kind);
    assertMatch(error.message, message);
  });
}

Deno.test("a request that the browser sent before it had its proof finds the session", async () => {
  const rejected: unknown[] = [];
  const { app, clock, sessions } = setup({
    token: { maxAge: 3600 },
    events: { rejected: ({ reason }) => rejected.push(reason) },
  });
  const browser = await Browser.open(app);
  const asked = registrationOf(await browser.fetch("/login"))!;
  const cookie = await browser.cookie();
  const authorization = `Bearer ${await browser.text("/token")}`;
  assertEquals((await browser.register(asked)).status, 200);
  assertEquals(await browser.text("/me", { headers: { cookie } }), "42");
  assertEquals(
    (await sessions.open(new Request("https://app.test", { headers: { cookie } })))?.userId,
    "42",
  );
  assertEquals(rejected, []);
  assertEquals(await browser.text("/me", { headers: { cookie: "", authorization } }), "nobody");
  clock.advance(9);
  assertEquals(await browser.text("/me", { headers: { cookie } }), "42");
  // A proof does not begin it anew.
  assertEquals((await browser.refresh()).status, 200);
  clock.advance(SETTLED - 9);
  assertEquals(await browser.text("/me", { headers: { cookie } }), "nobody");
  assertEquals(rejected, ["device", "device"]);
});

for (const alg of ["ES256", "RS256"] as const) {
  Deno.test(`a session is bound with a key of ${alg}, and says since when`, async () => {
    const bound: string[] = [];
    const { app, clock } = setup({ events: { bound: ({ sid }) => bound.push(sid) } });
    const browser = await Browser.open(app, alg);
    assertEquals(await browser.json("/device"), null);
    await browser.login("/login");
    assertEquals(bound.length, 1);
    const first = await browser.json("/device") as Record<keyof SessionDevice, string>;
    assertEquals(first.boundAt, first.provenAt);
    assert(isAbout(first.boundAt, clock.now()));
    clock.advance(500);
    assertEquals((await browser.refresh()).status, 200);
    const second = await browser.json("/device") as Record<keyof SessionDevice, string>;
    assertEquals(second.boundAt, first.boundAt);
    assert(isAbout(second.provenAt, clock.now()));
    const [listed] = await browser.json("/list") as { sid: string; device: unknown }[];
    assertEquals([listed!.sid, listed!.device], [bound[0], second]);
  });
}

const COOKIES: [options: SessionOptions["cookieOptions"], name: string, attributes: string][] = [
  [{}, "sid-device", "Path=/; HttpOnly; Secure; SameSite=Lax"],
  [{ prefix: "host" }, "__Host-sid-device", "Path=/; HttpOnly; Secure; SameSite=Lax"],
  [{ prefix: "secure", sameSite: "Strict" }, "__Secure-sid-device", ""],
  [{ domain: "app.test", path: "/me", sameSite: "None" }, "sid-device", ""],
  [{ httpOnly: false, priority: "High" }, "sid-device", ""],
];

for (const [cookieOptions, name, attributes] of COOKIES) {
  Deno.test(`the cookie of the proof is told and set with the attributes of the session cookie: ${JSON.stringify(cookieOptions)}`, async () => {
    const { app } = setup({ cookieOptions: cookieOptions! });
    const browser = await Browser.open(app);
    const [own] = (await browser.login("/login")).headers.getSetCookie();
    const answer = await browser.refresh();
    const [line] = answer.headers.getSetCookie();
    const [pair, maxAge, ...rest] = line!.split("; ");
    assertEquals([pair!.split("=")[0], maxAge], [name, "Max-Age=540"]);
    assertEquals(rest, own!.split("; ").slice(2));
    const [credential, ...others] = browser.instructions!.credentials;
    const known = rest.filter((attribute) => !attribute.startsWith("Priority="));
    assertEquals(credential, { type: "cookie", name, attributes: known.join("; ") });
    assertEquals(others, []);
    if (attributes) assertEquals(rest.join("; "), attributes);
    assertEquals(await browser.text("/me"), "42");
    await browser.text("/logout");
    assertEquals(await browser.cookie(), "");
  });
}

Deno.test("a browser is told where to refresh, for which site, and who may make it do so", async () => {
  const { app } = setup();
  const browser = await Browser.open(app);
  await browser.login("/login");
  const { session_identifier: id, credentials: _, ...rest } = browser.instructions!;
  assertMatch(id, /^[\w-]{98}$/);
  assertEquals(rest, {
    refresh_url: "/_session/device/refresh",
    scope: { include_site: false },
    allowed_refresh_initiators: ["*"],
  });
  const own = setup({ device: { path: "/auth/bind", every: 300, initiators: ["*.app.test"] } });
  const other = await Browser.open(own.app);
  await other.login("/login");
  assertEquals(other.instructions!.refresh_url, "/auth/bind/refresh");
  assertEquals(other.instructions!.allowed_refresh_initiators, ["*.app.test"]);
  own.clock.advance(301);
  assertEquals(await other.text("/me"), "nobody");
  assertEquals((await other.refresh()).status, 200);
  assertEquals(await other.text("/me"), "42");
});

Deno.test("answers to a browser are never cached, and only its own two requests are answered", async () => {
  const { app } = setup();
  const browser = await Browser.open(app);
  const asked = registrationOf(await browser.fetch("/login"))!;
  for (
    const [path, init, status] of [
      [asked.path, { method: "POST" }, 400],
      ["/_session/device/register", { method: "POST" }, 404],
      ["/_session/device/refresh", { method: "POST" }, 404],
    ] as const
  ) {
    const response = await browser.fetch(path, init);
    assertEquals([response.status, response.headers.get("cache-control")], [status, "no-store"]);
    assertEquals(await response.text(), "");
  }
  for (
    const [path, method] of [
      [asked.path, "GET"],
      ["/_session/device", "POST"],
      ["/_session/device/refresh/more", "POST"],
      ["/x/_session/device/refresh", "POST"],
      ["/me?/_session/device/refresh", "POST"],
    ]
  ) {
    assertEquals(await browser.text(path!, { method: method! }), "404 Not Found", path);
  }
});

Deno.test("only a login asks to bind: neither a cart nor a renewal does, nor what is bound", async () => {
  const { app, clock } = setup({ rolling: { after: 10 } });
  const browser = await Browser.open(app);
  assertEquals(registrationOf(await browser.fetch("/cart")), undefined);
  await browser.login("/login");
  clock.advance(20);
  const renewed = await browser.fetch("/me");
  assertEquals(renewed.headers.getSetCookie().length, 1);
  assertEquals(registrationOf(renewed), undefined);
});

Deno.test("a login expires the proof of the former session", async () => {
  const { app } = setup();
  const browser = await Browser.open(app);
  assertEquals((await browser.login("/login")).headers.getSetCookie().length, 1);
  const again = (await browser.login("/login")).headers.getSetCookie();
  assertMatch(again[0]!, /^sid=[^;]+; Max-Age=86400; /);
  assertEquals(again.slice(1), [
    "sid-device=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
  ]);
  assertEquals(await browser.text("/me"), "42");
});

Deno.test("a session whose own cookie is partitioned is not asked to bind", async () => {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), secret: SECRET, device: true }))
    .get("/login", async (c) => {
      Object.assign(c.get("sessionCookie"), { sameSite: "None", partitioned: true });
      await c.var.session.regenerate();
      c.var.session.userId = "42";
      return c.text("welcome");
    });
  const response = await app.request("/login");
  assertMatch(response.headers.getSetCookie()[0]!, /Partitioned/);
  assertEquals(registrationOf(response), undefined);
});

Deno.test("a guard requires a bound session", async () => {
  const { app } = setup();
  const browser = await Browser.open(app);
  const asked = registrationOf(await browser.fetch("/login"))!;
  assertEquals((await browser.fetch("/admin")).status, 401);
  assertEquals((await browser.register(asked)).status, 200);
  assertEquals(await browser.text("/admin"), "admin");
});

Deno.test("an access token does not identify a bound session, with the session cookie or without", async () => {
  const reasons: unknown[] = [];
  const { app, clock } = setup({
    token: { maxAge: 3600 },
    events: { rejected: ({ reason }) => reasons.push(reason) },
  });
  const browser = await Browser.open(app);
  const asked = registrationOf(await browser.fetch("/login"))!;
  const authorization = `Bearer ${await browser.text("/token")}`;
  const ask = (cookie: string) => app.request("/me", { headers: { authorization, cookie } });
  assertEquals(await (await ask("")).text(), "42");
  await browser.register(asked);
  assertEquals(await (await ask("")).text(), "nobody");
  assertEquals(reasons.splice(0), ["device"]);
  clock.advance(SETTLED);
  const cookie = (await browser.cookie()).split("; ")[0]!;
  assertEquals(await (await ask(cookie)).text(), "nobody");
  assertEquals(reasons, ["device", "device"]);
  assertEquals(await (await ask(await browser.cookie())).text(), "42");
});

Deno.test("a bound session can be ended by its access token, which needs no proof", async () => {
  const { app, clock, sessions } = setup({ token: { maxAge: 3600 } });
  const browser = await Browser.open(app);
  const asked = registrationOf(await browser.fetch("/login"))!;
  const token = await browser.text("/token");
  await browser.register(asked);
  clock.advance(SETTLED);
  const ended = await app.request("/end", { method: "POST", body: token });
  assertEquals([ended.status, await sessions.count("user:42")], [200, 0]);
});

Deno.test("a session is opened outside of the middleware, as for a WebSocket, with a proof only", async () => {
  const { app, sessions, clock } = setup();
  const browser = await Browser.open(app);
  await browser.login("/login");
  const open = async (cookie: string) => {
    const request = new Request("https://app.test/socket", { headers: { cookie } });
    return (await sessions.open(request))?.userId;
  };
  const cookie = await browser.cookie();
  assertEquals(await open(cookie), "42");
  clock.advance(SETTLED);
  assertEquals(await open(cookie.split("; ")[0]!), undefined);
  clock.advance(601);
  assertEquals(await open(cookie), undefined);
});

Deno.test("a bound session is nobody's where the option was removed", async () => {
  const { app, store, clock } = setup();
  const browser = await Browser.open(app);
  await browser.login("/login");
  const without = setup({ store, clock: clock.now, device: false });
  const cookie = await browser.cookie();
  assertEquals(await (await without.app.request("/me", { headers: { cookie } })).text(), "nobody");
});

Deno.test("a change without a proof is answered with 403, as the error says", async () => {
  const { app, clock } = setup();
  const browser = await Browser.open(app);
  await browser.login("/login");
  clock.advance(SETTLED);
  const headers = { cookie: (await browser.cookie()).split("; ")[0]! };
  const response = await browser.fetch("/cart", { headers });
  assertEquals([response.status, response.headers.getSetCookie()], [403, []]);
  const caught: unknown[] = [];
  app.onError((error, c) => {
    caught.push(error instanceof SessionError && error.code);
    return c.text("refused", 400);
  });
  await browser.fetch("/cart", { headers });
  assertEquals(caught, ["ERR_SESSION_UNPROVEN"]);
});

Deno.test("a login that begins with regenerate() can store what it needs before it ends", async () => {
  const { app, clock } = setup();
  app.get("/begin", async (c) => {
    await c.var.session.regenerate();
    c.var.session.cart = ["state"];
    return c.text("to the identity provider");
  });
  app.get("/end", async (c) => {
    const [state] = c.var.session.cart ?? [];
    await c.var.session.regenerate();
    c.var.session.userId = state === "state" ? "43" : "nobody";
    return c.text("welcome");
  });
  const browser = await Browser.open(app);
  await browser.login("/login");
  clock.advance(SETTLED);
  // As with a key that is lost.
  const headers = { cookie: (await browser.cookie()).split("; ")[0]! };
  assertEquals((await browser.fetch("/cart", { headers })).status, 403);
  assertEquals((await browser.fetch("/begin", { headers })).status, 200);
  await browser.login("/end");
  assertEquals(await browser.text("/me"), "43");
});

Deno.test("proofs survive the rotation of secrets", async () => {
  const { app, store, clock } = setup({ secret: OLDER_SECRET });
  const browser = await Browser.open(app);
  await browser.login("/login");
  const now = setup({ store, clock: clock.now, secret: [SECRET, OLDER_SECRET] });
  const moved = new Browser(now.app, browser.key);
  Object.assign(moved, { instructions: browser.instructions, challenge: browser.challenge });
  const headers = { cookie: await browser.cookie() };
  assertEquals(await moved.text("/me", { headers }), "42");
  assertEquals((await moved.prove(moved.challenge)).status, 200);
  const forgotten = setup({ store, clock: clock.now, secret: SECRET });
  assertEquals(await (await forgotten.app.request("/me", { headers })).text(), "nobody");
});

Deno.test("a browser that has got the cookie of another session forgets the former one", async () => {
  const { app, clock } = setup();
  const browser = await Browser.open(app);
  await browser.login("/login");
  const { refresh_url: path, session_identifier: id } = browser.instructions!;
  const [former] = (await browser.cookie()).split("; ");
  // As with a double click: neither login has the cookie of the other.
  const first = registrationOf(await browser.fetch("/login", { headers: { cookie: "" } }))!;
  const second = registrationOf(await browser.fetch("/login", { headers: { cookie: "" } }))!;
  const cookie = `sid=${await browser.value()}`;
  const register = async ({ path, challenge }: typeof first) =>
    await browser.post(path, {
      cookie,
      "secure-session-response": await browser.key.register(challenge),
    });
  assertEquals((await register(first)).status, 404);
  assertEquals((await register(second)).status, 200);
  const ask = async (cookie: string) =>
    (await browser.post(path, { cookie, "sec-secure-session-id": id })).status;
  clock.advance(SETTLED);
  assertEquals(await ask(cookie), 404);
  // These don't show that it is another browser's: none, its own, a forged one, and several.
  for (const same of ["", former!, `${cookie.slice(0, -1)}_`, `${cookie}; ${former}`]) {
    assertEquals(await ask(same), 403, same);
  }
});

Deno.test("a cookie that is not for the path of a refresh shows nothing of another session", async () => {
  for (const path of ["/me", "/_session/dev"]) {
    const { app } = setup({ cookieOptions: { path } });
    const browser = await Browser.open(app);
    await browser.login("/login");
    const { refresh_url, session_identifier } = browser.instructions!;
    const other = await app.request("/login");
    const answer = await browser.post(refresh_url, {
      // It may be the former cookie of a wider path.
      cookie: other.headers.getSetCookie()[0]!.split(";")[0]!,
      "sec-secure-session-id": session_identifier,
    });
    assertEquals(answer.status, 403, path);
  }
});

Deno.test("two sessions of an application are bound each by itself", async () => {
  const clock = new FakeClock();
  const store = new MapStore({ clock: clock.now });
  const options = { store, clock: clock.now, secret: SECRET, device: true };
  const app = new Hono()
    .use(session<Data>(options))
    .use(session<Data, "admin">({ ...options, contextKey: "admin", cookieName: "admin" }))
    .get("/login", async (c) => {
      await c.var.admin.regenerate();
      c.var.admin.userId = "root";
      return c.text("welcome");
    })
    .get("/me", (c) => c.text(c.var.admin.userId ?? "nobody"));
  const browser = await Browser.open(app);
  await browser.login("/login");
  assertEquals(browser.instructions!.refresh_url, "/_session/device/admin/refresh");
  assertEquals(await browser.text("/me"), "root");
  clock.advance(SETTLED);
  const headers = { cookie: `admin=${await browser.value("admin")}` };
  assertEquals(await browser.text("/me", { headers }), "nobody");
  assertEquals((await browser.refresh()).status, 200);
});

Deno.test("a request to the application itself is of the same device, and both keep their changes", async () => {
  const rejected: unknown[] = [];
  const { app, clock } = setup({
    rolling: { after: 10 },
    events: { rejected: (event) => rejected.push(event) },
  });
  app.get("/outer", (c) => {
    c.var.session.userId = "43";
    return app.fetch(new Request("https://app.test/cart", c.req.raw));
  });
  const browser = await Browser.open(app);
  await browser.login("/login");
  clock.advance(20);
  assertEquals(await browser.text("/outer"), "put");
  assertEquals([await browser.text("/me"), rejected], ["43", []]);
});

Deno.test("an unbound session costs no signature more than without the option, a bound one costs one", async () => {
  const { app } = setup();
  const client = new Client(app);
  await client.text("/login");
  await client.text("/me");
  const unbound = await counting(async () => void await client.text("/me"));
  const browser = await Browser.open(app);
  await browser.login("/login");
  const bound = await counting(async () => void await browser.text("/me"));
  const plain = setup({ device: false });
  const other = new Client(plain.app);
  await other.text("/login");
  await other.text("/me");
  const without = await counting(async () => void await other.text("/me"));
  assertEquals(unbound, without);
  assertEquals(bound, { ...without, sign: without.sign! + 1 });
});

Deno.test("the reason that a client gives is passed on without its parameters, cut, and never believed", async () => {
  const events: { skipped?: string }[] = [];
  const { app, clock } = setup({ events: { rejected: (event) => events.push(event) } });
  const browser = await Browser.open(app);
  await browser.login("/login");
  clock.advance(SETTLED);
  const cookie = (await browser.cookie()).split("; ")[0]!;
  const { session_identifier: id } = browser.instructions!;
  for (
    const [given, told] of [
      [`server_error;session_identifier="${id}"`, "server_error"],
      [`quota_exceeded; session_identifier="${id}", unreachable`, "quota_exceeded"],
      ["x".repeat(1000), "x".repeat(64)],
      [`";\t\u00e9`, undefined],
    ] as const
  ) {
    const headers = { cookie, "secure-session-skipped": given };
    assertEquals(await browser.text("/me", { headers }), "nobody");
    assertEquals(events.pop()!.skipped, told);
  }
});

Deno.test("a refresh without a proof is answered with a challenge that is newer than the last accepted one", async () => {
  const { app, clock } = setup();
  const browser = await Browser.open(app);
  await browser.login("/login");
  const sent = browser.challenge!;
  clock.advance(-30);
  const { challenge, id } = challengeOf(await browser.prove(undefined));
  assertEquals(id, browser.instructions!.session_identifier);
  assertEquals((await browser.prove(sent)).status, 200);
  assertEquals((await browser.prove(challenge)).status, 403);
  clock.advance(-30);
  assertEquals((await browser.refresh()).status, 200);
  assertEquals((await browser.refresh()).status, 200);
});
