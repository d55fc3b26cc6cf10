// requireSession() among the guards of Hono.
import {
  requireSession,
  type RequireSessionOptions,
  session,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { every, except, some } from "hono/combine";
import { setCookie } from "hono/cookie";
import { HTTPException } from "hono/http-exception";
import { Client } from "../_support/client.ts";

interface Data {
  userId?: string;
  role?: string;
  notice?: string;
}

const DENIED = '{"status":false,"message":"Invalid session"}';
const TOKEN = "an-api-key";
const WITH_TOKEN = { headers: { authorization: `Bearer ${TOKEN}` } };

function makeApp(guard: MiddlewareHandler, options: SessionOptions<Data> = {}) {
  const app = new Hono()
    .use(session<Data>({ store: new MapStore(), ...options }))
    .get("/login", async (c) => {
      await startSession<Data>(c, { userId: "42" });
      return c.text("welcome");
    })
    .get("/notice", (c) => c.text(c.var.session.notice ?? "none"))
    .use("/api/*", guard)
    .get("/api/page", (c) => c.text("page"))
    .get("/api/public/page", (c) => c.text("page"));
  return { app, client: new Client(app) };
}

/** What guests, users and programs are answered. */
async function outcomes(guard: MiddlewareHandler, path = "/api/page") {
  const { app, client } = makeApp(guard);
  const guest = (await app.request(path)).status;
  const program = (await app.request(path, WITH_TOKEN)).status;
  await client.text("/login");
  const user = (await client.fetch(path)).status;
  const both = (await client.fetch(path, WITH_TOKEN)).status;
  return { guest, user, program, both };
}

const bearer = () => bearerAuth({ token: TOKEN });

const COMBINED: Record<
  string,
  [make: () => MiddlewareHandler, path: string, user: number, program: number, guest: number]
> = {
  "some, first": [() => some(requireSession(), bearer()), "/api/page", 200, 200, 401],
  "some, last": [() => some(bearer(), requireSession()), "/api/page", 200, 200, 401],
  "every, first": [() => every(requireSession(), bearer()), "/api/page", 401, 401, 401],
  "every, last": [() => every(bearer(), requireSession()), "/api/page", 401, 401, 401],
  "except": [() => except("/api/public/*", requireSession()), "/api/page", 200, 401, 401],
  "except, elsewhere": [
    () => except("/api/public/*", requireSession()),
    "/api/public/page",
    200,
    200,
    200,
  ],
  "except with another, first": [
    () => except(() => false, requireSession(), bearer()),
    "/api/page",
    401,
    401,
    401,
  ],
  "except with another, last": [
    () => except(() => false, bearer(), requireSession()),
    "/api/page",
    401,
    401,
    401,
  ],
  "some of every": [
    () => some(every(requireSession(), () => true), every(bearer(), () => true)),
    "/api/page",
    200,
    200,
    401,
  ],
};

for (const [name, [make, path, user, program, guest]] of Object.entries(COMBINED)) {
  Deno.test(`requireSession() in ${name}`, async () => {
    assertEquals(await outcomes(make(), path), { guest, user, program, both: 200 });
  });
}

Deno.test("requireSession() within every() that has session() too", async () => {
  for (const cacheControl of [true, false]) {
    const app = new Hono()
      .use(
        "/account",
        every(session<Data>({ store: new MapStore(), cacheControl }), requireSession()),
      )
      .get("/account", (c) => c.text("page"));
    const response = await app.request("/account");
    assertEquals([response.status, await response.text()], [401, DENIED]);
  }
});

Deno.test("app.onError sees what requireSession() denies, with its response", async () => {
  const seen: unknown[] = [];
  const { app } = makeApp(requireSession({ type: "text", status: 403, response: "Log in" }));
  app.onError((error, c) => {
    seen.push(error);
    const response = error instanceof HTTPException ? error.getResponse() : c.text("failed", 500);
    response.headers.set("x-seen", "1");
    return response;
  });
  const response = await app.request("/api/page");
  assertEquals([response.status, await response.text()], [403, "Log in"]);
  assertEquals(response.headers.get("x-seen"), "1");
  const [error] = seen;
  assert(error instanceof HTTPException);
  assertEquals([error.status, error.message], [403, "Invalid session"]);
});

Deno.test("an answer to which a session was read is marked, whichever guard decides", async () => {
  const has: RequireSessionOptions<Data> = { has: ["role"] };
  const cases: [MiddlewareHandler, RequestInit, number][] = [
    [requireSession(has), {}, 401],
    [some(requireSession(has), bearer()), {}, 401],
    [some(requireSession(has), bearer()), WITH_TOKEN, 200],
    [every(requireSession(has), bearer()), WITH_TOKEN, 401],
  ];
  for (const [guard, init, status] of cases) {
    for (const ownErrors of [false, true]) {
      const { app, client } = makeApp(guard);
      if (ownErrors) app.onError((error) => (error as HTTPException).getResponse());
      await client.text("/login");
      const response = await client.fetch("/api/page", init);
      const { headers } = response;
      assertEquals(
        [response.status, headers.get("vary"), headers.get("cache-control")],
        [status, "Cookie", "private"],
      );
    }
  }
});

Deno.test("what a response function says is with its response alone", async () => {
  const response = (c: Context) => {
    c.header("x-guard", "denied");
    c.header("x-before", "changed");
    setCookie(c, "guard", "1");
    return c.redirect("/login");
  };
  const guard = some(requireSession({ response }), bearer());
  const first: MiddlewareHandler = async (c, next) => {
    c.header("x-before", "kept");
    setCookie(c, "before", "1");
    await next();
  };
  const app = new Hono()
    .use(session<Data>({ store: new MapStore() }))
    .use("/alone", first, requireSession({ response }))
    .get("/alone", (c) => c.text("page"))
    .use(first, guard)
    .get("/", (c) => c.text("page"));
  const passed = await app.request("/", WITH_TOKEN);
  assertEquals([passed.status, await passed.text()], [200, "page"]);
  const shown = ["location", "x-guard", "x-before"].map((name) => passed.headers.get(name));
  assertEquals(shown, [null, null, "kept"]);
  assertEquals(passed.headers.getSetCookie(), ["before=1; Path=/"]);
  const denied = await app.request("/alone");
  assertEquals([denied.status, denied.headers.get("location")], [302, "/login"]);
  assertEquals(denied.headers.get("x-guard"), "denied");
  assertEquals(
    new Set(denied.headers.getSetCookie()),
    new Set(["before=1; Path=/", "guard=1; Path=/"]),
  );
});

Deno.test("what a response function puts into the session is kept", async () => {
  const { client } = makeApp(requireSession<Data>({
    response: (c) => {
      c.var.session.flash("notice", "Log in first");
      return c.redirect("/login");
    },
  }));
  const denied = await client.fetch("/api/page");
  assertEquals([denied.status, denied.headers.getSetCookie().length], [302, 1]);
  assertEquals(await client.text("/notice"), "Log in first");
});

Deno.test("requireSession() denies again and again with a response that is kept", async () => {
  const kept = new Response(null, { status: 303, headers: { location: "/login" } });
  const { client } = makeApp(requireSession<Data>({ has: ["role"], response: () => kept }));
  await client.text("/login");
  for (let times = 0; times < 3; times++) {
    const denied = await client.fetch("/api/page");
    assertEquals([denied.status, denied.headers.get("location")], [303, "/login"]);
  }
  assertEquals([...kept.headers.keys()], ["location"]);
});
