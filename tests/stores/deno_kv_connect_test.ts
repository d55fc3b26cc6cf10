// Deno KV over KV Connect, with the real server.
import { createSessions, session, type SessionRecord } from "@x/hono-session";
import { DenoKvStore, type KvLike } from "@x/hono-session/stores/deno-kv";
import { storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { DenoKvServer, skipKvConnect } from "../_support/deno_kv_server.ts";
import { Gate } from "../_support/gate.ts";
import { DroppingProxy } from "../_support/dropping_proxy.ts";
import { FakeClock } from "../_support/clock.ts";
import { pooled } from "../_support/pooled.ts";
import { makeRecord } from "../_support/record.ts";

/** What a session leaves under a key from which it has moved. */
function traceOf(record: SessionRecord): SessionRecord {
  const { subject: _, subjectAt: __, ...rest } = record;
  return { ...rest, data: "{}", version: 3, trace: "replaced" };
}

const ignore = skipKvConnect();

function makeApp(store: DenoKvStore, storeTimeout = 5) {
  return new Hono()
    .use(session<{ count?: number; name?: string }>({ store, storeTimeout }))
    .get("/read", (c) => c.json(c.var.session))
    .get(
      "/increment",
      async (c) => c.json(await c.var.session.update("count", (count = 0) => count + 1)),
    )
    .get("/set/:name", (c) => {
      c.var.session.name = c.req.param("name");
      return c.text("set");
    })
    .get("/login/:name", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = c.req.param("name");
      c.var.session.name = c.req.param("name");
      return c.text("logged in");
    });
}

/** The same database, whose calls are known while they are under way. */
function watch(kv: Deno.Kv, calls: Set<Promise<unknown>>): KvLike {
  const note = <Answer>(call: Promise<Answer>): Promise<Answer> => {
    calls.add(call);
    const forget = () => void calls.delete(call);
    call.then(forget, forget);
    return call;
  };
  return {
    get: (key) => note(kv.get([...key])),
    getMany: (keys) => note(kv.getMany(keys.map((key) => [...key]))),
    list: ({ prefix }, options) => kv.list({ prefix: [...prefix] }, options),
    atomic() {
      const atomic = kv.atomic();
      const commit = atomic.commit.bind(atomic);
      return Object.assign(atomic, { commit: () => note(commit()) });
    },
    close: () => {},
  };
}

if (!ignore) {
  const server = await DenoKvServer.start();
  Deno.test.afterAll(async () => await server[Symbol.asyncDispose]());

  storeConformance({
    name: "DenoKvStore over KV Connect",
    capabilities: new DenoKvStore().capabilities,
    test: Deno.test,
    async open(clock) {
      const kv = await server.open();
      const store = new DenoKvStore({ kv, clock, prefix: [crypto.randomUUID()] });
      return { store, close: () => kv.close() };
    },
  });

  Deno.test("DenoKvStore over KV Connect: 50 parallel increments are 50", async () => {
    using kv = await server.open();
    const client = new Client(makeApp(new DenoKvStore({ kv, prefix: [crypto.randomUUID()] })));
    await client.text("/set/Ada");
    const counts = await Promise.all(Array.from({ length: 50 }, () => client.json("/increment")));
    assertEquals((counts as number[]).toSorted((a, b) => a - b), counts.map((_, at) => at + 1));
    assertEquals(await client.json("/read"), { name: "Ada", count: 50 });
  });

  const OUTAGES = {
    "that is killed": [() => server.kill(), () => server.restart()],
    "that hangs": [() => server.pause(), () => server.resume()],
  } as const;

  for (const [what, [stop, go]] of Object.entries(OUTAGES)) {
    Deno.test(`DenoKvStore over KV Connect: a server ${what} is a 503 in time, and goes on afterwards`, async () => {
      using kv = await server.open();
      const store = new DenoKvStore({ kv, prefix: [crypto.randomUUID()] });
      const [patient, hurried] = [makeApp(store), makeApp(store, 0.5)];
      let app = patient;
      const client = new Client({ fetch: (request) => app.fetch(request) });
      assertEquals(await client.text("/set/Ada"), "set");
      const from = performance.now();
      try {
        await stop();
        app = hurried;
        for (const path of ["/read", "/set/Eve", "/login/Eve"]) {
          const response = await client.fetch(path);
          await response.text();
          assertEquals([response.status, response.headers.get("set-cookie")], [503, null], path);
        }
      } finally {
        await go();
        app = patient;
      }
      // Deno itself goes on trying for as long as the server is away.
      const took = performance.now() - from;
      assert(took < 30_000, `${took} ms`);
      assertEquals(await client.text("/set/Bob"), "set");
      assertEquals(await client.json("/read"), { name: "Bob" });
    });
  }

  Deno.test("DenoKvStore over KV Connect: a write whose answer is lost is done once, and said to be done", async () => {
    await using proxy = await DroppingProxy.start(server.port);
    using kv = await server.open(`http://127.0.0.1:${new URL(proxy.url).port}`);
    const clock = new FakeClock(Date.now());
    const store = new DenoKvStore({ kv, clock: clock.now, prefix: [crypto.randomUUID()] });
    const record = makeRecord(clock, { subject: "user:42", subjectAt: clock.now() });
    await store.read("any");
    for (const left of [undefined, traceOf(record)]) {
      const [key, next] = [crypto.randomUUID(), crypto.randomUUID()];
      // The answer to the look at the end of all sessions comes first.
      proxy.drop(1, { after: 1 });
      assertEquals(await store.create(key, record), true, "create");
      const second = { ...record, version: 2, data: '{"count":2}' };
      proxy.drop();
      assertEquals(await store.update(key, second, record), true, "update");
      proxy.drop();
      assertEquals(await store.touch(key, second, second), true, "touch");
      const third = { ...second, version: 3 };
      proxy.drop(1, { after: 1 });
      const move = { key: next, record: third, ...(left && { left }) };
      assertEquals(await store.replace(key, move, second), true, "replace");
      assertEquals(await store.read(next), third);
      const late = { ...second, version: 3, data: '{"count":3}' };
      assertEquals(await store.update(key, late, second), false, "what another request writes");
      proxy.drop();
      await store.delete(next);
      assertEquals(await store.read(next), undefined);
      assertEquals(proxy.drops, 0);
    }
  });

  Deno.test("DenoKvStore over KV Connect: increments whose answers are lost all count once", async () => {
    await using proxy = await DroppingProxy.start(server.port);
    using kv = await server.open(`http://127.0.0.1:${new URL(proxy.url).port}`);
    const store = new DenoKvStore({ kv, prefix: [crypto.randomUUID()] });
    const client = new Client(makeApp(store));
    await client.text("/set/Ada");
    for (let count = 1; count <= 5; count++) {
      // The answer to the read comes first.
      proxy.drop(1, { after: 1 });
      assertEquals(await client.json("/increment"), count);
      assertEquals(proxy.drops, 0);
    }
    assertEquals(await client.json("/read"), { name: "Ada", count: 5 });
  });

  // What is sent again in the background goes on for longer than the test.
  pooled()(
    "DenoKvStore over KV Connect: a login that failed while the server was stopped is no session later",
    async () => {
      using kv = await server.open();
      const gate = new Gate();
      const prefix = [crypto.randomUUID()];
      const calls = new Set<Promise<unknown>>();
      const store = new DenoKvStore({ kv: watch(kv, calls), prefix });
      const logger = { error() {}, warn() {} };
      const sessions = createSessions<{ name?: string }>({ store, storeTimeout: 0.5, logger });
      const app = new Hono().use(sessions.middleware()).get("/login", async (c) => {
        c.var.session.subject = "user:42";
        c.var.session.name = "Ada";
        await gate.pass();
        return c.text("logged in");
      });
      const login = app.request("/login");
      await gate.arrived();
      // What the login depends on has been read.
      await store.generation("user:42");
      await server.kill();
      gate.open();
      const response = await login;
      assertEquals([response.status, response.headers.getSetCookie()], [503, []]);
      await server.restart();
      // What Deno sends again, and what comes of it.
      while (calls.size > 0) {
        await Promise.allSettled(calls);
        await new Promise((resolve) => setTimeout(resolve));
      }
      assertEquals(await Array.fromAsync(sessions.list("user:42")), []);
      const left = await Array.fromAsync(kv.list({ prefix }));
      assert(left.every(({ value }) => !Deno.inspect(value).includes("Ada")));
    },
  );
}
