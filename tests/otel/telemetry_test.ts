import { createNoopMeter, metrics } from "@opentelemetry/api";
import { createSessions, session, type SessionEvents, type SessionStore } from "@x/hono-session";
import { telemetry } from "@x/hono-session/otel";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";
import { Meters } from "../_support/meter.ts";
import { hasName } from "../_support/misuse.ts";

const DURATION = "hono_session.store.operation.duration";
const OPERATION = "hono_session.store.operation";

/** What was counted: the names and attributes, as text. */
function countsOf(meters: Meters): string[] {
  return meters.take().filter(({ name }) => name !== DURATION)
    .map(({ name, value, attributes }) =>
      [name.replace("hono_session.", ""), value, ...Object.values(attributes)].join(" ")
    );
}

/** The operations that were measured, and how they failed. */
function operationsOf(meters: Meters): string[] {
  return meters.take().filter(({ name }) => name === DURATION)
    .map(({ value, attributes }) => {
      assert(value >= 0 && value < 5, `${value} seconds`);
      return [attributes[OPERATION], attributes["error.type"]].filter(Boolean).join(" ");
    });
}

function makeApp(options: Parameters<typeof telemetry>[0] & { store: SessionStore }) {
  const gate = new Gate();
  const sessions = createSessions<{ count?: number }>({
    ...telemetry(options),
    storeTimeout: 0.05,
  });
  const app = new Hono()
    .use(sessions.middleware())
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = "user:42";
      return c.text("welcome");
    })
    .get("/count", async (c) => {
      if (c.req.query("hold")) await gate.pass();
      c.var.session.count = (c.var.session.count ?? 0) + 1;
      return c.text("counted");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
  return { app, sessions, gate, client: new Client(app) };
}

Deno.test("telemetry() counts what becomes of sessions, and nothing that names one", async () => {
  using meters = new Meters();
  const { client, sessions, app } = makeApp({ store: new MapStore() });
  await client.text("/read");
  assertEquals(countsOf(meters), []);
  await client.text("/login");
  assertEquals(countsOf(meters), ["created 1"]);
  await client.text("/logout");
  assertEquals(countsOf(meters), ["ended 1 logout"]);
  await client.text("/login");
  await sessions.revokeAll("user:42");
  assertEquals(countsOf(meters), ["created 1", "ended 1 revoked"]);
  await client.text("/read");
  await app.request("/read", { headers: { cookie: "sid=malformed" } });
  assertEquals(countsOf(meters), ["rejected 1 unknown", "rejected 1 malformed"]);
});

Deno.test("telemetry() counts conflicts", async () => {
  using meters = new Meters();
  const { client, gate, app } = makeApp({ store: new MapStore() });
  await client.text("/count");
  const slow = client.text("/count?hold=1");
  await gate.arrived();
  await new Client(app).fetch("/count", { headers: { cookie: await client.cookie() } });
  gate.open();
  await slow;
  assertEquals(countsOf(meters), ["created 1", "conflicts 1"]);
});

Deno.test("telemetry() measures each operation of the store in seconds", async () => {
  using meters = new Meters();
  const { client, sessions } = makeApp({ store: new MapStore() });
  await client.text("/read");
  assertEquals(operationsOf(meters), []);
  await client.text("/login");
  assertEquals(operationsOf(meters), ["generation", "create"]);
  await client.text("/count");
  assertEquals(operationsOf(meters), ["read", "update"]);
  await Array.fromAsync(sessions.list("user:42"));
  assertEquals(operationsOf(meters), ["list"]);
  await sessions.stats();
  assertEquals(operationsOf(meters), ["stats"]);
  await client.text("/login");
  assertEquals(operationsOf(meters), ["read", "generation", "replace"]);
  await client.text("/logout");
  assertEquals(operationsOf(meters), ["read", "delete"]);
  await sessions.revokeAll("user:42");
  assertEquals(operationsOf(meters).filter((name) => name === "deleteAll"), ["deleteAll"]);
});

Deno.test("telemetry() counts failures and time-outs of the store, and says which operations failed", async () => {
  using meters = new Meters();
  const store = new FaultyStore(new MapStore());
  const logged: string[] = [];
  const logger = { error: (message: string) => logged.push(message), warn() {} };
  const { client } = makeApp({ store, logger });
  await client.text("/count");
  meters.take();
  store.inject("read", "fail", 1);
  assertEquals((await client.fetch("/read")).status, 503);
  const [failed, counted] = meters.take();
  assertEquals(failed!.attributes, { [OPERATION]: "read", "error.type": "Error" });
  assertEquals(counted!.attributes, { [OPERATION]: "read" });
  assertEquals(counted!.name, "hono_session.store.errors");
  store.inject("read", "hang", 1);
  assertEquals((await client.fetch("/read")).status, 503);
  assertEquals(countsOf(meters), ["store.errors 1 read"]);
  assertEquals(logged.length, 2, "failures are logged as without telemetry");
  assert(logged[0]!.includes("Cannot read session: the store failed"), logged[0]);
});

Deno.test("telemetry() calls the listeners of the application, with all that they are given", async () => {
  using meters = new Meters();
  const log: unknown[] = [];
  const note = (name: string) => (event: object, c: unknown) => {
    log.push([name, Object.keys(event).toSorted().join(), typeof c]);
  };
  const names: (keyof SessionEvents)[] = [
    "created",
    "loaded",
    "updated",
    "destroyed",
    "rejected",
    "storeError",
  ];
  const events: SessionEvents = Object.fromEntries(names.map((name) => [name, note(name)]));
  const store = new FaultyStore(new MapStore());
  const logger = { error: (message: string) => log.push(message), warn() {} };
  const { client, app } = makeApp({ store, events, logger });
  delete events.loaded;
  await client.text("/count");
  await client.text("/logout");
  await app.request("/read", { headers: { cookie: "sid=malformed" } });
  await client.text("/count");
  store.inject("read", "fail", 1);
  await client.text("/read");
  assertEquals(log, [
    ["created", "sid", "object"],
    ["updated", "keys,sid", "object"],
    ["loaded", "sid", "object"],
    ["destroyed", "reason,sid", "object"],
    ["rejected", "reason", "object"],
    ["created", "sid", "object"],
    ["updated", "keys,sid", "object"],
    ["storeError", "error,operation", "object"],
  ]);
  assertEquals(countsOf(meters).length, 5);
});

Deno.test("telemetry() leaves a listener that fails to the logger, and the request to itself", async () => {
  using meters = new Meters();
  const logged: string[] = [];
  const { client } = makeApp({
    store: new MapStore(),
    logger: { error: (message) => logged.push(message), warn() {} },
    events: {
      created: () => Promise.reject(new Error("listener failed")),
      destroyed() {
        throw new Error("listener failed");
      },
    },
  });
  assertEquals(await client.text("/count"), "counted");
  assertEquals(await client.text("/logout"), "bye");
  assertEquals(logged.map((message) => /"(\w+)"/.exec(message)?.[1]), ["created", "destroyed"]);
  assertEquals(countsOf(meters), ["created 1", "ended 1 logout"]);
});

Deno.test("telemetry() measures cookie stores, simple stores and frozen ones", async () => {
  using meters = new Meters();
  const map = new MapStore();
  const frozen = Object.freeze<SessionStore>({
    capabilities: { atomic: true, index: false, consistency: "strong" },
    read: (key) => map.read(key),
    create: (key, record) => map.create(key, record),
    update: (key, record, previous) => map.update(key, record, previous),
    replace: (key, next, previous) => map.replace(key, next, previous),
    touch: (key, times, previous) => map.touch(key, times, previous),
    delete: (key) => map.delete(key),
  });
  const plain = new Map<string, unknown>();
  const simple = {
    get: (key: string) => Promise.resolve(plain.get(key)),
    set: (key: string, value: unknown) => Promise.resolve(void plain.set(key, value)),
    delete: (key: string) => Promise.resolve(plain.delete(key)),
  };
  const cookies = new EncryptedCookieStore({ secret: SECRET });
  for (const store of [cookies, frozen, new Map(), simple]) {
    const app = new Hono()
      .use(
        session<{ count?: number }>({
          ...telemetry({ store }),
          logger: { error() {}, warn() {} },
        }),
      )
      .get("/", (c) => c.json(c.var.session.count = (c.var.session.count ?? 0) + 1));
    const client = new Client(app);
    assertEquals([await client.json("/"), await client.json("/")], [1, 2]);
    const names = operationsOf(meters);
    assert(names.length >= 3, names.join());
    const known = ["create", "read", "update", "get", "set"];
    assertEquals(names.filter((name) => !known.includes(name)), []);
  }
});

Deno.test("a measured store answers as it did: at once, with its own this, and as what it is", async () => {
  using meters = new Meters();
  const store = new MapStore();
  const { store: measured } = telemetry({ store });
  assert(measured instanceof MapStore);
  assertEquals(measured.read("A".repeat(43)), undefined, "not a promise");
  assertEquals([measured.size, measured.read.length], [0, store.read.length]);
  assert(measured.read === measured.read);
  assertEquals(measured.capabilities, store.capabilities);
  assertEquals(operationsOf(meters), ["read"]);
  const stop = await measured.watch(() => {});
  await stop();
  assertEquals(operationsOf(meters), []);
});

Deno.test("telemetry() finds an SDK that is set up after it, and costs nothing without one", async () => {
  const { client } = makeApp({ store: new MapStore() });
  using meters = new Meters();
  assertEquals(await client.text("/count"), "counted");
  assertEquals(countsOf(meters), ["created 1"]);
  assertEquals(meters.meters, ["@x/hono-session"]);
  assertEquals(meters.instruments.get(DURATION)?.unit, "s");
  for (const { unit, description } of meters.instruments.values()) assert(unit && description);
});

Deno.test("telemetry() without a store measures events alone", async () => {
  using meters = new Meters();
  const sessions = createSessions({ store: new MapStore(), ...telemetry({}) });
  await sessions.create();
  assertEquals(meters.take().map(({ name }) => name), ["hono_session.created"]);
});

Deno.test("telemetry() refuses what it has no use for, by name", () => {
  const wrong: [string, unknown][] = [
    ["options", undefined],
    ["options", null],
    ["store", { store: 5 }],
    ["store", { store: MapStore }],
    ["capabilities", new MapStore()],
    ["maxAge", { maxAge: 60 }],
    ["events", { events: true }],
    ["events.create", { events: { create() {} } }],
    ["logger", { logger: 1 }],
    ["logger.warn", { logger: { error() {} } }],
  ];
  for (const [name, options] of wrong) {
    const error = assertThrows(() => telemetry(options as never), TypeError);
    const { message } = error as Error;
    assert(message.startsWith("Cannot build telemetry: ") && hasName(message, name), message);
  }
});

Deno.test("telemetry() that fails fails no request, and keeps nothing from the listeners of the application", async () => {
  const fail = () => {
    throw new Error("the SDK is broken");
  };
  const broken = { add: fail, record: fail };
  const meter = { createCounter: () => broken, createHistogram: () => broken };
  for (const getMeter of [() => ({ ...createNoopMeter(), ...meter }), fail]) {
    metrics.setGlobalMeterProvider({ getMeter });
    try {
      const told: string[] = [];
      const { client, sessions, app } = makeApp({
        store: new MapStore(),
        events: {
          created: () => void told.push("created"),
          rejected: () => void told.push("rejected"),
          destroyed: () => void told.push("destroyed"),
        },
      });
      assertEquals(await client.text("/login"), "welcome");
      assertEquals(await client.text("/count"), "counted");
      assertEquals(await sessions.count("user:42"), 1);
      assertEquals(await client.text("/logout"), "bye");
      await app.request("/read", { headers: { cookie: "sid=malformed" } });
      assertEquals(told, ["created", "destroyed", "rejected"]);
    } finally {
      metrics.disable();
    }
  }
});
