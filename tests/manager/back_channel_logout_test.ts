import {
  backChannelLogout,
  type BackChannelLogoutOptions,
  createSessions,
  type SessionManager,
  type SessionOptions,
  type SessionProvider,
} from "@x/hono-session";
import { EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { csrf } from "hono/csrf";
import { FakeClock } from "../_support/clock.ts";

const ISSUER = "https://id.example";
const EVENTS = { "http://schemas.openid.net/event/backchannel-logout": {} };
const ADA = "user:42";

type Claims = Record<string, unknown>;

interface Stage {
  clock: FakeClock;
  store: FaultyStore;
  sessions: SessionManager;
  destroyed: string[];
  login(provider: SessionProvider, subject?: string): Promise<string>;
  /** Posts the claims of a logout token. */
  logout(claims: Claims, init?: RequestInit): Promise<Response>;
}

let tokens = 0;

function stage(
  options: SessionOptions = {},
  more: Partial<BackChannelLogoutOptions> = { subject: ({ sub }) => `user:${sub}` },
): Stage {
  const clock = new FakeClock();
  const store = new FaultyStore(new MapStore({ clock: clock.now }));
  const destroyed: string[] = [];
  const events = {
    destroyed: ({ sid, reason }: { sid: string; reason: string }) =>
      void destroyed.push(`${reason} ${sid}`),
  };
  const logger = { error() {}, warn() {} };
  const sessions = createSessions({ store, clock: clock.now, events, logger, ...options });
  const verify = (jwt: string) => JSON.parse(jwt);
  const app = new Hono().post("/out", backChannelLogout({ sessions, verify, ...more }))
    .use(csrf());
  return {
    clock,
    store,
    sessions,
    destroyed,
    async login(provider, subject = ADA) {
      return (await sessions.create({}, { subject, provider })).sid;
    },
    async logout(claims, init) {
      const iat = Math.floor(clock.now() / 1000);
      const jwt = JSON.stringify({
        payload: { iss: ISSUER, jti: `${tokens++}`, iat, events: EVENTS, ...claims },
        ...(claims.typ === undefined ? {} : { protectedHeader: { typ: claims.typ } }),
      });
      const body = new URLSearchParams({ logout_token: jwt, other: "ignored" });
      const response = await app.request("/out", { method: "POST", body, ...init });
      assertEquals(response.headers.get("cache-control"), "no-store");
      return response;
    },
  };
}

Deno.test("backChannelLogout() logs by name that verify failed, without its message, and not for each request", async () => {
  const warnings: string[] = [];
  const logger = { error() {}, warn: (...texts: unknown[]) => void warnings.push(texts.join(" ")) };
  const verify = () => Promise.reject(new RangeError("claims"));
  const { logout } = stage({ logger }, { verify });
  for (let requests = 0; requests < 100; requests++) {
    assertEquals((await logout({ sid: "one" })).status, 400);
  }
  assertEquals(warnings.length, 5);
  assertEquals(
    warnings[0],
    "Cannot verify logout token: option verify failed with RangeError; check its keys, issuer and audience " +
      "if the identity provider has sent the token",
  );
});

async function sidsOf(sessions: SessionManager, subject = ADA): Promise<string[]> {
  return (await Array.fromAsync(sessions.list(subject))).map(({ sid }) => sid).toSorted();
}

Deno.test("backChannelLogout() ends the sessions of a sid, of whatever subject, and no others", async () => {
  const { sessions, destroyed, login, logout } = stage();
  const one = await login({ issuer: ISSUER, sid: "one" });
  const same = await login({ issuer: ISSUER, sid: "one" });
  const linked = await login({ issuer: ISSUER, sid: "one" }, "user:43");
  const two = await login({ issuer: ISSUER, sid: "two" });
  const elsewhere = await login({ issuer: "https://other.example", sid: "one" });
  const { sid: own } = await sessions.create({}, { subject: ADA });
  const response = await logout({ sid: "one" });
  assertEquals([response.status, await response.text()], [200, ""]);
  assertEquals(await sidsOf(sessions), [two, elsewhere, own].toSorted());
  assertEquals(await sidsOf(sessions, "user:43"), []);
  assertEquals(destroyed.toSorted(), [one, same, linked].map((sid) => `revoked ${sid}`).toSorted());
});

Deno.test("backChannelLogout() ends all sessions of a sub that come from the issuer, and no others", async () => {
  const { sessions, login, logout } = stage();
  await login({ issuer: ISSUER, sid: "one" });
  await login({ issuer: ISSUER });
  const elsewhere = await login({ issuer: "https://other.example", sid: "one" });
  const { sid: own } = await sessions.create({}, { subject: ADA });
  const stranger = await login({ issuer: ISSUER }, "user:43");
  assertEquals((await logout({ sub: "42" })).status, 200);
  assertEquals(await sidsOf(sessions), [elsewhere, own].toSorted());
  assertEquals(await sidsOf(sessions, "user:43"), [stranger]);
});

Deno.test("backChannelLogout() ends the sessions of a sid and those of its sub that have none", async () => {
  const { sessions, login, logout } = stage();
  await login({ issuer: ISSUER, sid: "one" });
  await login({ issuer: ISSUER });
  const two = await login({ issuer: ISSUER, sid: "two" });
  const stranger = await login({ issuer: ISSUER }, "user:43");
  assertEquals((await logout({ sid: "one", sub: "42" })).status, 200);
  assertEquals(await sidsOf(sessions), [two]);
  assertEquals(await sidsOf(sessions, "user:43"), [stranger]);
});

Deno.test("backChannelLogout() answers 200 where there is nothing to end", async () => {
  const { logout } = stage();
  assertEquals((await logout({ sid: "unknown" })).status, 200);
  assertEquals((await logout({ sub: "unknown" })).status, 200);
  const { logout: logoutNobody } = stage({}, { subject: () => undefined });
  assertEquals((await logoutNobody({ sub: "42" })).status, 200);
});

Deno.test("backChannelLogout() takes the sub as the subject unless told otherwise, and the bare claims", async () => {
  const { sessions, login, logout } = stage({}, {
    verify: (jwt) => Promise.resolve(JSON.parse(jwt).payload),
  });
  await login({ issuer: ISSUER }, "42");
  assertEquals((await logout({ sub: "42" })).status, 200);
  assertEquals(await sidsOf(sessions, "42"), []);
});

const NOW = 1_000_000;

const INVALID: Record<string, Claims> = {
  "no events": { events: undefined },
  "events of another kind": { events: { "https://example.com/event": {} } },
  "events that are a list": { events: [...Object.keys(EVENTS)] },
  "an event that is no object": { events: { [Object.keys(EVENTS)[0]!]: true } },
  "a nonce": { nonce: "n" },
  "neither sub nor sid": { sid: undefined },
  "a sid that is a number": { sid: 1 },
  "an empty sid": { sid: "" },
  "a long sid": { sid: "x".repeat(513) },
  "a sub that is an object": { sub: {} },
  "a long sub": { sub: "x".repeat(257) },
  "no iss": { iss: undefined },
  "an iss that is a list": { iss: [ISSUER] },
  "no jti": { jti: undefined },
  "a jti that is a number": { jti: 1 },
  "no iat": { iat: undefined },
  "an iat that is a text": { iat: "1" },
  "an iat in the future": { iat: NOW + 61 },
  "an iat of two days ago": { iat: NOW - 2 * 86_400 },
  "an exp in the past": { iat: NOW - 120, exp: NOW - 60 },
  "an exp that is a text": { exp: "1" },
  "the type of an access token": { typ: "at+jwt" },
  "a type that is no text": { typ: 1 },
};

for (const [what, claims] of Object.entries(INVALID)) {
  Deno.test(`backChannelLogout() answers 400 to a token with ${what}, and changes nothing`, async () => {
    const { clock, sessions, store, login, logout } = stage();
    clock.advance(NOW - clock.now() / 1000);
    const sid = await login({ issuer: ISSUER, sid: "one" });
    store.calls();
    const response = await logout({ sid: "one", ...claims });
    assertEquals(response.status, 400);
    const { error, error_description } = await response.json();
    assertEquals(error, "invalid_request");
    assertMatch(error_description, /./);
    assertEquals(store.calls(), []);
    assertEquals(await sidsOf(sessions), [sid]);
  });
}

for (const typ of ["logout+jwt", "JWT", "application/logout+jwt"]) {
  Deno.test(`backChannelLogout() accepts tokens of the type ${typ}`, async () => {
    const { logout } = stage();
    assertEquals((await logout({ sid: "one", typ })).status, 200);
  });
}

const FORMS: Record<string, RequestInit> = {
  "no form": { body: "{}", headers: { "content-type": "application/json" } },
  "no body": { body: null },
  "no token": { body: new URLSearchParams({ token: "x" }) },
  "an empty token": { body: new URLSearchParams({ logout_token: "" }) },
  "two tokens": { body: new URLSearchParams([["logout_token", "a"], ["logout_token", "b"]]) },
  "too much": { body: new URLSearchParams({ logout_token: "x".repeat(100_000) }) },
  "too much in a stream": {
    body: new Blob([`logout_token=${"x".repeat(100_000)}`]).stream(),
    headers: { "content-type": "application/x-www-form-urlencoded" },
    duplex: "half",
  } as RequestInit,
  "a token that is not verified": { body: new URLSearchParams({ logout_token: "no JSON" }) },
  "a token that verifies as nothing": { body: new URLSearchParams({ logout_token: "null" }) },
};

for (const [what, init] of Object.entries(FORMS)) {
  Deno.test(`backChannelLogout() answers 400 to ${what}`, async () => {
    const { logout } = stage();
    const response = await logout({}, init);
    assertEquals([response.status, (await response.json()).error], [400, "invalid_request"]);
  });
}

Deno.test("backChannelLogout() reads a body that another middleware has read", async () => {
  const sessions = createSessions({ store: new MapStore() });
  const app = new Hono().use(async (c, next) => {
    await c.req.parseBody();
    await next();
  }).post("/", backChannelLogout({ sessions, verify: (jwt) => ({ payload: { sub: jwt } }) }));
  const body = new URLSearchParams({ logout_token: "x" });
  const { error_description } = await (await app.request("/", { method: "POST", body })).json();
  assertEquals(error_description, "events does not contain a back-channel logout");
});

Deno.test("backChannelLogout() accepts a token once, until it has expired", async () => {
  const { clock, sessions, login, logout } = stage();
  const exp = Math.floor(clock.now() / 1000) + 120;
  const iat = exp - 120;
  assertEquals((await logout({ sub: "42", jti: "same", iat, exp })).status, 200);
  const sid = await login({ issuer: ISSUER });
  for (const seconds of [0, 120, 59]) {
    clock.advance(seconds);
    const again = await logout({ sub: "42", jti: "same", iat, exp });
    assertEquals([again.status, (await again.json()).error_description], [
      400,
      "the token was used before",
    ]);
  }
  clock.advance(2);
  assertEquals((await logout({ sub: "42", jti: "same", iat, exp })).status, 400);
  assertEquals(await sidsOf(sessions), [sid]);
  assertEquals(
    (await logout({ sub: "42", jti: "same", iss: "https://other.example" })).status,
    200,
  );
});

Deno.test("backChannelLogout() accepts one of two uses of a token at the same time", async () => {
  const { logout } = stage();
  const answers = await Promise.all([1, 2, 3].map(() => logout({ sid: "one", jti: "twice" })));
  assertEquals(answers.map(({ status }) => status).toSorted(), [200, 400, 400]);
});

for (const operation of ["read", "create", "update", "list", "delete"] as const) {
  for (let after = 0; after < 4; after++) {
    Deno.test(`backChannelLogout() answers 503 when ${operation} ${after + 1} fails, and the token counts again`, async () => {
      const { store, sessions, login, logout } = stage();
      await login({ issuer: ISSUER, sid: "one" });
      await login({ issuer: ISSUER, sid: "one" });
      const claims = { sid: "one", sub: "42", jti: `${operation} ${after}` };
      let left = after;
      store.inject(operation, () => {
        if (left-- === 0) throw new Error("planted");
      });
      const { status } = await logout(claims);
      store.heal();
      const isReached = left < 0;
      assertEquals(status, isReached ? 503 : 200);
      if (isReached) assertEquals((await logout(claims)).status, 200);
      assertEquals(await sidsOf(sessions), []);
    });
  }
}

Deno.test("backChannelLogout() fails like the application when subject() does", async () => {
  for (const subject of [() => "", () => Promise.reject(new Error("planted"))]) {
    const { clock, sessions, login } = stage();
    await login({ issuer: ISSUER });
    const verify = () => ({
      iss: ISSUER,
      sub: "42",
      jti: "1",
      iat: clock.now() / 1000,
      events: EVENTS,
    });
    const app = new Hono().post("/", backChannelLogout({ sessions, verify, subject }));
    app.onError((_, c) => c.text("failed", 500));
    const body = new URLSearchParams({ logout_token: "x" });
    assertEquals(await (await app.request("/", { method: "POST", body })).text(), "failed");
    assertEquals(await sessions.count(ADA), 1);
  }
});

Deno.test("backChannelLogout() refuses what it can't work with, with the way out", () => {
  const verify = () => ({});
  const sessions = createSessions({ store: new MapStore() });
  const secret = "at least thirty-two characters, from the environment";
  const revocations = new Revocations(new MapStore({ maxEntries: Infinity }));
  const inCookies = createSessions({ store: new EncryptedCookieStore({ secret, revocations }) });
  const adapted = createSessions({ store: new Map() });
  const refuse = (options: unknown, message: string) =>
    assertThrows(() => backChannelLogout(options as never), TypeError, message);
  refuse(undefined, "options are not an object");
  refuse({ verify }, "option sessions is not valid: the result of createSessions() is required");
  refuse({ sessions: {}, verify }, "option sessions is not valid");
  refuse({ sessions }, "option verify is not valid: it is missing");
  refuse({ sessions, verify: "jose" }, "option verify is not valid");
  refuse({ sessions, verify, subject: "sub" }, "option subject is not valid");
  refuse({ sessions, verify, jwks: "" }, "there is no option jwks");
  for (const sessions of [inCookies, adapted]) {
    refuse({ sessions, verify }, "use one that is atomic and lists the sessions of a subject");
  }
});
