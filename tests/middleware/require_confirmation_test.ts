import {
  createSessions,
  requireSession,
  type RequireSessionOptions,
  type SessionOptions,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assertEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { hasName, VALUES } from "../_support/misuse.ts";

type Required = NonNullable<RequireSessionOptions["confirmed"]>;

const UNCONFIRMED = '{"status":false,"message":"Session is not confirmed"}';
const ANONYMOUS = '{"status":false,"message":"Invalid session"}';

function setup(guard: RequireSessionOptions, options: SessionOptions = {}) {
  const clock = new FakeClock();
  const sessions = createSessions({
    store: new MapStore({ clock: clock.now }),
    clock: clock.now,
    ...options,
  });
  const app = new Hono()
    .use(sessions.middleware())
    .get("/login", (c) => {
      c.var.session.subject = "user:42";
      return c.text("welcome");
    })
    .get("/confirm/:method", (c) => {
      c.var.session.confirm(c.req.param("method"));
      return c.text(c.get("sessionToken") ?? "");
    })
    .get("/safe", requireSession(guard), (c) => c.text("safe"));
  const client = new Client(app);
  const ask = async (headers: HeadersInit = {}) => {
    const response = await client.fetch("/safe", { headers });
    return [response.status, response.headers.get("www-authenticate"), await response.text()];
  };
  return { app, clock, client, ask };
}

/** What is required, and whether a password that was confirmed so many seconds ago is enough. */
const CASES: [required: Required, age: number, isMet: boolean][] = [
  [{}, 80_000, true],
  [{ within: 300 }, 300, true],
  [{ within: 300 }, 301, false],
  [{ within: 0.5 }, 0, true],
  [{ within: 0.5 }, 1, false],
  [{ by: ["password"] }, 80_000, true],
  [{ by: ["otp", "password"], within: 300 }, 300, true],
  [{ by: ["otp", "password"], within: 300 }, 301, false],
  [{ by: ["otp"] }, 0, false],
  [{ by: ["passwor", "password2", "PASSWORD"] }, 0, false],
];

for (const [confirmed, age, isMet] of CASES) {
  Deno.test(`requireSession() with ${JSON.stringify(confirmed)} ${isMet ? "accepts" : "rejects"} a password after ${age} s`, async () => {
    const { clock, client, ask } = setup({ confirmed });
    await client.text("/login");
    assertEquals((await ask())[0], 401, "without any confirmation");
    await client.text("/confirm/password");
    clock.advance(age);
    assertEquals((await ask())[0], isMet ? 200 : 401);
    const [method = "sms"] = confirmed.by ?? [];
    await client.text(`/confirm/${method}`);
    assertEquals((await ask())[2], "safe", "after another confirmation");
  });
}

Deno.test("requireSession() answers 401 with the challenge of RFC 9470 where a session is not confirmed", async () => {
  const cases: [Required, string | null][] = [
    [{}, 'Bearer error="insufficient_user_authentication"'],
    [{ by: ["otp"] }, 'Bearer error="insufficient_user_authentication"'],
    [{ within: 300 }, 'Bearer error="insufficient_user_authentication", max_age="300"'],
    [{ within: 59.9 }, 'Bearer error="insufficient_user_authentication", max_age="59"'],
  ];
  for (const [confirmed, challenge] of cases) {
    const { client, ask, app } = setup({ confirmed });
    assertEquals(await ask(), [401, null, ANONYMOUS], "an anonymous visitor");
    await client.text("/login");
    assertEquals(await ask(), [401, challenge, UNCONFIRMED]);
    const headers = { cookie: await client.cookie() };
    const marks = (await app.request("/safe", { headers })).headers;
    assertEquals([marks.get("vary"), marks.get("cache-control")], ["Cookie", "private"]);
  }
});

Deno.test("requireSession() with tokens answers with one challenge", async () => {
  const token = { secret: SECRET, maxAge: 600, queryParam: false } as const;
  const { ask, client, clock } = setup({ confirmed: { within: 60 } }, { token });
  assertEquals(await ask(), [401, "Bearer", ANONYMOUS]);
  await client.text("/login");
  await client.text("/confirm/password");
  const authorization = `Bearer ${await client.text("/confirm/password")}`;
  assertEquals(await ask({ authorization }), [200, null, "safe"]);
  clock.advance(61);
  const challenge = 'Bearer error="insufficient_user_authentication", max_age="60"';
  assertEquals(await ask({ authorization }), [401, challenge, UNCONFIRMED]);
});

Deno.test("requireSession() answers what the application says where a session is not confirmed", async () => {
  const challenge = 'Bearer error="insufficient_user_authentication"';
  const cases: [RequireSessionOptions, unknown[], unknown[]][] = [
    [{ response: { error: "no" } }, [401, null, '{"error":"no"}'], [
      401,
      challenge,
      '{"error":"no"}',
    ]],
    [{ type: "html" }, [401, null, "Invalid session"], [
      401,
      challenge,
      "Session is not confirmed",
    ]],
    [{ type: "text", response: "no", status: 403 }, [403, null, "no"], [403, null, "no"]],
    [
      { response: (c) => c.redirect(c.get("session").isNew ? "/login" : "/confirm", 303) },
      [303, null, ""],
      [303, null, ""],
    ],
  ];
  for (const [guard, anonymous, unconfirmed] of cases) {
    const { ask, client } = setup({ confirmed: {}, ...guard });
    assertEquals(await ask(), anonymous);
    await client.text("/login");
    assertEquals(await ask(), unconfirmed);
  }
});

Deno.test("requireSession() tells its response whether the session or its confirmation is missing", async () => {
  const { client } = setup({
    confirmed: {},
    response: (c) => c.redirect(c.get("session").isNew ? "/login" : "/confirm", 303),
  });
  const location = async () => (await client.fetch("/safe")).headers.get("location");
  assertEquals(await location(), "/login");
  await client.text("/login");
  assertEquals(await location(), "/confirm");
});

Deno.test("requireSession() asks for data before it asks for a confirmation", async () => {
  const { client, ask } = setup({ has: ["userId" as never], confirmed: {} });
  await client.text("/login");
  assertEquals(await ask(), [401, null, ANONYMOUS]);
});

Deno.test("requireSession() trusts no confirmation that is more than a minute in the future", async () => {
  for (const [ahead, status] of [[60, 200], [61, 401]] as const) {
    const { clock, client, ask } = setup({ confirmed: { within: 300 } });
    await client.text("/login");
    clock.advance(ahead);
    await client.text("/confirm/password");
    clock.advance(-ahead);
    assertEquals((await ask())[0], status);
  }
});

Deno.test("requireSession() refuses what confirmed can't be, by name", () => {
  const wrong: [string, unknown][] = [
    ...Object.entries(VALUES).filter(([name]) => name !== "an object")
      .map(([, value]): [string, unknown] => ["confirmed", value]),
    ...Object.entries(VALUES).filter(([name]) => !["1", "0.5"].includes(name))
      .map(([, within]): [string, unknown] => ["confirmed.within", { within }]),
    ...Object.entries(VALUES).filter(([name]) => name !== "an array of text")
      .map(([, by]): [string, unknown] => ["confirmed.by", { by }]),
    ...["", "a b", "x".repeat(33), 1, null].map((by): [string, unknown] => [
      "confirmed.by",
      { by: ["otp", by] },
    ]),
    ["confirmed.max", { max: 300 }],
    ["confirmed.whithin", { whithin: 300 }],
  ];
  for (const [name, confirmed] of wrong) {
    const error = assertThrows(() => requireSession({ confirmed: confirmed as Required }));
    const { message } = error as Error;
    assertEquals(
      [hasName(message, name), message.startsWith("Cannot build requireSession(): ")],
      [true, true],
      message,
    );
  }
  assertThrows(() => requireSession({ confirmed: { within: Infinity } }), RangeError);
});

Deno.test("requireSession() is not changed by what is done to confirmed later", async () => {
  const confirmed = { within: 300, by: ["otp"] };
  const { client, ask, clock } = setup({ confirmed });
  confirmed.by.push("password");
  confirmed.within = 1000;
  await client.text("/login");
  await client.text("/confirm/password");
  assertEquals((await ask())[0], 401);
  await client.text("/confirm/otp");
  clock.advance(301);
  assertEquals((await ask())[0], 401);
});
