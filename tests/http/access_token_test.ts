import {
  endSession,
  getSession,
  requireSession,
  session,
  SessionExistsError,
  type SessionOptions,
  type SessionTokenOptions,
  startSession,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { type Context, Hono } from "hono";
import { type JWTPayload, jwtVerify, SignJWT, UnsecuredJWT } from "jose";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { OLDER_SECRET, SECRET } from "../_support/cookie_stores.ts";

interface Data {
  name?: string;
  a?: number;
}

const ORIGIN = "https://app.test";
const QUIET = { error() {}, warn() {} };

const bytes = (secret: string) => new TextEncoder().encode(secret);

function setup(
  options: SessionOptions<Data> = {},
  token: Partial<SessionTokenOptions<Data>> = {},
) {
  const clock = new FakeClock();
  const watch = new FaultyStore(new MapStore({ clock: clock.now }));
  const told: string[] = [];
  const app = new Hono()
    .use(session<Data>({
      store: watch,
      clock: clock.now,
      token: { secret: SECRET, maxAge: 3600, ...token },
      events: {
        rejected: ({ reason }) => told.push(reason),
        destroyed: () => told.push("destroyed"),
      },
      ...options,
    }))
    .get("/login/:name", async (c) => {
      await startSession<Data>(c, { name: c.req.param("name") });
      return c.text(c.get("sessionToken") ?? "none");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/token", (c) => c.text(c.get("sessionToken") ?? "none"))
    .get("/set", (c) => {
      c.var.session.a = (c.var.session.a ?? 0) + 1;
      return c.text("set");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      const pending = c.get("sessionToken");
      await c.var.session.save();
      return c.json([pending ?? null, c.get("sessionToken")]);
    })
    .get("/end", async (c) => {
      await endSession(c, c.req.query("other"));
      return c.text("ended");
    });
  const request = (path: string, headers: Record<string, string> = {}) =>
    app.request(ORIGIN + path, { headers });
  const login = async (name = "Ada") => await (await request(`/login/${name}`)).text();
  const by = (token: string) => ({ authorization: `Bearer ${token}` });
  return { app, by, clock, login, request, told, watch };
}

/** A JWT of somebody who knows the secret, or another one. */
function forge(
  payload: JWTPayload,
  { secret = SECRET, alg = "HS256" }: { secret?: string; alg?: string } = {},
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg }).sign(bytes(secret));
}

/** What a token says. */
async function claimsOf(token: string, clock: FakeClock): Promise<JWTPayload> {
  const { payload } = await jwtVerify(token, bytes(SECRET), {
    algorithms: ["HS256"],
    currentDate: new Date(clock.now()),
  });
  return payload;
}

Deno.test("token is a JWT that jose verifies, with the key of the session as sid", async () => {
  const map = new Map();
  const clock = new FakeClock();
  const { login, request } = setup({ store: map, clock: clock.now }, {
    payload: ({ name }) => ({ name }),
  });
  const token = await login();
  const { payload, protectedHeader } = await jwtVerify(token, bytes(SECRET), {
    currentDate: new Date(clock.now()),
  });
  assertEquals(protectedHeader, { alg: "HS256", typ: "JWT" });
  const { sid, exp, ...rest } = payload;
  assertEquals(rest, { name: "Ada" });
  assertEquals(exp, clock.now() / 1000 + 3600);
  assertEquals([...map.keys()], [sid]);
  assertNotEquals(map.get(sid).sid, sid, "the public handle identifies no session");
  const headers = { authorization: `Bearer ${token}` };
  assertEquals(await (await request("/read", headers)).json(), { name: "Ada" });
});

Deno.test("token holds nothing but sid and exp, unless told", async () => {
  const { clock, login } = setup();
  assertEquals(Object.keys(await claimsOf(await login(), clock)).sort(), ["exp", "sid"]);
});

Deno.test("token takes no claim of its own from payload", async () => {
  const { by, clock, login, request } = setup({}, {
    audience: "api",
    payload: () => ({ sid: "A".repeat(43), exp: 1, aud: "elsewhere", iss: "me", zero: 0 }),
  });
  const token = await login();
  const { sid, ...claims } = await claimsOf(token, clock);
  assertNotEquals(sid, "A".repeat(43));
  assertEquals(claims, { exp: clock.now() / 1000 + 3600, aud: "api", iss: "me", zero: 0 });
  assertEquals(await (await request("/read", by(token))).json(), { name: "Ada" });
});

Deno.test("token without an audience takes no aud of payload over", async () => {
  const { by, login, request } = setup({}, { payload: () => ({ aud: "elsewhere" }) });
  assertEquals(await (await request("/read", by(await login()))).json(), { name: "Ada" });
});

Deno.test("token: of query, header and cookie the first that opens a session counts", async () => {
  const state = ["good", "bad", "absent"] as const;
  for (const query of state) {
    for (const header of state) {
      for (const cookie of state) {
        const { clock, request, told, watch } = setup();
        const login = async (name: string) => {
          const response = await request(`/login/${name}`);
          const line = response.headers.getSetCookie()[0]!;
          return { token: await response.text(), cookie: line.split(";")[0]! };
        };
        const people = {
          query: await login("query"),
          header: await login("header"),
          cookie: await login("cookie"),
        };
        const dead = await forge({ sid: "x".repeat(43), exp: clock.now() });
        watch.calls();
        const path = query === "absent"
          ? "/read"
          : `/read?token=${query === "good" ? people.query.token : dead}`;
        const response = await request(path, {
          ...(header === "absent" ? {} : {
            authorization: `Bearer ${header === "good" ? people.header.token : dead}`,
          }),
          ...(cookie === "absent" ? {} : {
            cookie: cookie === "good" ? people.cookie.cookie : `sid=${"x".repeat(43)}`,
          }),
        });
        const places = { query, header, cookie };
        const order = Object.entries(places);
        const first = order.findIndex(([, state]) => state === "good");
        const label = JSON.stringify(places);
        assertEquals(
          await response.json(),
          first === -1 ? {} : { name: order[first]![0] },
          label,
        );
        const passed = order.slice(0, first === -1 ? 3 : first);
        assertEquals(
          told.length,
          passed.filter(([, state]) => state === "bad").length,
          `one event each: ${label}`,
        );
        assertEquals(response.headers.getSetCookie(), [], label);
      }
    }
  }
});

Deno.test("token is found in a header whatever the case of Bearer, and in no other scheme", async () => {
  const { login, request, told, watch } = setup();
  const token = await login();
  for (const value of ["Bearer", "bearer", "BEARER", "bEARer", "Bearer  "]) {
    const response = await request("/read", { authorization: `${value} ${token} ` });
    assertEquals(await response.json(), { name: "Ada" }, value);
  }
  watch.calls();
  for (
    const value of [
      token,
      "Bearer",
      "Bearer ",
      `Bearer${token}`,
      `Bearer: ${token}`,
      `Basic ${token}`,
      `Bearer ${token} ${token}`,
      `Bearer x Bearer ${token}`,
      `Token Bearer ${token}`,
    ]
  ) {
    assertEquals(await (await request("/read", { authorization: value })).json(), {}, value);
  }
  assertEquals(watch.calls(), []);
  assertEquals(told, []);
});

Deno.test("token.header: in a header of another name the word Bearer may be left out", async () => {
  const { by, login, request } = setup({}, { header: "X-Session" });
  const token = await login();
  for (const value of [token, `Bearer ${token}`, `bearer ${token}`]) {
    assertEquals(await (await request("/read", { "x-session": value })).json(), { name: "Ada" });
  }
  assertEquals(await (await request("/read", by(token))).json(), {});
});

Deno.test("token.queryParam names the parameter, false closes it", async () => {
  const named = setup({}, { queryParam: "t.k" });
  const token = await named.login();
  assertEquals(await (await named.request(`/read?t.k=${token}`)).json(), { name: "Ada" });
  assertEquals(await (await named.request(`/read?token=${token}`)).json(), {});

  const closed = setup({}, { queryParam: false });
  const other = await closed.login();
  for (const name of ["token", "false", "none"]) {
    assertEquals(await (await closed.request(`/read?${name}=${other}`)).json(), {}, name);
  }
  assertEquals(await (await closed.request("/read", closed.by(other))).json(), { name: "Ada" });
  assertEquals(closed.told, []);
});

Deno.test("token: the first of duplicated query parameters counts, and no other", async () => {
  const { login, request, told, watch } = setup();
  const [ada, bob] = [await login("Ada"), await login("Bob")];
  assertEquals(await (await request(`/read?token=${ada}&token=${bob}`)).json(), { name: "Ada" });
  watch.calls();
  assertEquals(await (await request(`/read?token=x&token=${bob}`)).json(), {});
  assertEquals(await (await request(`/read?token=&token=${bob}`)).json(), {});
  assertEquals(await (await request(`/read?token[]=${bob}&TOKEN=${bob}#token=${bob}`)).json(), {});
  assertEquals(told, ["malformed", "malformed"]);
  assertEquals(watch.calls(), []);
});

Deno.test("token: what is forged or out of date identifies no session and costs no store call", async () => {
  const { clock, login, request, by, told, watch } = setup({}, { audience: "api" });
  const token = await login();
  const { sid, exp } = await claimsOf(token, clock) as { sid: string; exp: number };
  const now = clock.now() / 1000;
  const good = { sid, exp, aud: "api" };
  assertEquals(
    await (await request("/read", by(await forge(good)))).json(),
    { name: "Ada" },
    "or what follows says nothing",
  );
  const [header, payload, signature] = token.split(".") as [string, string, string];
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const index = alphabet.indexOf(signature.at(-1)!);
  const aliases = [1, 2, 3].map((bits) =>
    `${header}.${payload}.${signature.slice(0, -1)}${alphabet[index + bits]}`
  );
  const encode = (value: unknown) =>
    btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const unsigned = new UnsecuredJWT(good).encode();
  const hostile: Record<string, [string, string]> = {
    "alg none": [unsigned, "malformed"],
    "alg none with the signature of another": [`${unsigned}${signature}`, "forged"],
    "alg none in odd case": [
      `${encode({ alg: "nOnE" })}.${payload}.${signature}`,
      "forged",
    ],
    "no alg": [`${encode({ typ: "JWT" })}.${payload}.${signature}`, "forged"],
    "HS384": [
      await forge(good, { alg: "HS384", secret: SECRET + SECRET }),
      "malformed",
    ],
    "HS512": [await forge(good, { alg: "HS512", secret: SECRET + SECRET }), "malformed"],
    "another key": [await forge(good, { secret: OLDER_SECRET }), "forged"],
    "an empty signature": [`${header}.${payload}.`, "malformed"],
    "no signature": [`${header}.${payload}`, "malformed"],
    "four parts": [`${token}.${signature}`, "malformed"],
    "another payload": [`${header}.${encode({ ...good, exp: exp + 1 })}.${signature}`, "forged"],
    "another header": [`${encode({ alg: "HS256" })}.${payload}.${signature}`, "forged"],
    "a payload that is no JSON": [`${header}.AAAA.${signature}`, "forged"],
    "a header that is no JSON": [`AAAA.${payload}.${signature}`, "forged"],
    "no base64url": [`${header}.${payload}+.${signature}`, "malformed"],
    "padding": [`${token}=`, "malformed"],
    "alias 1 of the last character": [aliases[0]!, "malformed"],
    "alias 2 of the last character": [aliases[1]!, "malformed"],
    "alias 3 of the last character": [aliases[2]!, "malformed"],
    "no exp": [await forge({ sid, aud: "api" }), "expired"],
    "an exp that is a text": [await forge({ ...good, exp: "9".repeat(12) as never }), "expired"],
    "an exp that is null": [await forge({ ...good, exp: null as never }), "expired"],
    "expired now": [await forge({ ...good, exp: now }), "expired"],
    "expired long ago": [await forge({ ...good, exp: -1 }), "expired"],
    "not yet valid": [await forge({ ...good, nbf: now + 1 }), "expired"],
    "an nbf that is a text": [await forge({ ...good, nbf: "0" as never }), "expired"],
    "another audience": [await forge({ ...good, aud: "elsewhere" }), "scope"],
    "other audiences": [await forge({ ...good, aud: ["a", "b"] }), "scope"],
    "the audience as a part": [await forge({ ...good, aud: "api2" }), "scope"],
    "no audience": [await forge({ sid, exp }), "scope"],
    "no sid": [await forge({ exp, aud: "api" }), "malformed"],
    "a sid that is a number": [await forge({ ...good, sid: 5 }), "malformed"],
    "a sid that is a list": [await forge({ ...good, sid: [sid] }), "malformed"],
    "a sid that is too long": [await forge({ ...good, sid: `${sid}A` }), "malformed"],
    "a sid with a path": [await forge({ ...good, sid: `../${sid.slice(3)}` }), "malformed"],
    "a sid with a line after it": [await forge({ ...good, sid: `${sid}\n` }), "malformed"],
    "more than 8 KB": [await forge({ ...good, padding: "x".repeat(8192) }), "malformed"],
    "1 MB": [`${header}.${"A".repeat(1 << 20)}.${signature}`, "malformed"],
    "dots": [".".repeat(8000), "malformed"],
    "the key alone": [sid, "malformed"],
  };
  watch.calls();
  for (const [name, [hostileToken, reason]] of Object.entries(hostile)) {
    for (const place of ["header", "query"]) {
      told.length = 0;
      const response = place === "header"
        ? await request("/read", by(hostileToken))
        : await request(`/read?token=${encodeURIComponent(hostileToken)}`);
      assertEquals(await response.json(), {}, `${name} in the ${place}`);
      assertEquals(told, [reason], `${name} in the ${place}`);
      assertEquals(watch.calls(), [], `${name} in the ${place}`);
      assertEquals(response.headers.get("vary"), null, name);
    }
  }
});

Deno.test("token is refused with a header that has critical extensions (RFC 7515, 4.1.11)", async () => {
  const { by, clock, login, request, told } = setup();
  const { sid, exp } = await claimsOf(await login(), clock) as { sid: string; exp: number };
  const token = await new SignJWT({ sid, exp })
    .setProtectedHeader({ alg: "HS256", crit: ["b64"], b64: true })
    .sign(bytes(SECRET), { crit: { b64: true } });
  assertEquals(await (await request("/read", by(token))).json(), {});
  assertEquals(told, ["forged"]);
});

Deno.test("token with several audiences is taken where one is meant", async () => {
  const { by, clock, login, request } = setup({}, { audience: "api" });
  const { sid, exp } = await claimsOf(await login(), clock) as { sid: string; exp: number };
  const token = await forge({ sid, exp, aud: ["other", "api"], nbf: clock.now() / 1000 });
  assertEquals(await (await request("/read", by(token))).json(), { name: "Ada" });

  const none = setup();
  const payload = await claimsOf(await none.login(), none.clock);
  for (const aud of ["api", ["api"], [], null]) {
    const headers = none.by(await forge({ ...payload, aud: aud as string }));
    assertEquals(await (await none.request("/read", headers)).json(), {}, JSON.stringify(aud));
  }
});

Deno.test("token is over when its time is, by the clock of the session, and a fresh one is given", async () => {
  const { by, clock, login, request, told } = setup({}, { maxAge: 60 });
  const token = await login();
  clock.advance(59.999);
  const response = await request("/token", by(token));
  const fresh = await response.text();
  clock.advance(0.001);
  assertEquals(await (await request("/read", by(token))).json(), {});
  assertEquals(await (await request("/read", by(fresh))).json(), { name: "Ada" });
  assertEquals(told, ["expired"]);
});

Deno.test("token identifies no session after its session, however long it could be used", async () => {
  const { by, clock, login, request, told } = setup({ maxAge: 100 }, { maxAge: 3600 });
  const token = await login();
  clock.advance(100);
  assertEquals(await (await request("/read", by(token))).json(), {});
  assertEquals(told, ["unknown"]);
});

Deno.test("token renews a rolling session", async () => {
  const { by, clock, login, request } = setup({ maxAge: 100, rolling: true });
  const token = await login();
  for (let each = 0; each < 5; each++) {
    clock.advance(60);
    const response = await request("/read", by(token));
    assertEquals(await response.json(), { name: "Ada" });
    assertEquals(response.headers.getSetCookie(), []);
  }
});

Deno.test("token is invalid when its session was ended or regenerated", async () => {
  const { by, login, request, told, watch } = setup();
  const token = await login();
  const [pending, next] = await (await request("/regenerate", by(token))).json();
  assertEquals(pending, null);
  assertNotEquals(next, token);
  assertEquals(await (await request("/read", by(token))).json(), {});
  assertEquals(await (await request("/read", by(next))).json(), { name: "Ada" });
  await request("/end", by(next));
  told.length = 0;
  watch.calls();
  for (const dead of [token, next]) {
    assertEquals(await (await request("/read", by(dead))).json(), {});
  }
  assertEquals(told, ["unknown", "unknown"]);
  assertEquals(watch.calls(), ["read", "read"]);
});

Deno.test("token is invalid when its session was regenerated over a cookie", async () => {
  const { app, by, request } = setup();
  const client = new Client(app);
  const token = await client.text("/login/Ada");
  await client.text("/regenerate");
  assertEquals(await (await request("/read", by(token))).json(), {});
  assertEquals(await client.json("/read"), { name: "Ada" });
});

Deno.test("token is not a cookie, and a cookie is no token", async () => {
  for (const secret of [undefined, SECRET]) {
    const { app, by, request, told, watch } = setup(secret ? { secret } : {});
    const client = new Client(app);
    const token = await client.text("/login/Ada");
    watch.calls();
    told.length = 0;
    assertEquals(await (await request("/read", { cookie: `sid=${token}` })).json(), {});
    const value = (await client.value())!;
    assertEquals(await (await request("/read", by(value))).json(), {});
    assertEquals(await (await request(`/read?token=${value}`)).json(), {});
    assertEquals(told, [secret ? "forged" : "malformed", "malformed", "malformed"]);
    assertEquals(watch.calls(), []);
  }
});

Deno.test("token opens no session of another cookie or another middleware on the same store", async () => {
  const watch = new FaultyStore(new MapStore());
  const token = { secret: SECRET, maxAge: 60 };
  const told: string[] = [];
  const events = { rejected: ({ reason }: { reason: string }) => told.push(reason) };
  const app = new Hono()
    .use(session<Data>({ store: watch, token, events }))
    .use(session<Data, "admin">({
      store: watch,
      token,
      contextKey: "admin",
      cookieName: "admin",
      events: { rejected: ({ reason }) => told.push(`admin ${reason}`) },
    }))
    .use(session<Data, "api">({ store: watch, token, contextKey: "api", cookieName: false }))
    .get("/login", async (c) => {
      for (const contextKey of ["session", "admin", "api"]) {
        await startSession(c, { name: contextKey }, { contextKey });
      }
      return c.json([c.get("sessionToken"), c.get("adminToken"), c.get("apiToken")]);
    })
    .get("/read", (c) => c.json([c.var.session, c.var.admin, c.var.api]));
  const tokens = await (await app.request("/login")).json();
  const expected = [[{ name: "session" }, {}, {}], [{}, { name: "admin" }, {}], [{}, {}, {
    name: "api",
  }]];
  for (const [index, each] of tokens.entries()) {
    const response = await app.request("/read", { headers: { authorization: `Bearer ${each}` } });
    assertEquals(await response.json(), expected[index]);
  }
  assertEquals(told, ["admin unknown", "unknown", "unknown", "admin unknown"]);
});

Deno.test("token identifies no session in another scope", async () => {
  const { app, by, login, told } = setup({ scope: "host" });
  const token = await login();
  const read = async (origin: string) =>
    await (await app.request(`${origin}/read`, { headers: by(token) })).json();
  assertEquals(await read(ORIGIN), { name: "Ada" });
  assertEquals(await read("https://evil.test"), {});
  assertEquals(told, ["scope"]);
});

Deno.test("token: a session that came by it is never answered with a cookie", async () => {
  const { app, by, login } = setup({
    rolling: { after: 1 },
    existsCookieName: "sx",
    secret: SECRET,
  });
  const routes = app
    .get("/renew", (c) => {
      c.var.session.renew(60);
      return c.text("renewed");
    })
    .get("/cookie", (c) => {
      c.get("sessionCookie").sameSite = "Strict";
      return c.text("changed");
    })
    .get("/replace", (c) => {
      c.set("session", { name: "Bob" } as typeof c.var.session);
      return c.text("replaced");
    })
    .get("/update", async (c) => c.json(await c.var.session.update("a", () => 1)))
    .get("/late", (c) => {
      void c.var.session.regenerate();
      c.var.session.a = 1;
      return c.text("regenerated");
    })
    .get("/fail", async (c) => {
      await c.var.session.regenerate();
      throw new Error("failed");
    });
  routes.onError((_, c) => c.text("failed", 500));
  const paths = ["/read", "/set", "/renew", "/cookie", "/replace", "/update", "/regenerate"];
  for (const path of [...paths, "/late", "/fail", "/end"]) {
    for (const cookie of [undefined, `sid=${"x".repeat(43)}`]) {
      const token = await login();
      const response = await app.request(ORIGIN + path, {
        headers: { ...by(token), ...(cookie ? { cookie } : {}) },
      });
      assertEquals(response.headers.getSetCookie(), [], path);
      assertEquals(response.status, path === "/fail" ? 500 : 200, path);
    }
  }
});

Deno.test("token in a link does not touch the session of the browser that follows it", async () => {
  const { app, login } = setup();
  const client = new Client(app);
  await client.text("/login/Victim");
  const before = await client.cookie();
  for (const path of ["/read", "/set", "/regenerate", "/end"]) {
    await client.text(`${path}?token=${await login("Attacker")}`);
    assertEquals(await client.cookie(), before, path);
    assertEquals(await client.json("/read"), { name: "Victim" }, path);
  }
});

Deno.test("token: startSession() begins a session that may have a cookie, and ends that of the token", async () => {
  const { app, by, login, request } = setup();
  const token = await login("Attacker");
  const client = new Client(app);
  const next = await client.text(`/login/Ada?token=${token}`);
  assertEquals(await client.json("/read"), { name: "Ada" });
  assertEquals(await (await request("/read", by(token))).json(), {});
  assertEquals(await (await request("/read", by(next))).json(), { name: "Ada" });
});

Deno.test("token: a session assigned after that of the token has ended is an independent one", async () => {
  const { app, by, login } = setup();
  app.get("/again", (c) => {
    c.set("session", null as never);
    c.set("session", { name: "Eve" } as never);
    return c.text(String(c.get("sessionToken")));
  });
  const client = new Client(app);
  const token = await login();
  assertEquals(await client.text("/again", { headers: by(token) }), "undefined");
  assertEquals(await client.json("/read"), { name: "Eve" });
});

Deno.test("token counts for allowOverwrite as a cookie does", async () => {
  const { app, by, login } = setup({ allowOverwrite: false });
  app.get("/again", async (c) => {
    await assertRejects(() => startSession(c), SessionExistsError);
    return c.text("kept");
  });
  const token = await login();
  assertEquals(await (await app.request("/again", { headers: by(token) })).text(), "kept");
});

Deno.test("sessionToken is there when the session is stored and lasts, and else it is undefined", async () => {
  const { app } = setup();
  const seen: Record<string, boolean> = {};
  app.get("/see", async (c) => {
    const see = (name: string) => seen[name] = c.get("sessionToken") !== undefined;
    see("none");
    c.var.session.name = "Ada";
    see("not stored yet");
    await c.var.session.save();
    see("saved");
    const regenerating = c.var.session.regenerate();
    see("regenerating");
    await regenerating;
    see("regenerated");
    await c.var.session.save();
    see("saved again");
    await c.var.session.update("a", () => 1);
    see("updated");
    c.set("session", null as never);
    see("ended");
    await startSession(c);
    see("started");
    return c.text("seen");
  });
  assertEquals(await (await app.request("/see")).text(), "seen");
  assertEquals(seen, {
    "none": false,
    "not stored yet": false,
    "saved": true,
    "regenerating": false,
    "regenerated": false,
    "saved again": true,
    "updated": true,
    "ended": false,
    "started": true,
  });
});

Deno.test("sessionToken of the request tells what is saved", async () => {
  const { app, clock, login, by } = setup({}, { payload: ({ name }) => ({ name }) });
  app.get("/rename", async (c) => {
    c.var.session.name = "Eve";
    await c.var.session.save();
    return c.text(c.get("sessionToken")!);
  });
  const token = await (await app.request("/rename", { headers: by(await login()) })).text();
  assertEquals((await claimsOf(token, clock)).name, "Eve");
});

Deno.test("sessionToken is never one that regenerate() is about to kill", async () => {
  let meanwhile = () => {};
  const { app, by, login } = setup({}, {
    payload: () => {
      queueMicrotask(meanwhile);
      return {};
    },
  });
  app.get("/race", async (c) => {
    meanwhile = () => void c.var.session.regenerate();
    await c.var.session.save();
    meanwhile = () => {};
    return c.text(String(c.get("sessionToken")));
  });
  const token = await login();
  assertEquals(await (await app.request("/race", { headers: by(token) })).text(), "undefined");
});

Deno.test("sessionToken can't be set", async () => {
  const { app, login, by } = setup();
  app.get("/assign", (c) => {
    assertThrows(() => c.set("sessionToken", "x"), TypeError, "Cannot change session token");
    return c.text(c.get("sessionToken")!);
  });
  const token = await login();
  assertEquals(await (await app.request("/assign", { headers: by(token) })).text(), token);
});

Deno.test("sessionToken is a variable like any other without the option", async () => {
  const app = new Hono<{ Variables: { sessionToken: string } }>()
    .use(session({ store: new MapStore() }) as never)
    .get("/", (c) => {
      c.set("sessionToken", "mine");
      return c.text(c.get("sessionToken"));
    });
  assertEquals(await (await app.request("/")).text(), "mine");
});

Deno.test("endSession(c, token) ends the session of the token at once", async () => {
  const { by, login, request, told, watch } = setup();
  const [ada, bob] = [await login("Ada"), await login("Bob")];
  watch.calls();
  const response = await request(`/end?other=${ada}`, by(bob));
  assertEquals(response.headers.getSetCookie(), []);
  assertEquals(watch.calls(), ["read", "read", "delete"]);
  assertEquals(told, ["destroyed"]);
  assertEquals(await (await request("/read", by(ada))).json(), {});
  assertEquals(await (await request("/read", by(bob))).json(), { name: "Bob" });
});

Deno.test("endSession(c, token) leaves the session of the request and its cookie alone", async () => {
  const { app, login } = setup();
  const client = new Client(app);
  await client.text("/login/Ada");
  const before = await client.cookie();
  await client.text(`/end?other=${await login("Bob")}`);
  assertEquals(await client.cookie(), before);
  assertEquals(await client.json("/read"), { name: "Ada" });
});

Deno.test("endSession(c, token) ends the session of the request where it is the same", async () => {
  const { app, by, told } = setup();
  app.get("/end-own", async (c) => {
    await endSession(c, c.get("sessionToken")!);
    return c.json([c.get("session"), c.get("sessionToken") ?? null]);
  });
  const client = new Client(app);
  const token = await client.text("/login/Ada");
  assertEquals(await client.json("/end-own"), [{}, null]);
  assertEquals(await client.cookie(), "");
  assertEquals(told, ["destroyed"]);
  const response = await app.request("/read", { headers: by(token) });
  assertEquals(await response.json(), {});
});

Deno.test("endSession(c, token) with one that identifies no session ends nothing", async () => {
  const { by, clock, login, request, told, watch } = setup();
  const token = await login();
  const { sid, exp } = await claimsOf(token, clock) as { sid: string; exp: number };
  const useless = [
    "x",
    await forge({ sid, exp }, { secret: OLDER_SECRET }),
    await forge({ sid, exp: clock.now() / 1000 }),
    await forge({ sid: "x".repeat(43), exp }),
    new UnsecuredJWT({ sid, exp }).encode(),
  ];
  watch.calls();
  for (const each of useless) {
    const response = await request(`/end?other=${encodeURIComponent(each)}`);
    assertEquals(response.status, 200);
  }
  assertEquals(told, ["malformed", "forged", "expired", "unknown", "malformed"]);
  assertEquals(watch.calls(), ["read"]);
  assertEquals(await (await request("/read", by(token))).json(), { name: "Ada" });
});

Deno.test("endSession(c, token) tells once of a session that it ends twice", async () => {
  const { app, by, login, told } = setup();
  app.get("/twice", async (c) => {
    const token = c.get("sessionToken")!;
    await endSession(c);
    await endSession(c, token);
    return c.text("ended");
  });
  await app.request("/twice", { headers: by(await login()) });
  assertEquals(told, ["destroyed"]);
});

Deno.test("endSession(c, token) fails without the option, without the middleware, and with the store", async () => {
  const app = new Hono()
    .get("/none", async (c) => {
      await assertRejects(() => endSession(c, "x"), TypeError, "no session middleware");
      return c.text("ok");
    })
    .use(session({ store: new MapStore() }))
    .get("/off", async (c) => {
      await assertRejects(() => endSession(c, "x"), TypeError, "has no option token");
      return c.text("ok");
    });
  assertEquals(await (await app.request("/none")).text(), "ok");
  assertEquals(await (await app.request("/off")).text(), "ok");

  const { by, login, request, watch } = setup({ logger: QUIET });
  const [ada, bob] = [await login("Ada"), await login("Bob")];
  watch.inject("delete", "fail", 1);
  assertEquals((await request(`/end?other=${ada}`, by(bob))).status, 503);
  assertEquals(await (await request("/read", by(ada))).json(), { name: "Ada" }, "nothing ended");
});

Deno.test("endSession(c, token) stops what a request under way would write", async () => {
  const { app, by, login, request } = setup();
  app.get("/slow", async (c) => {
    c.var.session.a = 1;
    await request(`/end?other=${c.get("sessionToken")}`);
    return c.text("slow");
  });
  const token = await login();
  assertEquals((await request("/slow", by(token))).status, 200);
  assertEquals(await (await request("/read", by(token))).json(), {});
});

Deno.test("cookieName: false sends no cookie and reads none", async () => {
  const { app, by, login, told, watch } = setup({ cookieName: false, secret: OLDER_SECRET });
  app.get("/cookie", (c) => c.text(String(c.get("sessionCookie"))));
  const client = new Client(app);
  const token = await client.text("/login/Ada");
  assertEquals(await client.cookie(), "");
  assertEquals(await client.json("/read", { headers: by(token) }), { name: "Ada" });
  for (const path of ["/set", "/regenerate", "/end"]) {
    const response = await client.fetch(path, { headers: by(await login()) });
    assertEquals(response.headers.getSetCookie(), [], path);
  }
  watch.calls();
  told.length = 0;
  const { sid } = JSON.parse(atob(token.split(".")[1]!));
  for (const cookie of [`sid=${"x".repeat(43)}`, `sid=${sid}`, `sid=${token}`]) {
    assertEquals(await client.json("/read", { headers: { cookie } }), {});
  }
  assertEquals([watch.calls(), told], [[], []]);
  assertEquals(await client.text("/cookie"), "undefined");
});

Deno.test("cookieName: false with lazy has no cookie either", async () => {
  const { app, watch } = setup({ cookieName: false, lazy: true });
  app.get("/lazy", async (c) => {
    await getSession(c);
    const cookie: unknown = c.get("sessionCookie");
    return c.text(cookie === undefined ? "none" : "some");
  });
  assertEquals(await (await app.request("/lazy")).text(), "none");
  assertEquals(watch.calls(), []);
});

Deno.test("token costs nothing on a lazy session that is not asked for", async () => {
  let made = 0;
  const { app, by, login, watch } = setup({ lazy: true }, {
    payload: () => {
      made++;
      return {};
    },
  });
  app.get("/idle", (c) => c.text(String(c.get("sessionToken"))))
    .get("/lazy", async (c) => c.json([await getSession(c), typeof c.get("sessionToken")]));
  const token = await login();
  [made] = [0];
  watch.calls();
  assertEquals(await (await app.request("/idle", { headers: by(token) })).text(), "undefined");
  assertEquals([made, watch.calls()], [0, []]);
  const response = await app.request("/lazy", { headers: by(token) });
  assertEquals(await response.json(), [{ name: "Ada" }, "string"]);
});

Deno.test("token keeps to the budget of store calls", async () => {
  const { by, login, request, watch } = setup();
  const token = await login();
  assertEquals(watch.calls(), ["create"]);
  await request("/read", by(token));
  assertEquals(watch.calls(), ["read"]);
  await request("/set", by(token));
  assertEquals(watch.calls(), ["read", "update"]);
  const [, next] = await (await request("/regenerate", by(token))).json();
  assertEquals(watch.calls(), ["read", "replace"]);
  await request("/end", by(next));
  assertEquals(watch.calls(), ["read", "delete"]);
});

Deno.test("token: parallel requests lose no writes", async () => {
  const { app, by, login, request } = setup();
  app.get("/add", async (c) => c.json(await c.var.session.update("a", (a = 0) => a + 1)));
  const headers = by(await login());
  await Promise.all(Array.from({ length: 10 }, () => request("/add", headers)));
  assertEquals(await (await request("/read", headers)).json(), { name: "Ada", a: 10 });
});

Deno.test("token: Vary names its header, and shared caches are kept out", async () => {
  const cases: [SessionOptions<Data>, Partial<SessionTokenOptions<Data>>, string | null][] = [
    [{}, {}, "Cookie, Authorization"],
    [{}, { header: "X-Session" }, "Cookie, X-Session"],
    [{ cookieName: false }, {}, "Authorization"],
    [{ cacheControl: false }, {}, null],
  ];
  for (const [options, token, vary] of cases) {
    const { login, request } = setup(options, token);
    const jwt = await login();
    for (const path of [`/read?token=${jwt}`, `/set?token=${jwt}`]) {
      const { headers } = await request(path);
      assertEquals(headers.get("vary"), vary);
      assertEquals(headers.get("cache-control"), vary === null ? null : "private");
    }
    const { headers } = await request("/read");
    assertEquals([headers.get("vary"), headers.get("cache-control")], [null, null]);
  }
});

Deno.test("token: the response that hands the first one out is kept out of caches", async () => {
  for (const cookieName of ["sid", false] as const) {
    const { request } = setup({ cookieName });
    const { headers } = await request("/login/Ada");
    assertEquals(headers.get("cache-control"), "no-store", `cookieName: ${cookieName}`);
  }
});

/** Ways to look at the token of a session, and at everything but it. */
const LOOKS: Record<string, [look: (c: Context) => unknown, isShown: boolean]> = {
  'c.get("sessionToken")': [(c) => c.get("sessionToken"), true],
  "c.var.sessionToken": [(c) => c.var.sessionToken, true],
  "all of c.var": [(c) => ({ ...c.var }), true],
  "c.var.session": [(c) => c.var.session, false],
  'c.get("session")': [(c) => c.get("session"), false],
  "the names of c.var": [(c) => Object.keys(c.var), false],
  nothing: [() => "nothing", false],
};

Deno.test("token: a response that may show the token of a session is kept out of all caches, other ones are private", async () => {
  for (const lazy of [false, true]) {
    for (const [how, [look, isShown]] of Object.entries(LOOKS)) {
      const { app, by, login, request } = setup({ lazy });
      const seen: unknown[] = [];
      app.use("/look/*", async (c, next) => {
        await next();
        seen.push(c.res.headers.get("cache-control"));
      });
      app.get("/look/*", async (c) => {
        await getSession(c);
        return c.json(look(c) ?? null, 200, { "cache-control": "max-age=5" });
      });
      app.get("/later", async (c, next) => {
        await next();
        c.res.headers.set("x-token", JSON.stringify(look(c)));
      }, async (c) => {
        await getSession(c);
        return c.text("page");
      });
      const token = await login();
      const expected = isShown ? "no-store" : "max-age=5, private";
      for (const path of ["/look", `/look?token=${token}`]) {
        const { headers } = await request(path, path === "/look" ? by(token) : {});
        assertEquals(headers.get("cache-control"), expected, how);
        assertEquals(seen.pop(), expected, how);
      }
      const { headers } = await request("/later", by(token));
      assertEquals(headers.get("cache-control"), isShown ? "no-store" : "private", how);
      const anonymous = await request("/look");
      assertEquals(anonymous.headers.get("cache-control"), "max-age=5", how);
    }
  }
});

Deno.test("token.secret: the first signs, all verify, and it is the middleware's if there is none", async () => {
  const old = setup({}, { secret: OLDER_SECRET });
  const both = setup({}, { secret: [SECRET, OLDER_SECRET] });
  const token = await both.login();
  assertEquals(typeof (await claimsOf(token, both.clock)).sid, "string");
  const payload = await claimsOf(token, both.clock);
  const older = await forge(payload, { secret: OLDER_SECRET });
  assertEquals(await (await both.request("/read", both.by(older))).json(), { name: "Ada" });
  assertEquals(await (await old.request("/read", old.by(await forge(payload)))).json(), {});

  const shared = new MapStore();
  const clock = new FakeClock();
  const app = new Hono()
    .use(session<Data>({ store: shared, secret: SECRET, token: { maxAge: 60 }, clock: clock.now }))
    .get("/", async (c) => {
      await startSession(c);
      return c.text(c.get("sessionToken")!);
    });
  const own = await (await app.request("/")).text();
  assertEquals(typeof (await claimsOf(own, clock)).sid, "string");
});

Deno.test("token.secret may be found for a request", async () => {
  const app = new Hono<{ Bindings: { SECRET: string } }>()
    .use(session<Data>({
      store: new MapStore(),
      token: { secret: (c) => c.env.SECRET, maxAge: 60 },
    }))
    .get("/login", async (c) => {
      await startSession(c, { name: "Ada" });
      return c.text(c.get("sessionToken") ?? "none");
    })
    .get("/read", (c) => c.json(c.var.session));
  const token = await (await app.request("/login", {}, { SECRET })).text();
  const headers = { authorization: `Bearer ${token}` };
  assertEquals(await (await app.request("/read", { headers }, { SECRET })).json(), { name: "Ada" });
  const other = await app.request("/read", { headers }, { SECRET: OLDER_SECRET });
  assertEquals(await other.json(), {});
});

Deno.test("token.payload that fails is reported, and the session goes on without a token", async () => {
  const values: Record<string, () => object> = {
    throws: () => {
      throw new Error("no payload");
    },
    null: () => null as never,
    bigint: () => ({ big: 1n }),
  };
  for (const [name, payload] of Object.entries(values)) {
    const errors: unknown[][] = [];
    const { app } = setup({ logger: { warn() {}, error: (...args) => errors.push(args) } }, {
      payload,
    });
    const client = new Client(app);
    assertEquals(await client.text("/login/Ada"), "none", name);
    assertEquals(await client.json("/read"), { name: "Ada" }, name);
    assertEquals(errors[0]![0], "Cannot issue session token: it failed", name);
  }
});

Deno.test("token.payload that makes a token too long to be accepted is reported", async () => {
  const errors: unknown[][] = [];
  const { by, login, request } = setup(
    { logger: { warn() {}, error: (...args) => errors.push(args) } },
    { payload: () => ({ text: "x".repeat(8192) }) },
  );
  const token = await login();
  if (token === "none") assertEquals(errors.length, 1);
  else assertEquals(await (await request("/read", by(token))).json(), { name: "Ada" });
});

Deno.test("token.payload that is asynchronous is waited for or reported, its claims are not just dropped", async () => {
  const errors: unknown[][] = [];
  const { clock, login } = setup(
    { logger: { warn() {}, error: (...args) => errors.push(args) } },
    // deno-lint-ignore require-await -- Every object is taken, and a promise is one.
    { payload: async ({ name }) => ({ name }) },
  );
  const token = await login();
  if (token === "none") assertEquals(errors.length, 1);
  else assertEquals((await claimsOf(token, clock)).name, "Ada");
});

Deno.test("token is worth nothing while the store fails", async () => {
  const error = setup({ logger: QUIET });
  const token = await error.login();
  error.watch.inject("read", "fail");
  assertEquals((await error.request("/read", error.by(token))).status, 503);

  const anonymous = setup({ logger: QUIET, onStoreError: "anonymous" });
  const other = await anonymous.login();
  anonymous.watch.inject("read", "fail");
  const response = await anonymous.request("/token", anonymous.by(other));
  assertEquals([response.status, await response.text()], [200, "none"]);
});

Deno.test("token goes with the guard, which names the scheme", async () => {
  const { app, by, login } = setup({ cookieName: false });
  app.use("/guarded", requireSession()).get("/guarded", (c) => c.text("in"));
  const refused = await app.request("/guarded");
  assertEquals([refused.status, refused.headers.get("www-authenticate")], [401, "Bearer"]);
  const response = await app.request("/guarded", { headers: by(await login()) });
  assertEquals(await response.text(), "in");
});

Deno.test("token goes with a guard whose response has fixed headers", async () => {
  const { app } = setup({ cookieName: false });
  app.use("/guarded", requireSession({ response: () => Response.redirect("https://app.test/") }));
  assertEquals((await app.request("/guarded")).status, 302);
});

Deno.test("token: misuse throws when the middleware is built, with a message that names it", () => {
  const store = () => new MapStore();
  const token = { secret: SECRET, maxAge: 60 };
  const refused: [unknown, RegExp][] = [
    [{ token: true }, /option token /],
    [{ token: null }, /option token /],
    [{ token: [] }, /option token /],
    [{ token: "x" }, /option token /],
    [{ token: { maxAge: 60 } }, /option token\.secret /],
    [{ token: { secret: SECRET } }, /option token\.maxAge /],
    [{ token: { ...token, maxAge: "60" } }, /option token\.maxAge /],
    [{ token: { ...token, maxAge: 0 } }, /option token\.maxAge /],
    [{ token: { ...token, maxAge: -1 } }, /option token\.maxAge /],
    [{ token: { ...token, maxAge: NaN } }, /option token\.maxAge /],
    [{ token: { ...token, maxAge: Infinity } }, /option token\.maxAge /],
    [{ token: { ...token, queryParam: true } }, /option token\.queryParam /],
    [{ token: { ...token, queryParam: () => "x" } }, /option token\.queryParam /],
    [{ token: { ...token, queryParam: "" } }, /option token\.queryParam /],
    [{ token: { ...token, queryParam: "a b" } }, /option token\.queryParam /],
    [{ token: { ...token, header: "" } }, /option token\.header /],
    [{ token: { ...token, header: "a:b" } }, /option token\.header /],
    [{ token: { ...token, header: "ä" } }, /option token\.header /],
    [{ token: { ...token, header: false } }, /option token\.header /],
    [{ token: { ...token, audience: 5 } }, /option token\.audience /],
    [{ token: { ...token, audience: ["a"] } }, /option token\.audience /],
    [{ token: { ...token, payload: {} } }, /option token\.payload /],
    [{ token: { ...token, algorithm: "none" } }, /option token\.algorithm;/],
    [{ token, rotate: { every: 60 } }, /option rotate .*token/],
    [{ cookieName: false }, /option cookieName .*token/],
    [{ cookieName: true, token }, /option cookieName /],
    [{ cookieName: null, token }, /option cookieName /],
    [{ cookieName: false, token, cookieOptions: { path: "/" } }, /option cookieOptions /],
    [{ cookieName: false, token, existsCookieName: "sx" }, /option existsCookieName /],
    [{ cookieName: false, token, existsCookieOptions: {} }, /option existsCookieOptions /],
  ];
  for (const [options, message] of refused) {
    const error = assertThrows(() => session({ store: store(), ...options as SessionOptions }));
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    assertMatch(error.message, /^Cannot build session middleware: /);
    assertMatch(error.message, message, Deno.inspect(options));
    assert(!error.message.includes(SECRET));
  }
  const stateless = new EncryptedCookieStore({ secret: SECRET });
  assertThrows(() => session({ store: stateless, token }), TypeError, "option token ");
  session({ store: store(), token: { ...token, queryParam: undefined as never } });
  session({ store: store(), cookieName: false, token, cookieOptions: {} });
});

Deno.test("token.secret that is no good throws when the middleware is built, with a message that names it", () => {
  for (const secret of ["short", [], null, 5, "x".repeat(32), [SECRET, ""]]) {
    const error = assertThrows(() =>
      session({ store: new MapStore(), token: { secret: secret as string, maxAge: 60 } })
    );
    assert(error instanceof TypeError || error instanceof RangeError, String(error));
    assertMatch(error.message, /^Cannot build session middleware: .*token\.secret/);
  }
});

Deno.test("sessionToken is gone when save() finds that the session was ended elsewhere", async () => {
  const { app, by, login } = setup();
  app.get("/late", async (c) => {
    await app.request("/end", { headers: by(c.get("sessionToken")!) });
    c.var.session.name = "late";
    await assertRejects(() => c.var.session.save(), Error, "it has ended");
    return c.text(String(c.get("sessionToken")));
  });
  const token = await login();
  assertEquals(await (await app.request("/late", { headers: by(token) })).text(), "undefined");
});
