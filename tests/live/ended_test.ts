import {
  createSessions,
  getSession,
  session,
  SessionEndedError,
  type SessionOptions,
  type SessionStore,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";

interface Data {
  note?: string;
}

/** Seconds between two polls. */
const EVERY = 0.02;
const ADA = "user:42";

/** An application, and the signals that it was asked for. */
function makeApp(options: SessionOptions<Data>) {
  const sessions = createSessions<Data>({ live: { every: EVERY }, ...options });
  const signals: AbortSignal[] = [];
  const app = new Hono()
    .use(sessions.middleware())
    .get("/note", (c) => {
      c.var.session.note = c.req.query("note") ?? "noted";
      return c.text(c.var.session.sid);
    })
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = ADA;
      return c.text("welcome");
    })
    .get("/regenerate", async (c) => {
      await c.var.session.regenerate();
      return c.text("regenerated");
    })
    .get("/read", (c) => c.text("read"))
    .get("/change", (c) => {
      signals.push(c.var.session.ended);
      c.var.session.note = "changed";
      return c.text("changed");
    })
    .get("/logout", (c) => {
      const before = c.var.session.ended;
      c.set("session", null as never);
      assertEquals([before.aborted, before.reason], [true, "logout"]);
      assertEquals([c.var.session.ended.aborted, c.var.session.ended.reason], [true, "logout"]);
      return c.text("bye");
    })
    .get("/listen", (c) => {
      const { ended } = c.var.session;
      assert(c.var.session.ended === ended);
      ended.addEventListener("abort", () => {});
      signals.push(ended);
      return c.text("listening");
    })
    .get("/raw", (c) => {
      const { ended } = c.var.session;
      signals.push(ended);
      return new Response(
        new ReadableStream({
          start(controller) {
            ended.addEventListener("abort", () => controller.close());
          },
        }),
        { status: Number(c.req.query("status") ?? 200) },
      );
    });
  return { sessions, signals, visitor: () => new Client(app) };
}

/** Waits until a condition holds; the process stays alive. */
async function until(holds: () => boolean): Promise<void> {
  const start = performance.now();
  while (!holds()) {
    assert(performance.now() - start < 10_000, "too late");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits for so many polls. */
async function polls(store: FaultyStore, times: number): Promise<void> {
  let count = 0;
  store.calls();
  await until(() => (count += store.calls().filter((call) => call === "read").length) >= times);
}

Deno.test("the signal follows a session whose token is rotated, on this machine and on others", async () => {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now });
  const store = new FaultyStore(map);
  const rotate = { every: 10, grace: 5 };
  const options = { store, clock: clock.now, rotate, maxAge: 1000 };
  const here = makeApp(options);
  const there = makeApp({ ...options, store: map });
  for (const machine of [here, there]) {
    const client = machine.visitor();
    await client.text("/note");
    const listener = here.visitor();
    await listener.fetch("/listen", { headers: { cookie: await client.cookie() } });
    const signal = here.signals.at(-1)!;
    const tokens = new Set<string | undefined>();
    for (let time = 0; time < 12; time++) {
      tokens.add(await client.value());
      clock.advance(6);
      await client.text("/read");
      // Often enough between two looks, and seldom.
      if (time < 6) await polls(store, 3);
    }
    assert(tokens.size >= 4, `${tokens.size} tokens`);
    await polls(store, 3);
    assertEquals(signal.aborted, false);
    await client.text("/logout");
    await until(() => signal.aborted);
    assertEquals(signal.reason, "logout");
  }
});

Deno.test("the signal of a session that others renew aborts when it expires, and not before", async () => {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now });
  const store = new FaultyStore(map);
  const options = { clock: clock.now, rolling: true, maxAge: 60 };
  const here = makeApp({ ...options, store });
  const there = makeApp({ ...options, store: map });
  const client = there.visitor();
  await client.text("/note");
  await here.visitor().fetch("/listen", { headers: { cookie: await client.cookie() } });
  const [signal] = here.signals;
  for (let time = 0; time < 5; time++) {
    clock.advance(50);
    await client.text("/read");
    await polls(store, 3);
    assertEquals(signal!.aborted, false);
  }
  clock.advance(60);
  await until(() => signal!.aborted);
  assertEquals(signal!.reason, "expired");
});

Deno.test("expiry is a timer, and a policy that is shorter than that of who made the session counts", async () => {
  const store = new MapStore();
  for (const options of [{ maxAge: 0.3 }, { absoluteMaxAge: 0.3 }]) {
    const { signals, visitor } = makeApp({ store, live: { every: 50 }, ...options });
    const { cookie } = await createSessions({ store, maxAge: 600 }).create({ note: "noted" });
    await visitor().fetch("/listen", { headers: { cookie } });
    assertEquals(signals[0]!.aborted, false);
    await until(() => signals[0]!.aborted);
    assertEquals(signals[0]!.reason, "expired");
  }
});

Deno.test("the signal of a cookie session without revocations aborts with its own request, and when it expires", async () => {
  const clock = new FakeClock();
  const store = new EncryptedCookieStore({ secret: SECRET, clock: clock.now });
  const { signals, visitor } = makeApp({ store, clock: clock.now, maxAge: 60 });
  const client = visitor();
  await client.text("/note");
  await client.text("/listen");
  clock.advance(30);
  await client.text("/listen");
  await new Promise((resolve) => setTimeout(resolve, EVERY * 5000));
  assertEquals(signals.map(({ aborted }) => aborted), [false, false]);
  clock.advance(30);
  await until(() => signals.every(({ aborted }) => aborted));
  assertEquals(signals.map(({ reason }) => reason), ["expired", "expired"]);
  const other = visitor();
  await other.text("/note");
  await other.text("/listen");
  await other.text("/logout");
  assertEquals(signals[2]!.reason, "logout");
});

Deno.test("the signal of a session that is stored later is that of the session", async () => {
  const store = new MapStore();
  const { sessions, signals, visitor } = makeApp({ store });
  const app = new Hono().use(sessions.middleware()).get("/", (c) => {
    c.var.session.ended.addEventListener("abort", () => {});
    signals.push(c.var.session.ended);
    c.var.session.subject = ADA;
    return c.text("welcome");
  });
  await new Client(app).text("/");
  const anonymous = visitor();
  await anonymous.text("/listen");
  await sessions.revokeAll(ADA);
  await until(() => signals[0]!.aborted);
  assertEquals(signals.map(({ reason }) => reason), ["revoked", undefined]);
  await anonymous.text("/logout");
  assertEquals(signals[1]!.aborted, false, "of another request that has no session either");
});

Deno.test("a stream that the application makes itself ends with its session, and is forgotten when it is over", async () => {
  const store = new FaultyStore(new MapStore());
  const { sessions, visitor } = makeApp({ store });
  const client = visitor();
  await client.text("/login");
  const response = await client.fetch("/raw");
  await sessions.revokeAll(ADA);
  assertEquals(await response.text(), "");
  await client.text("/login");
  await (await client.fetch("/raw")).body!.cancel();
  store.calls();
  await new Promise((resolve) => setTimeout(resolve, EVERY * 5000));
  assertEquals(store.calls(), []);
});

Deno.test("a stream with the status of a failure is forgotten when it is over", async () => {
  const store = new FaultyStore(new MapStore());
  const client = makeApp({ store }).visitor();
  await client.text("/login");
  const response = await client.fetch("/raw?status=500");
  await polls(store, 2);
  await response.body!.cancel();
  store.calls();
  await new Promise((resolve) => setTimeout(resolve, EVERY * 5000));
  assertEquals(store.calls(), []);
});

Deno.test("a request whose commit fails is forgotten", async () => {
  const store = new FaultyStore(new MapStore());
  const client = makeApp({ store, logger: { error() {}, warn() {} } }).visitor();
  await client.text("/login");
  store.inject("update", "fail");
  const response = await client.fetch("/change");
  assertEquals(response.status, 503);
  await response.body?.cancel();
  store.calls();
  await new Promise((resolve) => setTimeout(resolve, EVERY * 5000));
  assertEquals(store.calls(), []);
});

/** What a handler can answer with that is no stream. */
const WHOLE: Record<string, (c: Context) => Response | Promise<Response>> = {
  "text()": (c) => c.text("text"),
  "json()": (c) => c.json({ whole: true }),
  "html()": (c) => c.html("<p>text</p>"),
  "html() of a promise": (c) => c.html(Promise.resolve("<p>text</p>")),
  "body() of bytes": (c) => c.body(new Uint8Array([1, 2, 3])),
  "body() of nothing": (c) => c.body(null, 204),
  "redirect()": (c) => c.redirect("/"),
};

for (const [name, answer] of Object.entries(WHOLE)) {
  Deno.test(`a listener outlives a response that is no stream: ${name}`, async () => {
    const { sessions, visitor } = makeApp({ store: new MapStore() });
    const reasons: string[] = [];
    const app = new Hono().use(sessions.middleware()).get("/", (c) => {
      const { ended } = c.var.session;
      ended.addEventListener("abort", () => reasons.push(ended.reason));
      // One response is copied for its cookie, the other is not.
      if (c.req.query("renew")) c.var.session.renew();
      return answer(c);
    });
    const client = visitor();
    await client.text("/login");
    const headers = { cookie: await client.cookie() };
    for (const path of ["/", "/?renew=yes"]) await (await app.request(path, { headers })).text();
    await sessions.revokeAll(ADA);
    assertEquals(reasons, ["revoked", "revoked"]);
  });
}

Deno.test("a stream that asks for the end of its session when it is over itself is not watched", async () => {
  const store = new FaultyStore(new MapStore());
  const { sessions, visitor } = makeApp({ store });
  const client = visitor();
  await client.text("/login");
  await client.text("/change");
  const headers = { cookie: await client.cookie() };
  const { promise: isLeft, resolve: leave } = Promise.withResolvers<void>();
  let asked = 0;
  const app = new Hono().use(sessions.middleware()).get("/", (c) =>
    streamSSE(c, async (stream) => {
      await isLeft;
      c.var.session.ended.addEventListener("abort", () => stream.abort());
      asked++;
    }));
  await (await app.request("/", { headers })).body!.cancel();
  await app.request("/", { headers, method: "HEAD" });
  leave();
  await until(() => asked === 2);
  store.calls();
  await new Promise((resolve) => setTimeout(resolve, EVERY * 5000));
  assertEquals(store.calls(), []);
});

Deno.test("a stream that loads its session when it is over itself is not watched", async () => {
  const store = new FaultyStore(new MapStore());
  const { sessions, visitor } = makeApp({ store });
  const client = visitor();
  await client.text("/login");
  const { promise: isLeft, resolve: leave } = Promise.withResolvers<void>();
  const { promise: isAsked, resolve: ask } = Promise.withResolvers<void>();
  const lazy = createSessions<Data>({ store, live: { every: EVERY }, lazy: true });
  const app = new Hono().use(lazy.middleware()).get("/", (c) =>
    streamSSE(c, async (stream) => {
      await isLeft;
      (await getSession(c)).ended.addEventListener("abort", () => stream.abort());
      ask();
    }));
  const headers = { cookie: await client.cookie() };
  await (await app.request("/", { headers })).body!.cancel();
  leave();
  await isAsked;
  store.calls();
  await new Promise((resolve) => setTimeout(resolve, EVERY * 5000));
  assertEquals(store.calls(), []);
  await sessions.revokeAll(ADA);
});

Deno.test("a stream of a client that has asked for an upgrade is forgotten when it is over", async () => {
  const store = new FaultyStore(new MapStore());
  const client = makeApp({ store }).visitor();
  await client.text("/login");
  const headers = { upgrade: "h2c" };
  await (await client.fetch("/raw", { headers })).body!.cancel();
  store.calls();
  await new Promise((resolve) => setTimeout(resolve, EVERY * 5000));
  assertEquals(store.calls(), []);
});

Deno.test("a socket outlives the background tasks of its request", async () => {
  const { sessions, visitor } = makeApp({ store: new MapStore() });
  const client = visitor();
  await client.text("/login");
  const { promise: task, resolve: finish } = Promise.withResolvers<void>();
  let listen = () => {};
  const reasons: string[] = [];
  const app = new Hono().use(sessions.middleware()).get("/", (c) => {
    c.executionCtx.waitUntil(task);
    const { session } = c.var;
    listen = () =>
      session.ended.addEventListener("abort", () => reasons.push(session.ended.reason));
    if (c.req.query("early")) listen();
    return c.text("instead of an upgrade");
  });
  const context = { waitUntil() {}, passThroughOnException() {}, props: {} };
  const headers = { cookie: await client.cookie(), upgrade: "websocket" };
  await app.request("/?early=yes", { headers }, {}, context);
  await app.request("/", { headers }, {}, context);
  finish();
  await new Promise((resolve) => setTimeout(resolve));
  listen();
  await sessions.revokeAll(ADA);
  assertEquals(reasons, ["revoked", "revoked"]);
});

Deno.test("a session that somebody listens to is read until they stop", async () => {
  const store = new FaultyStore(new MapStore());
  const sessions = createSessions<Data>({ store, live: { every: EVERY } });
  const { cookie } = await sessions.create({ note: "noted" });
  const opened = await sessions.open(new Request("https://app.test/", { headers: { cookie } }));
  const { ended } = opened!;
  const listener = () => {};
  ended.addEventListener("abort", listener);
  await polls(store, 3);
  ended.removeEventListener("abort", listener);
  store.calls();
  await new Promise((resolve) => setTimeout(resolve, EVERY * 5000));
  assertEquals(store.calls(), []);
});

Deno.test("what is read again is not read once per stream, and not all at once", async () => {
  let [running, most, reads] = [0, 0, 0];
  const map = new MapStore();
  const read = async (key: string) => {
    most = Math.max(most, ++running);
    reads++;
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
    return map.read(key);
  };
  const store = new Proxy(map, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      return name === "read" ? read : typeof member === "function" ? member.bind(target) : member;
    },
  });
  const sessions = createSessions<Data>({ store, live: { every: 0.5 } });
  const signals: AbortSignal[] = [];
  for (let count = 0; count < 100; count++) {
    const { cookie } = await sessions.create({ note: "noted" }, { subject: ADA });
    for (let time = 0; time < 3; time++) {
      const opened = await sessions.open(new Request("https://app.test/", { headers: { cookie } }));
      signals.push(opened!.ended);
    }
  }
  [most, reads] = [0, 0];
  await until(() => reads >= 100 && running === 0);
  assertEquals(reads, 100);
  assert(most > 10 && most < 50, `${most} at once`);
  await sessions.revokeAll(ADA);
  assert(signals.every(({ reason }) => reason === "revoked"));
});

Deno.test("polls of a store that is slower than they are due don't overlap", async () => {
  let [running, most, reads] = [0, 0, 0];
  const map = new MapStore();
  const read = async (key: string) => {
    most = Math.max(most, ++running);
    reads++;
    await new Promise((resolve) => setTimeout(resolve, 10));
    running--;
    return map.read(key);
  };
  const store: SessionStore = new Proxy<SessionStore>(map, {
    get(target, name) {
      if (name === "read") return read;
      const member: unknown = Reflect.get(target, name, target);
      if (name === "capabilities") return { ...map.capabilities, watch: false };
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  // Longer than a timer can be.
  const sessions = createSessions<Data>({ store, live: { every: EVERY }, maxAge: 30 * 86_400 });
  const opened = await Promise.all(Array.from({ length: 300 }, async () => {
    const { cookie } = await sessions.create({ note: "noted" }, { subject: ADA });
    return (await sessions.open(new Request("https://app.test/", { headers: { cookie } })))!;
  }));
  [most, reads] = [0, 0];
  let longest = 0;
  const { setTimeout: original } = globalThis;
  globalThis.setTimeout = Object.assign((...args: Parameters<typeof original>) => {
    longest = Math.max(longest, args[1] ?? 0);
    return original(...args);
  }, original);
  const signals: AbortSignal[] = [];
  try {
    while (reads < 1000) {
      // What is new is watched at once, also in the middle of a poll.
      if (opened.length > 0) signals.push(...opened.splice(0, 5).map(({ ended }) => ended));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  } finally {
    globalThis.setTimeout = original;
  }
  assert(most > 10 && most <= 32, `${most} at once`);
  assert(longest < 2 ** 31, `a timer of ${longest} ms`);
  await sessions.revokeAll(ADA);
  assert(signals.every(({ aborted }) => aborted));
  await until(() => running === 0);
});

Deno.test("a session that is unavailable or not loaded has no end to wait for", async () => {
  const store = new FaultyStore(new MapStore());
  const app = new Hono()
    .use(session<Data>({ store, onStoreError: "anonymous", logger: { error() {}, warn() {} } }))
    .use("/lazy", session<Data>({ store, lazy: true, contextKey: "lazy", cookieName: "lazy" }))
    .get("/", (c) => c.text(String(c.var.session.ended.aborted)))
    .get("/lazy", (c) => {
      const lazy = c.get("lazy" as never) as { ended: AbortSignal };
      assertThrows(() => lazy.ended, TypeError, "await getSession(c) first");
      return c.text("lazy");
    });
  store.inject("all", "fail");
  const headers = { cookie: `sid=${"A".repeat(43)}` };
  assertEquals(await (await app.request("/", { headers })).text(), "false");
  assertEquals(await (await app.request("/lazy")).text(), "lazy");
});

Deno.test("a damaged trace and an error that no read has end no process", async () => {
  const map = new MapStore();
  let read = (key: string) => map.read(key);
  const store: SessionStore = new Proxy<SessionStore>(map, {
    get(target, name) {
      if (name === "read") return (key: string) => read(key);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const told: unknown[] = [];
  const events = { storeError: ({ error }: { error: Error }) => void told.push(error.cause) };
  const { signals, visitor } = makeApp({ store, events });
  const client = visitor();
  await client.text("/note");
  await client.text("/listen");
  const error = new SessionEndedError("it has ended");
  read = () => {
    throw error;
  };
  await until(() => told.length >= 2);
  assertEquals([told[0] === error, signals[0]!.aborted], [true, false]);
  read = (key) => ({ ...map.read(key)!, trace: "replaced", data: "damaged" });
  await until(() => signals[0]!.aborted);
  assertEquals(signals[0]!.reason, "ended");
});

Deno.test("a store notifies for what outlives its request, and not for each request that asks for the end", async () => {
  const store = new MapStore();
  const { watch } = store;
  let watched = 0;
  store.watch = (...args) => {
    watched++;
    return Reflect.apply(watch, store, args);
  };
  const client = makeApp({ store }).visitor();
  await client.text("/login");
  for (let time = 0; time < 3; time++) await client.text("/change");
  assertEquals(watched, 0);
  const response = await client.fetch("/raw");
  await until(() => watched === 1);
  await response.body!.cancel();
});

/** What ends a session here, and the reason. */
const ENDS: Record<string, (machine: ReturnType<typeof makeApp>, client: Client) => unknown> = {
  "revokeAll() revoked": ({ sessions }) => sessions.revokeAll(ADA),
  "revoke() revoked": async ({ sessions }) => {
    for await (const { sid } of sessions.list(ADA)) await sessions.revoke(ADA, sid);
  },
  "a logout logout": async (_, client) => {
    await client.fetch("/logout");
  },
  "another login evicted": ({ visitor }) => visitor().text("/login"),
};

for (const [name, end] of Object.entries(ENDS)) {
  const reason = name.split(" ").at(-1)!;
  Deno.test(`a poll in the middle of an end knows its reason: ${name}`, async () => {
    const map = new MapStore();
    const isOver = () => until(() => machine.signals[0]!.aborted);
    const slow: Partial<SessionStore> = {
      capabilities: { ...map.capabilities, watch: false },
      async delete(...args) {
        const record = map.read(args[0]);
        map.delete(args[0]);
        if (record) await isOver();
      },
      async deleteAll(...args) {
        const count = map.deleteAll(args[0], args[1]);
        await isOver();
        return count;
      },
    };
    const store: SessionStore = new Proxy<SessionStore>(map, {
      get(target, name) {
        const member: unknown = Reflect.get(slow, name) ?? Reflect.get(target, name, target);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    const machine = makeApp({ store, maxSessions: { limit: 1 } });
    const client = machine.visitor();
    await client.text("/login");
    const response = await client.fetch("/raw");
    await end(machine, client);
    assertEquals(machine.signals[0]!.reason, reason);
    await response.body?.cancel();
  });
}
