// What Durable Objects leave behind when one of the requests of an operation fails, is lost, or comes late.
import type { SessionRecord } from "@x/hono-session";
import {
  type DurableObjectNamespaceLike,
  DurableObjectStore,
} from "@x/hono-session/stores/durable-objects";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { FakeClock } from "../_support/clock.ts";
import { openObjects, type Rows } from "../_support/durable_objects.ts";
import type { Order } from "../_support/durable_objects_app.ts";
import { pooled } from "../_support/pooled.ts";
import { makeRecord } from "../_support/record.ts";

const objects = await openObjects();
if (objects) {
  Deno.test.afterAll(async () => await objects[Symbol.asyncDispose]());
}
const test = pooled({ ignore: !objects });

const HOUR = 3_600_000;
const SUBJECT = "user:42";

/** Sessions in four objects of their own, and a namespace that leads to them. */
class Scene {
  readonly clock = new FakeClock();
  readonly prefix = crypto.randomUUID();
  /** Keys that four objects hold, so that each step is a request to another one. */
  readonly old = crypto.randomUUID();
  readonly next = crypto.randomUUID();
  readonly anonymous = makeRecord(this.clock);
  readonly bound = { ...this.anonymous, subject: SUBJECT, subjectAt: this.clock.now() };
  readonly store = this.over(objects!.namespace);

  over(namespace: DurableObjectNamespaceLike): DurableObjectStore {
    return new DurableObjectStore({
      namespace,
      prefix: this.prefix,
      shards: 4,
      clock: this.clock.now,
    });
  }

  /** A store whose requests wait for something, each with its number. */
  paused(before: (request: number) => unknown): DurableObjectStore {
    let requests = 0;
    const { namespace } = objects!;
    return this.over({
      idFromName: (name) => namespace.idFromName(name),
      get: (id) => ({
        async fetch(url, init) {
          await before(requests++);
          return await namespace.get(id).fetch(url, init);
        },
      }),
    });
  }

  /** A store of which one request meets what is ordered. */
  failing(at: number, order: Order): DurableObjectStore {
    let requests = 0;
    return this.over(objects!.ordered(() => requests++ === at ? order : undefined));
  }

  async listed(): Promise<string[]> {
    return (await Array.fromAsync(this.store.list(SUBJECT))).map(({ key }) => key).sort();
  }

  /** The keys of the sessions that are there, and those of the subject. */
  async live(): Promise<{ all: string[]; bound: string[] }> {
    const all: string[] = [];
    const bound: string[] = [];
    for (const key of [this.old, this.next]) {
      const record = await this.store.read(key);
      if (record && !record.trace) all.push(key);
      if (record?.subject === SUBJECT) bound.push(key);
    }
    return { all: all.sort(), bound: bound.sort() };
  }
}

function written(record: SessionRecord): SessionRecord {
  return { ...record, version: record.version + 1 };
}

function traceOf({ subject: _, subjectAt: __, ...rest }: SessionRecord, leads: boolean) {
  const trace = leads
    ? { trace: "rotated", successor: "sealed" } as const
    : { trace: "replaced" } as const;
  return { ...written(rest), data: "{}", ...trace };
}

/** The operations that take more than one request, each on a session that is prepared for it. */
const OPERATIONS: Record<
  string,
  { prepare(scene: Scene): unknown; run(store: DurableObjectStore, scene: Scene): Promise<unknown> }
> = {
  "create of a subject's session": {
    prepare: () => {},
    run: (store, { old, bound }) => store.create(old, bound),
  },
  "update that binds": {
    prepare: ({ store, old, anonymous }) => store.create(old, anonymous),
    run: (store, { old, bound, anonymous }) => store.update(old, written(bound), anonymous),
  },
  "replace that binds": {
    prepare: ({ store, old, anonymous }) => store.create(old, anonymous),
    run(store, { old, next, bound, anonymous }) {
      const move = { key: next, record: written(bound), left: traceOf(anonymous, false) };
      return store.replace(old, move, anonymous);
    },
  },
  "replace of a subject's session": {
    prepare: ({ store, old, bound }) => store.create(old, bound),
    run(store, { old, next, bound }) {
      const move = { key: next, record: written(bound), left: traceOf(bound, false) };
      return store.replace(old, move, bound);
    },
  },
  "replace that leaves nothing": {
    prepare: ({ store, old, bound }) => store.create(old, bound),
    run: (store, { old, next, bound }) =>
      store.replace(old, { key: next, record: written(bound) }, bound),
  },
  "rotation of a subject's session": {
    prepare: ({ store, old, bound }) => store.create(old, bound),
    run(store, { old, next, bound }) {
      const move = { key: next, record: written(bound), left: traceOf(bound, true) };
      return store.replace(old, move, bound);
    },
  },
  "touch that keeps an entry for longer": {
    prepare: ({ store, old, bound }) => store.create(old, bound),
    run: (store, { old, bound }) =>
      store.touch(old, { ...bound, expiresAt: bound.expiresAt + 100 * HOUR }, bound),
  },
};

/** The requests of an operation. */
async function countRequests({ prepare, run }: (typeof OPERATIONS)[string]): Promise<number> {
  const scene = new Scene();
  await prepare(scene);
  let requests = 0;
  assertEquals(await run(scene.paused(() => requests++), scene), true);
  return requests;
}

for (const [name, operation] of Object.entries(OPERATIONS)) {
  test(`DurableObjectStore leaves nothing that a list doesn't show, wherever a ${name} fails`, async () => {
    const requests = await countRequests(operation);
    assert(requests > 1);
    for (let at = 0; at < requests; at++) {
      for (const order of ["throw", "lose", "abort"] as const) {
        const what = `request ${at}: ${order}`;
        const scene = new Scene();
        await operation.prepare(scene);
        await operation.run(scene.failing(at, order), scene).catch(() => {});
        const { all, bound } = await scene.live();
        const listed = await scene.listed();
        for (const key of bound) assert(listed.includes(key), `${what}: a session is not listed`);
        if (!name.startsWith("rotation")) assert(all.length < 2, `${what}: there are two sessions`);
        // Whatever is left can be ended.
        await scene.store.deleteAll(SUBJECT, {});
        assertEquals([(await scene.live()).bound, await scene.listed()], [[], []], what);
      }
    }
  });

  test(`DurableObjectStore lets no ${name} outlive what ends all sessions in the middle of it`, async () => {
    const requests = await countRequests(operation);
    for (let at = 0; at < requests; at++) {
      const scene = new Scene();
      await operation.prepare(scene);
      const store = scene.paused(async (request) => {
        if (request === at) await scene.store.deleteAll(SUBJECT, {});
      });
      await operation.run(store, scene).catch(() => {});
      assertEquals([(await scene.live()).bound, await scene.listed()], [[], []], `request ${at}`);
    }
  });

  test(`DurableObjectStore lets no ${name} outlive an end of all sessions that it is in the middle of`, async () => {
    for (let at = 0; at < 4; at++) {
      const scene = new Scene();
      await operation.prepare(scene);
      const ending = scene.paused(async (request) => {
        if (request === at) await operation.run(scene.store, scene).catch(() => {});
      });
      await ending.deleteAll(SUBJECT, {});
      if (at === 0) await scene.store.deleteAll(SUBJECT, {});
      assertEquals([(await scene.live()).bound, await scene.listed()], [[], []], `request ${at}`);
    }
  });

  test(`DurableObjectStore lets no ${name} outlive that everything is ended that its list shows`, async () => {
    const requests = await countRequests(operation);
    for (let at = 0; at < requests; at++) {
      const scene = new Scene();
      await operation.prepare(scene);
      const before = await scene.listed();
      let shown: string[] = [];
      const store = scene.paused(async (request) => {
        if (request !== at) return;
        shown = await scene.listed();
        for (const key of shown) await scene.store.delete(key);
      });
      await operation.run(store, scene).catch(() => {});
      // A session that is the subject's already is shown all the time.
      if (before.length > 0) assert(shown.length > 0, `request ${at}: it is not shown`);
      if (shown.length > 0) assertEquals((await scene.live()).bound, [], `request ${at}`);
    }
  });
}

test("DurableObjectStore leaves nothing that a list doesn't show, wherever an end of all sessions fails", async () => {
  for (let at = 0; at < 4; at++) {
    for (const order of ["throw", "lose", "abort"] as const) {
      const scene = new Scene();
      await scene.store.create(scene.old, scene.bound);
      await scene.store.create(scene.next, scene.bound);
      await scene.failing(at, order).deleteAll(SUBJECT, {}).catch(() => {});
      assertEquals(await scene.listed(), (await scene.live()).bound, `request ${at}: ${order}`);
      await scene.store.deleteAll(SUBJECT, {});
      assertEquals([(await scene.live()).bound, await scene.listed()], [[], []]);
    }
  }
});

test("DurableObjectStore lets those live who log in while the sessions before them are ended", async () => {
  for (let at = 1; at < 4; at++) {
    const scene = new Scene();
    const { store, clock, bound, old, next } = scene;
    await store.create(old, bound);
    let isLate = false;
    const ending = scene.paused(async (request) => {
      if (request !== at) return;
      isLate = true;
      const generation = await store.generation(SUBJECT);
      assert(generation >= clock.now());
      assertEquals(await store.create(next, { ...bound, generation }), true);
    });
    assertEquals(await ending.deleteAll(SUBJECT, {}), 1);
    if (!isLate) continue;
    assertEquals([(await scene.live()).bound, await scene.listed()], [[next], [next]], `${at}`);
  }
});

test("DurableObjectStore finds no session with another number of shards, rather than some that it can't list", async () => {
  const { prefix, clock, bound } = new Scene();
  const { namespace } = objects!;
  const [before, after] = [4, 8].map((shards) =>
    new DurableObjectStore({ namespace, prefix, shards, clock: clock.now })
  );
  const keys = Array.from({ length: 20 }, () => crypto.randomUUID());
  for (const key of keys) await before!.create(key, bound);
  const found = await Promise.all(keys.map((key) => after!.read(key)));
  assertEquals(found.filter(Boolean), []);
  assertEquals(await after!.deleteAll(SUBJECT, {}), 0);
});

test("DurableObjectStore has deleted a session although its entry could not be removed", async () => {
  const scene = new Scene();
  const { store, old, bound } = scene;
  await store.create(old, bound);
  await scene.failing(1, "throw").delete(old);
  assertEquals([await store.read(old), await scene.listed()], [undefined, []]);
  assertEquals(await store.deleteAll(SUBJECT, {}), 0);
  await store.create(old, bound).catch(() => {});
  await assertRejects(() => scene.failing(0, "throw").delete(old), Error, "an object that throws");
});

/** A namespace whose stubs fail once for each operation after it was done, as the runtime says. */
function flaky(error: object): { namespace: DurableObjectNamespaceLike; stubs(): number } {
  const failed = new Set<string>();
  let stubs = 0;
  const { namespace } = objects!;
  return {
    stubs: () => stubs,
    namespace: {
      idFromName: (name) => namespace.idFromName(name),
      get(id) {
        stubs++;
        return {
          async fetch(url, init) {
            const { operation, key, write } = JSON.parse(init.body!);
            const name = [operation, key, write].join();
            const response = await namespace.get(id).fetch(url, init);
            if (failed.has(name)) return response;
            failed.add(name);
            await response.text();
            throw Object.assign(new Error("the object was moved"), error);
          },
        };
      },
    },
  };
}

test("DurableObjectStore sends a request once more, and what was done counts once", async () => {
  const scene = new Scene();
  const { bound, anonymous, old, next, clock } = scene;
  const { namespace, stubs } = flaky({ retryable: true });
  const store = scene.over(namespace);
  assertEquals(await store.read(old), undefined);
  assertEquals(stubs(), 2, "another stub for the second try");
  assertEquals(await store.create(old, anonymous), true);
  const second = { ...written(anonymous), data: '{"visits":1}' };
  assertEquals(await store.update(old, second, anonymous), true);
  assertEquals(await store.read(old), second);
  assertEquals(await store.touch(old, { ...second, lastSeenAt: clock.now() + 1 }, second), true);
  const lefts = [undefined, traceOf(second, false), traceOf(second, true)];
  const moves = lefts.flatMap((left) =>
    [second, { ...second, subject: SUBJECT }].map((record) => ({ left, record }))
  );
  for (const { left, record } of moves) {
    const [from, to] = [crypto.randomUUID(), crypto.randomUUID()];
    assertEquals(await store.create(from, record), true);
    const move = { key: to, record: written(record), ...(left && { left }) };
    assertEquals(await store.replace(from, move, record), true);
    assertEquals((await store.read(to))?.version, 3);
    assertEquals((await store.read(from))?.trace, left?.trace);
    await store.delete(to);
  }
  assertEquals(await store.create(next, bound), true);
  await store.deleteAll(SUBJECT, {});
  assertEquals(await store.generation(SUBJECT), Math.floor(clock.now()), "one generation later");
  assertEquals([await store.read(next), await scene.listed()], [undefined, []]);
});

test("DurableObjectStore sends nothing once more that an object is too busy for, or that is called off", async () => {
  const scene = new Scene();
  for (const error of [{}, { retryable: false }, { retryable: true, overloaded: true }]) {
    const { namespace, stubs } = flaky(error);
    const { message } = await assertRejects(() => scene.over(namespace).read(scene.old), Error);
    assertEquals([message, stubs()], ["the object was moved", 1]);
  }
  const { namespace, stubs } = flaky({ retryable: true });
  const controller = new AbortController();
  const read = scene.over(namespace).read(scene.old, undefined, controller.signal);
  controller.abort();
  await assertRejects(() => read);
  assert(stubs() < 2);
});

test("DurableObjectStore says when the class of an object is another one", async () => {
  const scene = new Scene();
  for (const status of [200, 404, 500]) {
    const fetch = () => Promise.resolve(new Response("not found", { status }));
    const store = scene.over({ idFromName: (name) => name, get: () => ({ fetch }) });
    const error = await assertRejects(() => store.read(scene.old));
    if (status !== 200) {
      assert(String(error).includes(`it answered ${status}; export SessionObject as its class`));
    }
  }
  const { namespace } = objects!;
  const stub = namespace.get(namespace.idFromName("junk"));
  for (const operation of ["unknown", "constructor", "__proto__", undefined]) {
    const body = JSON.stringify({ operation });
    const { status } = await stub.fetch("https://sessions.invalid", { method: "POST", body });
    assertEquals(status, 400);
  }
});

test("DurableObjectStore finds sessions again when the isolate of an object has ended", async () => {
  const scene = new Scene();
  await scene.store.create(scene.old, scene.bound);
  const name = await objectOf(scene, scene.old);
  const before = await objects!.order<string>(name, "alarm");
  await assertRejects(() => objects!.order(name, "restart"));
  assert(await objects!.order<string>(name, "alarm") !== before);
  assertEquals(await scene.store.read(scene.old), scene.bound);
  assertEquals(await scene.listed(), [scene.old]);
});

/** The name of the object that holds a key. */
async function objectOf({ prefix }: Scene, key: string): Promise<string> {
  for (let shard = 0; shard < 4; shard++) {
    const { records } = await objects!.order<Rows>(`${shard}/4:${prefix}`, "rows");
    if (records.some((row) => row["key"] === key)) return `${shard}/4:${prefix}`;
  }
  throw new Error("Cannot find object: no one holds the key");
}

test("SessionObject reclaims by an alarm what has ended, and nothing else", async () => {
  const scene = new Scene();
  const { clock, bound, prefix } = scene;
  const one = new DurableObjectStore({
    namespace: objects!.namespace,
    prefix,
    shards: 1,
    clock: clock.now,
  });
  const name = `0/1:${prefix}`;
  const order = <Answer>(order: Order) => objects!.order<Answer>(name, order, clock.now());
  const rows = async () =>
    Object.entries(await order<Rows>("rows")).map(([table, rows]) => `${table} ${rows.length}`);

  assertEquals(await order("scheduled"), null);
  await one.read("unknown");
  assertEquals(await order("scheduled"), null, "a read schedules nothing");
  await one.create("short", bound);
  const first = clock.now() + HOUR;
  assertEquals(await order("scheduled"), first);
  await one.create("long", { ...bound, expiresAt: clock.now() + 1000 * HOUR });
  await one.deleteAll("user:other", {});
  assertEquals(await order("scheduled"), first, "an alarm that is set stays");

  clock.advance(3600);
  assertEquals(await one.read("short"), undefined, "an alarm that is late revives nothing");
  await order("alarm");
  assertEquals(
    await rows(),
    ["records 2", "ends 0", "entries 2", "generations 1"],
    "a minute more",
  );
  assertEquals(await order("scheduled"), clock.now() + HOUR, "once an hour at most");

  clock.advance(60);
  await order("alarm");
  assertEquals(await rows(), ["records 1", "ends 0", "entries 2", "generations 1"]);
  assertEquals(
    await order("scheduled"),
    clock.now() + 23 * HOUR,
    "when the generation is forgotten",
  );

  clock.advance(72 * 3600);
  await order("alarm");
  assertEquals(await rows(), ["records 1", "ends 0", "entries 1", "generations 0"]);
  assertEquals(await order("scheduled"), clock.now() + 24 * HOUR, "once a day at least");
  assertEquals((await one.read("long"))?.subject, SUBJECT);

  clock.advance(1100 * 3600);
  await order("alarm");
  assertEquals(await rows(), ["records 0", "ends 0", "entries 0", "generations 0"]);
  assertEquals(await order("scheduled"), null, "nothing is left");
  await one.create("again", { ...bound, expiresAt: clock.now() + HOUR });
  assertEquals(await order("scheduled"), clock.now() + HOUR, "a write schedules another one");
});

test("SessionObject is woken by its alarm", async () => {
  const long = Date.now() - 10 * HOUR;
  const clock = () => long;
  const prefix = crypto.randomUUID();
  const store = new DurableObjectStore({
    namespace: objects!.namespace,
    prefix,
    shards: 1,
    clock,
  });
  const name = `0/1:${prefix}`;
  // By the clock of the object it is hours ago, so that the alarm is due at once.
  await objects!.order(name, "scheduled", long + 5 * HOUR);
  await store.create("key", { ...makeRecord(new FakeClock(long)), expiresAt: long + HOUR });
  const count = async () => (await objects!.order<Rows>(name, "rows")).records.length;
  for (let tries = 0; tries < 1000 && await count() > 0; tries++);
  assertEquals(await count(), 0);
});
