import defaultExport, {
  endSession,
  getSession,
  session,
  SessionConflictError,
  SessionExistsError,
  type SessionOptions,
  startSession,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { streamText } from "hono/streaming";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { Gate } from "../_support/gate.ts";

interface Data {
  a?: number;
  name?: string;
  steps?: number[];
}

const QUIET = { error() {}, warn() {} };

function setup(options: SessionOptions<Data> = {}) {
  const watch = new FaultyStore(new MapStore());
  const app = new Hono()
    .use(session<Data>({ store: watch, ...options }))
    .get("/set", (c) => {
      c.var.session.a = 1;
      return c.text("set");
    })
    .get("/read", (c) => c.json(c.var.session));
  return { app, watch, client: new Client(app) };
}

Deno.test("session() is the named and the default export", () => {
  assertEquals(defaultExport, session);
});

Deno.test("session() leaves the response of a visitor without a session as it was, byte for byte", async () => {
  const routes = (app: Hono) =>
    app
      .get("/", (c) =>
        c.html("<p>hello</p>", 200, { "Cache-Control": "public, max-age=60", Vary: "Origin" }))
      .get("/old", (c) =>
        c.redirect("/"))
      .get("/cookie", (c) => c.body("x", 200, { "Set-Cookie": "other=1" }));
  const plain = routes(new Hono());
  const app = new Hono();
  app.use(session({ store: new MapStore() }));
  routes(app);
  for (const path of ["/", "/old", "/cookie", "/missing"]) {
    for (const method of ["GET", "HEAD"]) {
      const cookies: (string | undefined)[] = [undefined, "sid=nonsense", `sid=${"A".repeat(43)}`];
      for (const cookie of cookies) {
        const headers = cookie ? { cookie } : {};
        const [expected, actual] = [
          await plain.request(path, { method, headers }),
          await app.request(path, { method, headers }),
        ];
        assertEquals([...actual.headers], [...expected.headers], path);
        assertEquals([actual.status, await actual.text()], [
          expected.status,
          await expected.text(),
        ]);
      }
    }
  }
});

Deno.test("session() shows the same object in all its places and takes objects and null only", async () => {
  const app = new Hono().use(session<Data>({ store: new MapStore() })).get("/", async (c) => {
    const places = [
      c.var.session,
      c.get("session"),
      Reflect.get(c, "session"),
      await getSession(c),
    ];
    for (const place of places) assert(place === c.var.session);
    for (const value of [undefined, 1, "x", true, [], () => {}, new Map([["a", 1]]), new Date()]) {
      const error = await assertRejects(
        // deno-lint-ignore require-await -- To take a synchronous error as well.
        async () => c.set("session", value as never),
        TypeError,
        "a plain object or null is required",
      );
      assert(error.message.startsWith("Cannot set session"));
    }
    const { session } = c.var;
    c.set("session", { name: "Ada" } as typeof session);
    assert(c.var.session === session, "replacing data keeps the session");
    assertEquals({ ...session }, { name: "Ada" });
    c.set("session", session);
    assertEquals({ ...session }, { name: "Ada" });
    return c.text("ok");
  });
  assertEquals((await app.request("/")).status, 200);
});

Deno.test("session() mounted twice loads and commits once", async () => {
  const { app, watch } = setup();
  app.use("/twice/*", session<Data>({ store: watch }));
  app.get("/twice/set", (c) => {
    c.var.session.a = 2;
    return c.json(c.var.session);
  });
  const client = new Client(app);
  await client.text("/set");
  watch.calls();
  const response = await client.fetch("/twice/set");
  assertEquals(await response.json(), { a: 2 });
  assertEquals(watch.calls(), ["read", "update"]);
});

Deno.test("session() works behind app.route() and app.mount()", async () => {
  const store = new MapStore();
  const inner = new Hono().use(session<Data>({ store })).get("/login", async (c) => {
    await c.var.session.regenerate();
    c.var.session.name = "Ada";
    return c.text("welcome");
  });
  const app = new Hono().use(session<Data>({ store }))
    .get("/read", (c) => c.json(c.var.session))
    .get("/set", (c) => {
      c.var.session.a = 1;
      return c.text("set");
    });
  app.route("/route", inner);
  app.mount("/mount", inner.fetch);
  for (const path of ["/route/login", "/mount/login"]) {
    const client = new Client(app);
    await client.text("/set");
    const response = await client.fetch(path);
    assertEquals(await response.text(), "welcome");
    assertEquals(response.headers.getSetCookie().length, 1);
    assertEquals(await client.json("/read"), { a: 1, name: "Ada" });
  }
});

Deno.test("session() sends its cookie with redirects and immutable responses, beside other cookies", async () => {
  const { app } = setup();
  app
    .get("/redirect", (c) => {
      c.var.session.name = "Ada";
      return c.redirect("/read");
    })
    .get("/immutable", (c) => {
      c.var.session.name = "Ada";
      return Response.redirect("https://app.test/read");
    })
    .get("/not-modified", (c) => {
      c.var.session.name = "Ada";
      return c.body(null, 304);
    })
    .get("/others", (c) => {
      c.var.session.name = "Ada";
      c.header("Set-Cookie", "sidecar=1");
      c.header("Set-Cookie", "other=2", { append: true });
      c.header("Set-Cookie", "sid=forged", { append: true });
      return c.text("others");
    });
  for (
    const [path, status] of [["/redirect", 302], ["/immutable", 302], [
      "/not-modified",
      304,
    ]] as const
  ) {
    const client = new Client(app);
    const response = await client.fetch(path);
    assertEquals(response.status, status);
    assertEquals(response.headers.get("cache-control"), "no-store");
    assertEquals(await client.json("/read"), { name: "Ada" }, path);
  }
  const response = await new Client(app).fetch("/others");
  const names = response.headers.getSetCookie().map((cookie) => cookie.slice(0, 10));
  assertEquals(names.length, 3);
  assertEquals(names.slice(0, 2), ["sidecar=1", "other=2"]);
  assertMatch(response.headers.getSetCookie()[2]!, /^sid=[\w-]{43};/);
  const head = await app.request("/redirect", { method: "HEAD" });
  assertEquals(head.headers.getSetCookie().length, 1);
});

Deno.test("session() keeps out of onError and notFound, whose cookies and bodies survive", async () => {
  const { app } = setup();
  app
    .get("/forbidden", (c) => {
      c.var.session.name = "refused";
      throw new HTTPException(403, { message: "forbidden" });
    })
    .notFound((c) => {
      (c.get("session" as never) as Data).a = 1;
      return c.text("nothing here", 404);
    });
  const client = new Client(app);
  const forbidden = await client.fetch("/forbidden");
  assertEquals([forbidden.status, await forbidden.text()], [403, "forbidden"]);
  assertEquals(forbidden.headers.getSetCookie().length, 1);
  const missing = await client.fetch("/missing");
  assertEquals([missing.status, await missing.text()], [404, "nothing here"]);
  assertEquals(await client.json("/read"), { name: "refused", a: 1 });
});

Deno.test("session() commits before a thrown value that is no error goes on", async () => {
  const { app, client } = setup();
  app.get("/throw", (c) => {
    c.var.session.destroy();
    throw "no error";
  });
  await client.text("/set");
  const thief = await client.thief();
  let thrown: unknown;
  await client.fetch("/throw").catch((error) => thrown = error);
  assertEquals(thrown, "no error");
  assertEquals(await thief.json("/read"), {});
});

Deno.test("session() commits a stream before it begins; what comes later is saved by save()", async () => {
  const { app, client } = setup();
  const gate = new Gate();
  app.get("/stream", (c) => {
    const { session } = c.var;
    session.steps = [1];
    return streamText(c, async (stream) => {
      await gate.pass();
      session.steps!.push(2);
      await session.save();
      await stream.write("done");
    });
  });
  const response = await client.fetch("/stream");
  assertEquals(response.headers.getSetCookie().length, 1);
  await gate.arrived();
  assertEquals(await client.json("/read"), { steps: [1] });
  gate.open();
  assertEquals(await response.text(), "done");
  assertEquals(await client.json("/read"), { steps: [1, 2] });
});

Deno.test("session() lets a WebSocket be upgraded, and save() works in it", async () => {
  const { app } = setup();
  app.get("/socket", (c) => {
    const { session } = c.var;
    const { socket, response } = Deno.upgradeWebSocket(c.req.raw);
    socket.onmessage = async () => {
      session.name = "from the socket";
      await session.save();
      socket.send("saved");
    };
    return response;
  });
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    (request) => app.fetch(request),
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const set = await fetch(`${origin}/set`);
  await set.body?.cancel();
  const cookie = set.headers.getSetCookie()[0]!.split(";")[0]!;
  const socket = new WebSocket(`${origin.replace("http", "ws")}/socket`, { headers: { cookie } });
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.onopen = () => socket.send("hello");
  socket.onmessage = ({ data }) => resolve(data);
  assertEquals(await promise, "saved");
  socket.close();
  await closed;
  const read = await fetch(`${origin}/read`, { headers: { cookie } });
  assertEquals(await read.json(), { a: 1, name: "from the socket" });
  await server.shutdown();
});

Deno.test("session() marks responses that depend on a session, unless told not to", async () => {
  const { client, watch } = setup();
  await client.text("/set");
  const marked = await client.fetch("/read");
  assertEquals([marked.headers.get("vary"), marked.headers.get("cache-control")], [
    "Cookie",
    "private",
  ]);
  const off = new Hono().use(session({ store: watch, cacheControl: false })).get(
    "/",
    (c) => c.text(""),
  );
  const plain = await off.request("/", { headers: { cookie: await client.cookie() } });
  assertEquals([plain.headers.get("vary"), plain.headers.get("cache-control")], [null, null]);
});

Deno.test("session() keeps several sessions of one application apart", async () => {
  const store = new MapStore();
  const app = new Hono()
    .use(session<Data>({ store }))
    .use(session({ store, contextKey: "admin", cookieName: "admin" }))
    .get("/set", (c) => {
      c.var.session.name = "Ada";
      Object.assign(c.get("admin" as never), { name: "root" });
      return c.text("set");
    })
    .get(
      "/read",
      async (c) =>
        c.json([
          c.var.session,
          await getSession(c, { contextKey: "admin" }),
          Reflect.get(c, "admin"),
        ]),
    )
    .get("/end", async (c) => {
      await endSession(c, undefined, { contextKey: "admin" });
      return c.text("ended");
    });
  const client = new Client(app);
  await client.text("/set");
  assertNotEquals(await client.value("sid"), await client.value("admin"));
  assertEquals(await client.json("/read"), [{ name: "Ada" }, { name: "root" }, { name: "root" }]);
  await client.text("/end");
  assertEquals(await client.json("/read"), [{ name: "Ada" }, {}, {}]);
});

Deno.test("session() with a secret signs the token; a forged one costs no store call", async () => {
  const [OLD, NEW] = [
    "an old secret of thirty-two characters",
    "a new secret of thirty-two characters!",
  ] as const;
  const store = new MapStore();
  const before = setup({ store, secret: OLD });
  await before.client.text("/set");
  const cookie = await before.client.cookie();
  const [token, signature] = cookie.slice(4).split(".");
  assertEquals([token!.length, signature!.length], [43, 43]);

  const rejected: string[] = [];
  const watch = new FaultyStore(store);
  const now = setup({
    store: watch,
    secret: [NEW, OLD],
    events: { rejected: ({ reason }) => rejected.push(reason) },
  });
  const read = async (value: string) =>
    await (await now.app.request("/read", { headers: { cookie: value } })).json();
  assertEquals(await read(cookie), { a: 1 }, "an old secret is still good for reading");
  assertEquals(watch.calls(), ["read"]);
  const other = setup({ store, secret: NEW, cookieName: "other" });
  await other.client.text("/set");
  const forged = [
    `sid=${token}`,
    `sid=${token}.`,
    `sid=${token}.${"A".repeat(43)}`,
    `sid=${"A".repeat(43)}.${signature}`,
    `sid=${token}.${signature}x`,
    `sid=x.${signature}`,
    `sid=${await other.client.value("other")}`,
  ];
  for (const value of forged) assertEquals(await read(value), {}, value);
  assertEquals(watch.calls(), []);
  assertEquals(rejected, forged.map(() => "forged"));
});

Deno.test("session() gives every visitor a copy of the initial data, which alone store nothing", async () => {
  const initial = { steps: [0] };
  for (const given of [initial, () => initial]) {
    const { app, watch } = setup({ initial: given });
    app.get("/push", (c) => {
      c.var.session.steps!.push(1);
      return c.json(c.var.session);
    });
    const client = new Client(app);
    assertEquals(await client.json("/read"), { steps: [0] });
    assertEquals(watch.calls(), []);
    assertEquals(await client.json("/push"), { steps: [0, 1] });
    assertEquals(await new Client(app).json("/push"), { steps: [0, 1] });
    assertEquals(await client.json("/push"), { steps: [0, 1, 1] });
  }
  assertEquals(initial, { steps: [0] });
});

Deno.test("session() takes a bare Map", async () => {
  const store = new Map();
  const { client } = setup({ store });
  assertEquals(await client.json("/read"), {});
  assertEquals(store.size, 0);
  await client.text("/set");
  assertEquals(store.size, 1);
  assertEquals(await client.json("/read"), { a: 1 });
});

Deno.test("allowOverwrite: false keeps startSession() from ending a live session", async () => {
  const { app, client } = setup({ allowOverwrite: false });
  app.get("/start", async (c) => {
    await startSession<Data>(c, { name: "started" });
    return c.text("started");
  }).onError((error, c) => c.text(error instanceof SessionExistsError ? "exists" : "other", 500));
  assertEquals(await client.text("/start"), "started");
  assertEquals(await client.text("/start"), "exists");
  assertEquals(await client.json("/read"), { name: "started" });
});

Deno.test("startSession() stores a session without data, and the helpers want the middleware", async () => {
  const { app, client, watch } = setup();
  app.get("/start", async (c) => {
    await startSession(c);
    return c.text("started");
  });
  await client.text("/start");
  assertEquals(watch.calls(), ["create"]);
  assert(await client.cookie());
  const bare = new Hono().get("/", async (c) => {
    await assertRejects(() => startSession(c), TypeError, "no session middleware is mounted");
    await assertRejects(() => endSession(c), TypeError, "no session middleware is mounted");
    await assertRejects(() => getSession(c), TypeError, "no session middleware is mounted");
    return c.text("ok");
  });
  assertEquals((await bare.request("/")).status, 200);
});

Deno.test("events tell what happened, and a listener that fails changes nothing", async () => {
  const clock = new FakeClock();
  const told: string[] = [];
  const logged: string[] = [];
  const { app, client } = setup({
    clock: clock.now,
    store: new MapStore({ clock: clock.now }),
    maxAge: 100,
    logger: { warn() {}, error: (message) => logged.push(message) },
    events: {
      created: () => told.push("created"),
      loaded: () => Promise.reject(new Error("listener failed")),
      renewed: () => told.push("renewed"),
      regenerated: () => told.push("regenerated"),
      destroyed: ({ reason }) => told.push(`destroyed: ${reason}`),
      rejected: ({ reason }) => {
        told.push(`rejected: ${reason}`);
        throw new Error("listener failed");
      },
    },
  });
  app.get("/renew", (c) => {
    c.var.session.renew();
    return c.text("");
  }).get("/regenerate", async (c) => {
    await c.var.session.regenerate();
    return c.text("");
  }).get("/end", (c) => {
    c.var.session.destroy();
    return c.text("");
  });
  for (const path of ["/set", "/renew", "/regenerate", "/end", "/set"]) await client.text(path);
  const cookie = await client.cookie();
  clock.advance(100);
  await client.text("/read", { headers: { cookie } });
  await client.text("/read", { headers: { cookie: "sid=x" } });
  assertEquals(told, [
    "created",
    "renewed",
    "regenerated",
    "destroyed: logout",
    "created",
    "rejected: unknown",
    "rejected: malformed",
  ]);
  assertEquals(logged.length, 5);
});

Deno.test("records that can't be read are nobody's, and the user can log in again", async () => {
  for (
    const change of [{ data: "{" }, { data: "[]" }, { data: 5 }, { format: 9 }, { flash: "x" }, {
      sid: null,
    }]
  ) {
    const store = new Map();
    const rejected: string[] = [];
    const { client } = setup({
      store,
      events: { rejected: ({ reason }) => rejected.push(reason) },
    });
    await client.text("/set");
    for (const [key, record] of store) store.set(key, { ...record, ...change });
    assertEquals(await client.json("/read"), {}, JSON.stringify(change));
    assertEquals(rejected.length, 1);
    await client.text("/set");
    assertEquals(await client.json("/read"), { a: 1 });
  }
});

Deno.test("a stored key that has become the name of a member hides no member", async () => {
  const store = new Map();
  const { app, client } = setup({ store });
  app.get("/sid", (c) => c.text(c.var.session.sid));
  await client.text("/set");
  for (const [key, record] of store) store.set(key, { ...record, data: '{"a":1,"sid":"planted"}' });
  assertEquals((await client.text("/sid")).length, 22);
  assertEquals(await client.json("/read"), { a: 1 });
});

Deno.test("a collision of keys is answered with another token", async () => {
  const { client, watch } = setup();
  watch.inject("create", "refuse", 2);
  await client.text("/set");
  assertEquals(watch.calls(), ["create", "create", "create"]);
  assertEquals(await client.json("/read"), { a: 1 });
});

Deno.test("a commit that others keep overtaking is a 409 without a cookie", async () => {
  const conflicts: number[] = [];
  const { app, client, watch } = setup({
    logger: QUIET,
    storeTimeout: 0.3,
    events: { conflict: ({ tries }) => conflicts.push(tries) },
  });
  app.get("/change", (c) => {
    c.var.session.name = "Ada";
    return c.text("changed");
  }).onError((error, c) => {
    assert(error.cause instanceof SessionConflictError);
    return (error as HTTPException).getResponse() ?? c.text("");
  });
  await client.text("/set");
  watch.inject("update", "refuse");
  const response = await client.fetch("/change");
  assertEquals([response.status, response.headers.getSetCookie()], [409, []]);
  assert(conflicts.length > 2, "it is tried as long as there is time");
  assertEquals(conflicts, conflicts.map((_, index) => index + 1));
});
