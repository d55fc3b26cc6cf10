import {
  type ListedSession,
  session,
  type SessionOptions,
  type SessionStore,
} from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import {
  FaultyStore,
  storeConformance,
  type StoreFault,
  type StoreOperation,
} from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { OLDER_SECRET, SECRET } from "../_support/cookie_stores.ts";
import { Gate } from "../_support/gate.ts";
import { makeRecord } from "../_support/record.ts";
import { SoundStatelessStore, SoundStore } from "../_support/sound_store.ts";

for (const Store of [SoundStore, SoundStatelessStore]) {
  storeConformance({
    name: `FaultyStore around ${Store.name}`,
    capabilities: new Store(Date.now).capabilities,
    canFail: true,
    canRecover: true,
    test: Deno.test,
    open(clock) {
      const store = new FaultyStore(new Store(clock));
      return { store, fail: () => store.inject("all", "fail"), recover: () => store.heal() };
    },
    onSkip: () => {},
  });
}

const SUBJECT = "user:42";

async function listed(store: FaultyStore): Promise<ListedSession[]> {
  return await Array.fromAsync(store.list!(SUBJECT));
}

function setup() {
  const clock = new FakeClock();
  const inner = new MapStore({ clock: clock.now });
  const store = new FaultyStore(inner);
  const record = makeRecord(clock, {
    data: '{"name":"Ada"}',
    subject: SUBJECT,
    subjectAt: clock.now(),
  });
  const next = { ...record, version: 2, data: '{"name":"Eve"}' };
  inner.create("key", record);
  const operations: Record<StoreOperation, () => Promise<unknown>> = {
    read: () => store.read("key"),
    create: () => store.create("new", record),
    update: () => store.update("key", next, record),
    replace: () => store.replace("key", { key: "new", record: next }, record),
    touch: () => store.touch("key", { ...record, lastSeenAt: 1 }, record),
    delete: () => store.delete("key"),
    list: () => listed(store),
    generation: () => store.generation!(SUBJECT),
    deleteAll: () => store.deleteAll!(SUBJECT, {}),
  };
  /** What the other store holds. */
  const held = () => [inner.read("key"), inner.read("new")];
  return { store, inner, record, next, operations, held };
}

const OPERATIONS = Object.keys(setup().operations) as StoreOperation[];

Deno.test("FaultyStore: fail does nothing, late does it, and both are rejections that name no key", async () => {
  for (const operation of OPERATIONS) {
    const { store, operations, held } = setup();
    const before = held();
    store.inject(operation, "fail");
    const what = {
      list: "list sessions",
      generation: "read generation",
      deleteAll: "end sessions",
    } as Record<string, string>;
    const message = `Cannot ${what[operation] ?? `${operation} record`}: a fault was injected`;
    const failed = await assertRejects(operations[operation]!, Error, message);
    assertEquals([failed.message, held()], [message, before]);

    store.inject(operation, "late");
    const late = await assertRejects(operations[operation]!, Error, message);
    assertEquals(late.message, message);
    const sound = setup();
    await sound.operations[operation]();
    assertEquals(held(), sound.held(), operation);
    assertEquals(store.calls(), [operation, operation]);
  }
});

Deno.test("FaultyStore: writes answer wrongly, done or not", async () => {
  for (const operation of ["create", "update", "replace", "touch"] as const) {
    const sound = setup();
    assertEquals(await sound.operations[operation](), true);
    for (
      const [fault, answer, isDone] of [
        ["refuse", false, false],
        ["deny", false, true],
        ["lose", true, false],
      ] as const
    ) {
      const { store, operations, held } = setup();
      const before = held();
      store.inject(operation, fault);
      assertEquals(await operations[operation](), answer, `${operation}: ${fault}`);
      assertEquals(held(), isDone ? sound.held() : before, `${operation}: ${fault}`);
    }
  }
  for (const [operation, answer] of [["delete", undefined], ["deleteAll", 1]] as const) {
    const sound = setup();
    assertEquals(await sound.operations[operation](), answer);
    const { store, operations, held, record } = setup();
    store.inject(operation, "lose");
    assertEquals(await operations[operation](), answer);
    assertEquals(held()[0], record, operation);
    store.heal();
    assertEquals(await operations.create(), true, "nor is it remembered that all were ended");
  }
  const { store, record } = setup();
  store.inject("deleteAll", "lose");
  assertEquals(await store.deleteAll!(SUBJECT, { except: record.sid }), 0);
});

Deno.test("FaultyStore: a fault holds so often, for each operation, or until it is healed", async () => {
  const { store, operations, record } = setup();
  store.inject("all", "fail", 2);
  for (const operation of ["read", "touch", "touch", "read"] as const) {
    await assertRejects(operations[operation]!);
  }
  assertEquals(await operations.read(), record);
  store.inject("read", "fail");
  for (let times = 0; times < 5; times++) await assertRejects(operations.read);
  store.heal();
  assertEquals(await operations.read(), record);
  assertEquals(await operations.update(), true, "what was left of its faults is healed as well");
});

Deno.test("FaultyStore: an operation waits for what a function returns, or fails with its error", async () => {
  const { store, operations, next, held } = setup();
  const gate = new Gate();
  store.inject("update", () => gate.pass());
  const update = operations.update();
  await gate.arrived();
  assertEquals(held()[0]?.version, 1);
  gate.open();
  assertEquals(await update, true);
  assertEquals(held()[0], next);
  for (
    const fault of [() => Promise.reject(new Error("no route")), () => {
      throw new Error("no route");
    }]
  ) {
    store.inject("read", fault);
    await assertRejects(operations.read, Error, "no route");
  }
});

Deno.test("FaultyStore: an operation waits for so many milliseconds", async () => {
  const { store, operations, record } = setup();
  store.inject("read", 20);
  const begun = performance.now();
  assertEquals(await operations.read(), record);
  // Timers may be early by less than one.
  assert(performance.now() - begun >= 19);
});

Deno.test("FaultyStore: an operation that waits ends when it is called off, and is not done", async () => {
  for (const fault of ["hang", 60_000, () => new Promise(() => {})] as StoreFault[]) {
    const { store, record, held } = setup();
    const before = held();
    store.inject("all", fault);
    const abort = new AbortController();
    const reason = new Error("called off");
    const waiting = store.touch(
      "key",
      { ...record, lastSeenAt: 1 },
      record,
      undefined,
      abort.signal,
    );
    const deleting = store.delete("key", undefined, abort.signal);
    const ending = store.deleteAll!(SUBJECT, {}, undefined, abort.signal);
    const listing = Array.fromAsync(store.list!(SUBJECT, {}, undefined, abort.signal));
    abort.abort(reason);
    const reading = store.read("key", undefined, abort.signal);
    for (const each of [waiting, deleting, ending, listing, reading]) {
      await assertRejects(() => each, Error, "called off");
    }
    assertEquals(held(), before);
  }
});

Deno.test("FaultyStore: a hanging operation does not end by itself, nor is it healed", async () => {
  const { store, operations } = setup();
  store.inject("read", "hang");
  let isOver = false;
  const hanging = operations.read().finally(() => isOver = true);
  store.heal();
  await operations.read();
  await new Promise((resolve) => setTimeout(resolve));
  assert(!isOver);
  void hanging;
});

Deno.test("FaultyStore: a torn read is damaged in one way after the other, and what is held is not", async () => {
  const { store, operations, record, held } = setup();
  const before = held();
  store.inject("read", "tear");
  const { version: _, ...rest } = record;
  const damages = [
    { ...record, data: '{"name"' },
    rest,
    { ...record, expiresAt: `${record.expiresAt}` },
    JSON.stringify(record),
    { ...record, data: '{"name"' },
  ];
  for (const damage of damages) assertEquals<unknown>(await operations.read(), damage);
  assertEquals(await store.read("unknown"), undefined);
  assertEquals(held(), before);
});

Deno.test("FaultyStore: a torn list is damaged in the same ways, and what is held is not", async () => {
  const { store, inner, record, held } = setup();
  const { version: _, ...rest } = record;
  const { data: __, ...listable } = record;
  const damages = [
    { ...record, data: '{"name"' },
    rest,
    { ...record, expiresAt: `${record.expiresAt}` },
    JSON.stringify(record),
  ];
  inner.create("new", record);
  const before = held();
  store.inject("list", "tear");
  for (const pair of [damages.slice(0, 2), damages.slice(2)]) {
    const sessions = await listed(store);
    assertEquals(sessions.map(({ key }) => key), ["key", "new"]);
    assertEquals<unknown[]>(sessions.map(({ record }) => record), pair);
  }
  assertEquals(held(), before);

  async function* list() {
    yield { key: "key", record: listable };
  }
  const bare = new FaultyStore(Object.assign(new MapStore(), { list }));
  bare.inject("list", "tear");
  const torn = await listed(bare);
  assertEquals(torn.map(({ record }) => record), [{ ...listable, data: "" }] as unknown[]);
});

Deno.test("FaultyStore: a stale list gives what the last one gave", async () => {
  const { store, operations, inner, record, next } = setup();
  assertEquals(await Array.fromAsync(store.list!("user:43")), []);
  const [first] = await listed(store);
  assertEquals(first, { key: "key", record });
  Object.assign(first!.record, { sid: "changed" });
  inner.update("key", next, record);
  inner.create("new", record);
  inner.create("other", { ...record, subject: "user:43" });
  store.inject("list", "stale");
  assertEquals(await operations.list(), [{ key: "key", record }], "a private copy");
  assertEquals(await Array.fromAsync(store.list!("user:43")), [], "that there was nothing");
  inner.create("third", { ...record, subject: "user:44" });
  assertEquals((await Array.fromAsync(store.list!("user:44"))).length, 1, "never listed before");
  store.heal();
  assertEquals(await operations.list(), [
    { key: "key", record: next },
    { key: "new", record },
  ]);
});

Deno.test("FaultyStore: a stale generation is what the last one was", async () => {
  const { store, operations } = setup();
  assertEquals(await operations.generation(), 0);
  await operations.deleteAll();
  store.inject("generation", "stale");
  assertEquals(await operations.generation(), 0);
  assertEquals(await store.generation!("user:43"), 0, "never asked for before");
  store.heal();
  assert(await operations.generation() as number > 0);
});

Deno.test("FaultyStore has list, generation and deleteAll where the other store has them", async () => {
  const map = new MapStore();
  const bare: SessionStore = {
    capabilities: { ...map.capabilities, index: false },
    read: (key) => map.read(key),
    create: (key, record) => map.create(key, record),
    update: (key, record, previous) => map.update(key, record, previous),
    replace: (key, next, previous) => map.replace(key, next, previous),
    touch: (key, times, previous) => map.touch(key, times, previous),
    delete: (key) => map.delete(key),
  };
  const store = new FaultyStore(bare);
  assertEquals([store.list, store.generation, store.deleteAll], Array(3).fill(undefined));
  const ending = new FaultyStore({ ...bare, deleteAll: () => 7 });
  assertEquals(ending.list, undefined);
  ending.inject("deleteAll", "lose", 1);
  assertEquals(await ending.deleteAll!(SUBJECT, {}), 0, "nobody can tell how many");
  assertEquals(await ending.deleteAll!(SUBJECT, {}), 7);
  assertEquals(ending.calls(), ["deleteAll", "deleteAll"]);
});

Deno.test("FaultyStore: a stale read gives what the last one gave", async () => {
  const { store, operations, inner, record, next } = setup();
  assertEquals(await store.read("gone later"), undefined);
  assertEquals(await operations.read(), record);
  assertEquals(await operations.update(), true);
  inner.create("gone later", record);
  store.inject("read", "stale");
  const stale = await operations.read();
  assertEquals(stale, record);
  assertEquals(await store.read("gone later"), undefined, "that there was nothing");
  Object.assign(stale as object, { data: "{}" });
  assertEquals(await operations.read(), record, "a private copy");
  inner.create("first", record);
  assertEquals(await store.read("first"), record, "a key that was never read");
  inner.delete("first");
  assertEquals(await store.read("first"), record);
  store.heal();
  assertEquals(await operations.read(), next);
});

Deno.test("FaultyStore: what can't happen to an operation is refused, and nothing is injected", async () => {
  const { store, operations, record } = setup();
  const cases: [StoreOperation | "all", StoreFault][] = [
    ["create", "tear"],
    ["all", "stale"],
    ["read", "lose"],
    ["delete", "deny"],
    ["delete", "refuse"],
    ["list", "lose"],
    ["list", "deny"],
    ["generation", "tear"],
    ["generation", "lose"],
    ["deleteAll", "refuse"],
    ["deleteAll", "stale"],
  ];
  for (const [operation, fault] of cases) {
    assertThrows(() => store.inject(operation, fault), TypeError, "Cannot inject fault");
  }
  assertEquals(await operations.read(), record);
});

Deno.test("FaultyStore gives the context and the signal to the other store", async () => {
  const record = makeRecord(new FakeClock());
  const signal = new AbortController().signal;
  const seen: unknown[][] = [];
  const note = (...args: unknown[]) => void seen.push(args.slice(-2));
  const { capabilities } = new MapStore();
  const inner = { capabilities, read: note, create: note, update: note, replace: note };
  const list = (...args: unknown[]) => (note(...args), []);
  const store = new FaultyStore(
    {
      ...inner,
      touch: note,
      delete: note,
      list,
      generation: note,
      deleteAll: note,
    } as unknown as SessionStore,
  );
  await store.read("key", "context", signal);
  await store.create("key", record, "context", signal);
  await store.update("key", record, record, "context", signal);
  await store.replace("key", { key: "new", record }, record, "context", signal);
  await store.touch("key", record, record, "context", signal);
  await store.delete("key", "context", signal);
  await Array.fromAsync(store.list!(SUBJECT, {}, "context", signal));
  await store.generation!(SUBJECT, "context", signal);
  await store.deleteAll!(SUBJECT, {}, "context", signal);
  assertEquals(seen, OPERATIONS.map(() => ["context", signal]));
});

Deno.test("FaultyStore: what is outdated and what is bound to a cookie comes through", async () => {
  const clock = new FakeClock();
  const options = { clock: clock.now };
  const old = new EncryptedCookieStore({ ...options, secret: OLDER_SECRET }).forCookie("other");
  const token = await old.create("", makeRecord(clock));
  const store = new FaultyStore(
    new EncryptedCookieStore({ ...options, secret: [SECRET, OLDER_SECRET] }),
  );
  const bound = store.forCookie("other");
  assertEquals(await store.read(token), undefined);
  assertEquals(store.outdated((await bound.read(token))!), false, "another store's record");
  assertEquals(bound.outdated((await bound.read(token))!), true);
  assertEquals(store.calls(), ["read", "read", "read"], "the calls of both");
  store.inject("read", "fail");
  await assertRejects(() => bound.read(token));
  const map = new FaultyStore(new MapStore());
  assert(map.forCookie("other") === map);
  assertEquals(map.outdated(makeRecord(clock)), false);
});

interface Data {
  name?: string;
  count?: number;
}

function setupApp(options: SessionOptions<Data> = {}) {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now });
  const store = new FaultyStore(map);
  const app = new Hono()
    .use(session<Data>({
      store,
      clock: clock.now,
      logger: { error() {}, warn() {} },
      ...options,
    }))
    .get("/read", (c) => c.json(c.var.session))
    .get("/set/:name", (c) => {
      c.var.session.name = c.req.param("name");
      return c.text("set");
    })
    .get("/count", async (c) => c.json(await c.var.session.update("count", (n = 0) => n + 1)))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = "Ada";
      return c.text("welcome");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
  return { app, client: new Client(app), store, map, clock };
}

/** Fetches what must not answer, nor set a cookie. */
async function refused(client: Client, path: string, status: number): Promise<void> {
  const response = await client.fetch(path);
  await response.body?.cancel();
  assertEquals([response.status, response.headers.getSetCookie()], [status, []], path);
}

Deno.test("a write whose answer is lost is a 503 without a cookie, and can be sent again", async () => {
  const { client, store, map } = setupApp();
  store.inject("create", "late", 1);
  await refused(client, "/set/Ada", 503);
  assertEquals(map.size, 1, "a record that nobody has the token of");
  await client.text("/set/Ada");
  store.inject("update", "late", 1);
  await refused(client, "/set/Eve", 503);
  assertEquals(await client.json("/read"), { name: "Eve" });
  await client.text("/set/Eve");
  store.inject("delete", "late", 1);
  await refused(client, "/logout", 503);
  assertEquals(await client.json("/read"), {});
});

Deno.test("a login whose answer is lost leaves no live session behind under the old token", async () => {
  const { client, store } = setupApp();
  await client.text("/set/anonymous");
  store.inject("replace", "late", 1);
  await refused(client, "/login", 503);
  assertEquals(await client.json("/read"), {}, "it has ended, rather than being two");
});

Deno.test("a write that was done and then denied is not done twice", async () => {
  const { client, store } = setupApp();
  await client.text("/set/Ada");
  store.calls();
  store.inject("update", "deny", 1);
  assertEquals(await client.text("/set/Eve"), "set");
  assertEquals(store.calls(), ["read", "update", "read"], "the second look shows that it was done");
  assertEquals(await client.json("/read"), { name: "Eve" });
});

Deno.test("a torn record is nobody's, whatever is torn, and comes back when it is whole", async () => {
  const rejected: string[] = [];
  const { client, store } = setupApp({
    events: { rejected: ({ reason }) => rejected.push(reason) },
  });
  await client.text("/set/Ada");
  store.inject("read", "tear");
  for (let damage = 0; damage < 4; damage++) {
    const response = await client.fetch("/read");
    assertEquals([response.status, await response.json()], [200, {}], `damage ${damage}`);
    assertEquals(response.headers.getSetCookie(), []);
  }
  assertEquals(rejected, ["invalid", "invalid", "invalid", "invalid"]);
  store.heal();
  assertEquals(await client.json("/read"), { name: "Ada" });
});

Deno.test("a record that is torn when a commit looks again drops the change, not the session", async () => {
  for (let damage = 0; damage < 4; damage++) {
    const { app, client, store } = setupApp();
    const gate = new Gate();
    app.get("/slow", async (c) => {
      c.var.session.name = "slow";
      await gate.pass();
      return c.text("slow");
    });
    await client.text("/set/Ada");
    for (let skipped = 0; skipped < damage; skipped++) {
      store.inject("read", "tear", 1);
      await client.text("/read");
    }
    const slow = client.fetch("/slow");
    await gate.arrived();
    await client.text("/set/Eve");
    store.inject("read", "tear", 1);
    gate.open();
    const response = await slow;
    assertEquals([response.status, response.headers.getSetCookie()], [200, []], `${damage}`);
    await response.body?.cancel();
    assertEquals(await client.json("/read"), { name: "Eve" });
  }
});

Deno.test("a stale read never undoes what was written since", async () => {
  const { client, store } = setupApp({ storeTimeout: 0.3 });
  await client.text("/set/Ada");
  await client.json("/read");
  await client.text("/count");
  store.inject("read", "stale", 1);
  await client.text("/set/Eve");
  assertEquals(await client.json("/read"), { name: "Eve", count: 1 });
  store.inject("read", "stale", 1);
  assertEquals(await client.json("/count"), 2, "nor does it count once instead of twice");

  // Stale for good: no write is possible, and none is pretended.
  await client.text("/set/Ada");
  store.inject("read", "stale");
  await refused(client, "/set/Bob", 409);
  store.heal();
  assertEquals(await client.json("/read"), { name: "Ada", count: 2 });
});

Deno.test("a stale read shows a session that was ended, but no write brings it back", async () => {
  const { client, store, map } = setupApp({ storeTimeout: 0.3 });
  await client.text("/set/Ada");
  await client.json("/read");
  const thief = await client.thief();
  await client.text("/logout");
  assertEquals(map.size, 0);
  store.inject("read", "stale");
  assertEquals(await thief.json("/read"), { name: "Ada" });
  await refused(thief, "/set/Eve", 409);
  store.inject("read", "stale", 1);
  const response = await thief.fetch("/set/Eve");
  assertEquals([response.status, response.headers.getSetCookie()], [200, []]);
  await response.body?.cancel();
  assertEquals(map.size, 0);
});

Deno.test("a write that the store lost is gone, and nothing else", async () => {
  const { client, store, map } = setupApp();
  store.inject("create", "lose", 1);
  await client.text("/set/lost");
  assertEquals([await client.json("/read"), map.size], [{}, 0]);
  await client.text("/set/Ada");
  store.inject("update", "lose", 1);
  await client.text("/set/Eve");
  assertEquals(await client.json("/read"), { name: "Ada" });
  await client.text("/set/Bob");
  assertEquals(await client.json("/read"), { name: "Bob" });
});

Deno.test("a hanging store that can be called off is called off in time, and writes nothing later", async () => {
  const inner = new SoundStore(Date.now);
  const store = new FaultyStore(inner);
  const { client } = setupApp({ store, clock: Date.now, storeTimeout: 0.02 });
  await client.text("/set/Ada");
  const [before] = inner.records.values();
  for (const fault of ["hang", 60_000] as const) {
    for (const [operation, path] of [["read", "/read"], ["update", "/set/Eve"]] as const) {
      store.inject(operation, fault, 1);
      await refused(client, path, 503);
    }
  }
  assertEquals([...inner.records.values()], [before]);
  assertEquals(await client.json("/read"), { name: "Ada" });
});
