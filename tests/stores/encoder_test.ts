// What an encoder of the application's own is given, and what it may not lose.
import {
  createSessions,
  session,
  type SessionEncoder,
  type SessionOptions,
  SessionSerializationError,
} from "@x/hono-session";
import { Revocations, SealedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { decodeJwt, jwtVerify, SignJWT } from "jose";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";

interface Data {
  userId?: string;
  cart?: unknown[];
}

const SECRET = "a secret of thirty-two characters or more";

const toKey = (secret: string) => new TextEncoder().encode(secret);

/** A signed token, whose subject is the user. */
const JWT: SessionEncoder = {
  encode: (data, secret) =>
    new SignJWT(data)
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(data.userId)
      .sign(toKey(secret)),
  decode: async (value, secret) => (await jwtVerify(value, toKey(secret))).payload,
};

function setup(encoder: SessionEncoder, options: SessionOptions<Data> = {}) {
  const errors: unknown[] = [];
  const app = new Hono()
    .use(session<Data>({ secret: SECRET, encoder, ...options }))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.userId = "42";
      return c.text("welcome");
    })
    .get("/add/:item", (c) => {
      (c.var.session.cart ??= []).push(c.req.param("item"));
      return c.text("added");
    })
    .get("/flash", (c) => {
      c.var.session.flash("cart", ["flashed"]);
      return c.text("flashed");
    })
    .get("/read", (c) => c.json(c.var.session))
    .onError((error, c) => {
      errors.push(error);
      return c.text("failed", 500);
    });
  return { app, client: new Client(app), errors };
}

const json = (encode: (data: Record<string, unknown>) => unknown): SessionEncoder => ({
  encode: (data) => btoa(JSON.stringify(encode(data))),
  decode: (value) => JSON.parse(atob(value)),
});

const decoding = (decode: (data: Record<string, unknown>) => unknown): SessionEncoder => ({
  encode: (data) => btoa(JSON.stringify(data)),
  decode: (value) => decode(JSON.parse(atob(value))),
});

const withoutKept = ({ "hono-session": _, ...data }: Record<string, unknown>) => data;

Deno.test("an encoder is given the data of the session", async () => {
  const { client } = setup(JWT);
  await client.text("/login");
  const claims = decodeJwt((await client.value())!);
  assertEquals([claims.sub, claims.userId], ["42", "42"]);
  await client.text("/add/apple");
  assertEquals(await client.json("/read"), { userId: "42", cart: ["apple"], sub: "42" });
  await client.text("/flash");
  assertEquals((await client.json("/read") as Data).cart, ["flashed"]);
  assertEquals((await client.json("/read") as Data).cart, ["apple"]);
});

Deno.test("a session under an encoder is a subject's, is listed and ends", async () => {
  const sessions = createSessions<Data>({
    store: new SealedCookieStore({
      secret: SECRET,
      encoder: JWT,
      revocations: new Revocations(new MapStore({ maxEntries: Infinity })),
    }),
  });
  const app = new Hono().use(sessions.middleware()).get(
    "/",
    (c) => c.json([c.var.session.subject ?? null, c.var.session.userId ?? null]),
  );
  const { cookie, sid } = await sessions.create({ userId: "42" }, { subject: "user:42" });
  const me = async () => await (await app.request("/", { headers: { cookie } })).json();
  assertEquals(await me(), ["user:42", "42"]);
  assertEquals((await Array.fromAsync(sessions.list("user:42"))).map(({ sid }) => sid), [sid]);
  assertEquals(await sessions.revoke("user:42", sid), true);
  assertEquals(await me(), [null, null]);
});

const LOSSY: Record<string, { encoder: SessionEncoder; says: string; path?: string }> = {
  "encode takes the user alone": {
    encoder: json(({ userId }) => ({ userId })),
    says: 'encoder loses "hono-session"; encoder.decode must return every member',
  },
  "encode takes the data alone": {
    encoder: json(withoutKept),
    says: 'encoder loses "hono-session"',
  },
  "decode gives the data alone": {
    encoder: decoding(withoutKept),
    says: 'encoder loses "hono-session"',
  },
  "decode gives the user alone": {
    encoder: decoding(({ userId }) => userId),
    says: "encoder.decode rejects",
  },
  "decode gives what only looks alike": {
    encoder: decoding((data) => ({ ...data, "hono-session": { sid: "x" } })),
    says: 'encoder loses "hono-session"',
  },
  "a key is lost": {
    encoder: json(({ userId: _, ...data }) => data),
    says: 'encoder loses "userId"',
  },
  "a value is changed": {
    encoder: json((data) => ({ ...data, userId: Number(data.userId) })),
    says: 'encoder loses "userId"',
  },
  "what comes later is lost": {
    encoder: json(({ cart: _, ...data }) => data),
    says: 'encoder loses "cart"',
    path: "/add/apple",
  },
  "decode throws": {
    encoder: decoding(() => {
      throw new Error("no");
    }),
    says: "encoder.decode rejects the result of encoder.encode",
  },
  "decode gives nothing": { encoder: decoding(() => undefined), says: "encoder.decode rejects" },
  "encode gives no text": {
    encoder: { encode: (data) => data as never, decode: (value) => value },
    says: "encoder.encode returns no string",
  },
};

for (const [what, { encoder, says, path = "/login" }] of Object.entries(LOSSY)) {
  Deno.test(`an encoder that loses something is an error at the first request: ${what}`, async () => {
    const { client, errors } = setup(encoder);
    if (path !== "/login") await client.text("/login");
    assertEquals(errors, []);
    const before = await client.cookie();
    const response = await client.fetch(path);
    assertEquals([response.status, response.headers.getSetCookie()], [500, []]);
    assertEquals(await client.cookie(), before);
    const [error] = errors;
    assert(error instanceof SessionSerializationError, String(error));
    assert(error.message.startsWith(`Cannot seal session: ${says}`), error.message);
    assert(!error.message.includes("42") && !error.message.includes("apple"));
  });
}

Deno.test("data can't take the place of what else is kept of a session", async () => {
  const clock = new FakeClock();
  const record = makeRecord(clock, { data: '{"hono-session":{"subject":"user:1"}}' });
  for (const encoder of [undefined, json((data) => data)]) {
    const store = new SealedCookieStore({
      secret: SECRET,
      clock: clock.now,
      ...(encoder && { encoder }),
    });
    await assertRejects(
      async () => await store.create("", record),
      SessionSerializationError,
      'session["hono-session"] is reserved',
    );
    for (const data of ["{}", " { } ", '{"nested":{"hono-session":1}}', '{"__proto__":{"a":1}}']) {
      const opened = await store.read(await store.create("", { ...record, data }));
      assertEquals(opened && { ...opened, data: JSON.parse(opened.data) }, {
        ...record,
        data: JSON.parse(data),
      }, data);
    }
  }
});
