import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { type ListedSession, SessionEndedError, type SessionRecord } from "@x/hono-session";
import {
  type DynamoDbDocumentLike,
  DynamoDbStore,
  type DynamoDbStoreOptions,
} from "@x/hono-session/stores/dynamodb";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { FakeClock } from "../_support/clock.ts";
import {
  direct,
  DYNALITE,
  type RunningServer,
  type Server,
  SERVERS,
  TABLES,
  TestClient,
} from "../_support/dynamodb.ts";
import { altered, DiedError, mortal, watched } from "../_support/dynamodb_steps.ts";
import { pooled } from "../_support/pooled.ts";
import { makeRecord } from "../_support/record.ts";

const HOUR = 3_600_000;

function makeKey(): string {
  return crypto.randomUUID().padEnd(43, "0");
}

function makeSubject(): string {
  return `user:${crypto.randomUUID()}`;
}

function makeBound(
  clock: FakeClock,
  subject: string,
  changes: Partial<SessionRecord> = {},
): SessionRecord {
  const sid = crypto.randomUUID().replaceAll("-", "").slice(0, 22);
  return makeRecord(clock, { sid, subject, subjectAt: clock.now(), ...changes });
}

function next(record: SessionRecord, changes: Partial<SessionRecord> = {}): SessionRecord {
  return { ...record, version: record.version + 1, ...changes };
}

function unbound({ subject: _, subjectAt: __, ...record }: SessionRecord): SessionRecord {
  return { ...record, version: record.version + 1 };
}

async function listed(store: DynamoDbStore, subject: string): Promise<ListedSession[]> {
  const sessions: ListedSession[] = [];
  for await (const session of store.list(subject)) sessions.push(session);
  return sessions;
}

async function keysOf(store: DynamoDbStore, subject: string): Promise<string[]> {
  return (await listed(store, subject)).map(({ key }) => key).toSorted();
}

/** What a test is given. */
class Scene {
  readonly clock = new FakeClock();
  readonly client: TestClient;
  readonly store: DynamoDbStore;

  constructor(client: TestClient) {
    this.client = client;
    this.store = this.makeStore();
  }

  makeStore(options: Partial<DynamoDbStoreOptions> = {}): DynamoDbStore {
    return new DynamoDbStore({
      document: this.client.document,
      tableName: TABLES.sorted.name,
      sortKey: "sk",
      clock: this.clock.now,
      ...options,
    });
  }

  /** A store of another process, which has asked nothing yet. */
  makeStoreOver(wrap: (document: DynamoDbDocumentLike) => DynamoDbDocumentLike): DynamoDbStore {
    return this.makeStore({ document: wrap(this.client.document) });
  }

  /** What lies in the table of a subject. */
  async itemsOf(subject: string): Promise<Record<string, unknown>[]> {
    const { Items = [] } = await this.client.document.query({
      TableName: TABLES.sorted.name,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": `subject:${subject}` },
      ConsistentRead: true,
    });
    return Items;
  }

  /** The entries of a subject as they lie in the table. */
  async entriesOf(subject: string): Promise<Record<string, unknown>[]> {
    return (await this.itemsOf(subject)).filter(({ sk }) => sk !== "generation");
  }

  /** Does what DynamoDB does some time: deletes entries whose time to live is over. */
  async reclaim(subject: string): Promise<void> {
    for (const { pk, sk, expires } of await this.entriesOf(subject)) {
      if (Number(expires) * 1000 > this.clock.now()) continue;
      await this.client.document.delete({ TableName: TABLES.sorted.name, Key: { pk, sk } });
    }
  }

  operations(): string[] {
    return this.client.requests.splice(0).map(({ operation }) => operation);
  }
}

/** An operation on sessions, and all that it has to do with. */
interface Operation {
  readonly keys: readonly string[];
  readonly subjects: readonly string[];
  run(store: DynamoDbStore): Promise<unknown>;
}

/** Prepares each operation that changes whose sessions there are, or for how long. */
const OPERATIONS: Record<string, (scene: Scene) => Promise<Operation>> = {
  "a login in a new session"({ clock }) {
    const [key, subject] = [makeKey(), makeSubject()];
    const record = makeBound(clock, subject);
    const run = (store: DynamoDbStore) => store.create(key, record);
    return Promise.resolve({ keys: [key], subjects: [subject], run });
  },
  async "a login in a session"({ store, clock }) {
    const [key, subject] = [makeKey(), makeSubject()];
    const record = makeRecord(clock);
    await store.create(key, record);
    const login = next(record, { subject, subjectAt: clock.now(), expiresAt: clock.now() + HOUR });
    return { keys: [key], subjects: [subject], run: (store) => store.update(key, login, record) };
  },
  async "a login as somebody else"({ store, clock }) {
    const [key, ada, eve] = [makeKey(), makeSubject(), makeSubject()];
    const record = makeBound(clock, ada);
    await store.create(key, record);
    clock.advance(1);
    const login = next(record, { subject: eve, subjectAt: clock.now() });
    return { keys: [key], subjects: [ada, eve], run: (store) => store.update(key, login, record) };
  },
  async "a login as the same once more"({ store, clock }) {
    const [key, subject] = [makeKey(), makeSubject()];
    const record = makeBound(clock, subject);
    await store.create(key, record);
    clock.advance(1);
    const login = next(record, { subjectAt: clock.now() });
    return { keys: [key], subjects: [subject], run: (store) => store.update(key, login, record) };
  },
  async "a login with another token"({ store, clock }) {
    const [key, other, subject] = [makeKey(), makeKey(), makeSubject()];
    const old = makeRecord(clock);
    await store.create(key, old);
    const record = next(old, { subject, subjectAt: clock.now() });
    return {
      keys: [key, other],
      subjects: [subject],
      run: (store) => store.replace(key, { key: other, record }, old),
    };
  },
  async "a clearing of the subject"({ store, clock }) {
    const [key, subject] = [makeKey(), makeSubject()];
    const record = makeBound(clock, subject);
    await store.create(key, record);
    return {
      keys: [key],
      subjects: [subject],
      run: (store) => store.update(key, unbound(record), record),
    };
  },
  async "another token"({ store, clock }) {
    const [key, other, subject] = [makeKey(), makeKey(), makeSubject()];
    const old = makeBound(clock, subject);
    await store.create(key, old);
    return {
      keys: [key, other],
      subjects: [subject],
      run: (store) => store.replace(key, { key: other, record: next(old) }, old),
    };
  },
  async "a rotation"({ store, clock }) {
    const [key, other, subject] = [makeKey(), makeKey(), makeSubject()];
    const old = makeBound(clock, subject);
    await store.create(key, old);
    return {
      keys: [key, other],
      subjects: [subject],
      async run(store) {
        assertEquals(await store.create(other, next(old)), true);
        const marker = { ...unbound(old), trace: "rotated", successor: "sealed" } as const;
        return await store.update(key, marker, old);
      },
    };
  },
  async "a touch that moves the end"({ store, clock }) {
    const [key, subject] = [makeKey(), makeSubject()];
    const record = makeBound(clock, subject);
    await store.create(key, record);
    const times = { lastSeenAt: 1, renewedAt: 1, expiresAt: clock.now() + 2 * HOUR };
    return { keys: [key], subjects: [subject], run: (store) => store.touch(key, times, record) };
  },
  async "an update that moves the end"({ store, clock }) {
    const [key, subject] = [makeKey(), makeSubject()];
    const record = makeBound(clock, subject);
    await store.create(key, record);
    const later = next(record, { expiresAt: clock.now() + 2 * HOUR });
    return { keys: [key], subjects: [subject], run: (store) => store.update(key, later, record) };
  },
  async "a logout"({ store, clock }) {
    const [key, subject] = [makeKey(), makeSubject()];
    await store.create(key, makeBound(clock, subject));
    return { keys: [key], subjects: [subject], run: (store) => store.delete(key) };
  },
  async "a logout everywhere"({ store, clock }) {
    const [keys, subject] = [[makeKey(), makeKey(), makeKey()], makeSubject()];
    for (const key of keys) await store.create(key, makeBound(clock, subject));
    return { keys, subjects: [subject], run: (store) => store.deleteAll(subject, {}) };
  },
};

/** Those that make a session a subject's, the last one of the operation. */
const LOGINS = [
  "a login in a new session",
  "a login in a session",
  "a login as somebody else",
  "a login as the same once more",
  "a login with another token",
];

/** What can happen to a session of a subject while something else is done to it. */
const MEANWHILE: Record<string, (scene: Scene, operation: Operation) => Promise<unknown>> = {
  "nothing": async () => {},
  "a look at the list": async ({ store }, { subjects }) => {
    for (const subject of subjects) await listed(store, subject);
  },
  "a logout": async ({ store }, { keys }) => await store.delete(keys[0]!),
  "a logout everywhere": async ({ store }, { subjects }) =>
    await store.deleteAll(subjects.at(-1)!, {}),
};

/** Fails unless the lists show exactly what is alive, now and for as long as it is. */
async function assertListed(scene: Scene, { keys, subjects }: Operation): Promise<void> {
  const { store, clock } = scene;
  for (;;) {
    for (const subject of subjects) await scene.reclaim(subject);
    // The first look removes entries; the second one sees what is left of them.
    for (let look = 0; look < 2; look++) {
      const alive = await Promise.all(
        keys.map(async (key) => ({ key, subject: (await store.read(key))?.subject })),
      );
      for (const each of subjects) {
        const expected = alive.filter(({ subject }) => subject === each).map(({ key }) => key);
        assertEquals(await keysOf(store, each), expected.toSorted());
      }
    }
    const ends = (await Promise.all(keys.map((key) => store.read(key))))
      .map((record) => record?.expiresAt ?? 0)
      .filter((end) => end > clock.now() + 1);
    if (ends.length === 0) return;
    clock.advance((Math.min(...ends) - 1 - clock.now()) / 1000);
  }
}

/** Runs what may be stopped or refused; whether it was done, or what it said. */
async function attempt(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DiedError || error instanceof SessionEndedError) return error;
    throw error;
  }
}

function testWith(server: Server): void {
  let running: RunningServer;
  if (!server.ignore) {
    Deno.test.beforeAll(async () => {
      running = await server.start();
    });
    Deno.test.afterAll(async () => await running[Symbol.asyncDispose]());
  }

  const declare = pooled(server);

  function test(name: string, run: (scene: Scene) => Promise<void>): void {
    declare(`the index of DynamoDbStore on ${server.name} ${name}`, async () => {
      using client = new TestClient(running.port);
      await run(new Scene(client));
    });
  }

  /** Declares what the server has no part in. */
  const testOnce = server === DYNALITE ? test : () => {};

  for (const [what, prepare] of Object.entries(OPERATIONS)) {
    test(`shows what is alive when a process dies at any step of ${what}`, async (scene) => {
      for (let requests = 0;; requests++) {
        const operation = await prepare(scene);
        const dying = scene.makeStoreOver((document) => mortal(document, requests));
        const outcome = await attempt(() => operation.run(dying));
        await assertListed(scene, operation);
        if (!(outcome instanceof DiedError)) {
          assert(requests > 0);
          break;
        }
      }
    });

    for (const [event, happen] of Object.entries(MEANWHILE)) {
      test(`shows what is alive after ${what} and, at any step of it, ${event}`, async (scene) => {
        for (let at = 0;; at++) {
          const operation = await prepare(scene);
          let hasHappened = false;
          const before = async (step: number) => {
            if (step !== at) return;
            hasHappened = true;
            await happen(scene, operation);
          };
          const store = scene.makeStoreOver((document) => watched(document, before));
          const outcome = await attempt(() => operation.run(store));
          if (event === "nothing" || event === "a look at the list") {
            assert(outcome !== false && !(outcome instanceof Error), `${outcome} at ${at}`);
          }
          if (event === "a logout everywhere" && hasHappened) {
            assertEquals(await keysOf(scene.store, operation.subjects.at(-1)!), [], `at ${at}`);
          }
          await assertListed(scene, operation);
          if (!hasHappened) break;
        }
      });
    }
  }

  for (const what of LOGINS) {
    test(`lets no ${what} outlive a logout everywhere that it meets at any step`, async (scene) => {
      for (let at = 0;; at++) {
        const operation = await OPERATIONS[what]!(scene);
        const subject = operation.subjects.at(-1)!;
        // Something that takes the other operation steps.
        await scene.store.create(makeKey(), makeBound(scene.clock, subject));
        let outcome: unknown;
        const before = async (step: number) => {
          if (step === at) outcome = await attempt(() => operation.run(scene.store));
        };
        const store = scene.makeStoreOver((document) => watched(document, before));
        await store.deleteAll(subject, {});
        if (outcome === undefined) break;
        assert(typeof outcome === "boolean" || outcome instanceof SessionEndedError, `at ${at}`);
        assertEquals(await keysOf(scene.store, subject), [], `at ${at}`);
        await assertListed(scene, operation);
      }
    });
  }

  test("keeps an entry for each session of a subject, with an end of its own", async (scene) => {
    const { store, clock } = scene;
    const [key, anonymous, subject] = [makeKey(), makeKey(), makeSubject()];
    const record = makeBound(clock, subject, { expiresAt: clock.now() + HOUR + 1 });
    await store.create(key, record);
    await store.create(anonymous, makeRecord(clock));
    const since = String(record.subjectAt).padStart(16, "0");
    const entry = { pk: `subject:${subject}`, sk: `session:${since} ${key}` };
    const { expiresAt } = record;
    const seconds = clock.now() / 1000 + 3601;
    assertEquals(await scene.itemsOf(subject), [{ ...entry, expiresAt, expires: seconds }]);

    const later = { lastSeenAt: 1, renewedAt: 1, expiresAt: clock.now() + 2 * HOUR };
    await store.touch(key, later, record);
    const { expiresAt: end } = later;
    assertEquals(await scene.itemsOf(subject), [{ ...entry, expiresAt: end, expires: end / 1000 }]);
    // Who comes late, with an earlier end, does not cut it short.
    await store.touch(key, { ...later, expiresAt: expiresAt + 1 }, record);
    assertEquals(await scene.itemsOf(subject), [{ ...entry, expiresAt: end, expires: end / 1000 }]);

    await store.delete(key);
    assertEquals(await scene.itemsOf(subject), []);
  });

  test("leaves no entry behind", async (scene) => {
    const { store, clock } = scene;
    for (const prepare of Object.values(OPERATIONS)) {
      const operation = await prepare(scene);
      await operation.run(store);
      const keys = await Promise.all(
        operation.subjects.map((subject) => keysOf(store, subject)),
      );
      const entries = await Promise.all(
        operation.subjects.map((subject) => scene.entriesOf(subject)),
      );
      assertEquals(entries.map(({ length }) => length), keys.map(({ length }) => length));
      clock.advance(2 * HOUR / 1000);
      for (const subject of operation.subjects) {
        assertEquals(await listed(store, subject), []);
        assertEquals(await scene.entriesOf(subject), []);
      }
    }
  });

  test("removes the entries of sessions that are gone", async (scene) => {
    const { store, clock } = scene;
    const subject = makeSubject();
    const keys = Array.from({ length: 150 }, makeKey);
    await Promise.all(keys.map((key) => store.create(key, makeBound(clock, subject))));
    const kept = keys.splice(75, 1);
    await Promise.all(keys.map((key) => {
      const Key = { pk: `session:${key}`, sk: "session" };
      return scene.client.document.delete({ TableName: TABLES.sorted.name, Key });
    }));
    assertEquals(await keysOf(store, subject), kept);
    // Elsewhere their sessions may be about to be stored.
    assertEquals((await scene.entriesOf(subject)).length, server.hasTransactions ? 1 : 150);
    clock.advance(HOUR / 1000);
    assertEquals(await keysOf(store, subject), []);
    assertEquals(await scene.entriesOf(subject), []);
  });

  test("leaves the entries of records that only a newer version can read", async (scene) => {
    const { store, clock } = scene;
    const [key, subject] = [makeKey(), makeSubject()];
    const record = makeBound(clock, subject);
    await store.create(key, record);
    const Item = { ...record, format: 2, pk: `session:${key}`, sk: "session" };
    await scene.client.document.put({ TableName: TABLES.sorted.name, Item });
    assertEquals(await listed(store, subject), []);
    assertEquals((await scene.entriesOf(subject)).length, 1);
  });

  test("remembers a generation for a day", async (scene) => {
    const { store, clock } = scene;
    const [subject, sid] = [makeSubject(), "pXo9tUjcNKQGL1lXUmT0Nw"];
    const now = clock.now();
    const item = { pk: `subject:${subject}`, sk: "generation" };
    const expires = (now + 24 * HOUR) / 1000;
    await store.deleteAll(subject, { except: sid });
    const excepted = { sid, since: 0 };
    assertEquals(await scene.itemsOf(subject), [
      { ...item, generation: now, ...excepted, expires },
    ]);
    await store.deleteAll(subject, {});
    assertEquals(await scene.itemsOf(subject), [{ ...item, generation: now + 1, expires }]);
    clock.advance(-60);
    await store.deleteAll(subject, { except: sid });
    assertEquals(await scene.itemsOf(subject), [
      { ...item, generation: now + 2, sid, since: now + 1, expires: expires - 60 },
    ]);
    assertEquals(await store.generation(subject), now + 2);
  });

  test("begins a generation of their own for ends at the same time", async (scene) => {
    const { store } = scene;
    const subject = makeSubject();
    await Promise.all(Array.from({ length: 8 }, () => store.deleteAll(subject, {})));
    assertEquals(await store.generation(subject), scene.clock.now() + 7);
  });

  test("tells a refused record from a subject whose sessions were ended", async (scene) => {
    const { store, clock } = scene;
    const [key, subject] = [makeKey(), makeSubject()];
    const record = makeRecord(clock);
    await store.create(key, record);
    await store.deleteAll(subject, {});
    const late = makeBound(clock, subject);
    const message = "Cannot store session: all sessions of its subject were ended";
    const stale = next(record);
    const login = next(record, { subject, subjectAt: clock.now() });
    await assertRejects(() => store.create(makeKey(), late), SessionEndedError, message);
    await assertRejects(() => store.update(key, login, record), SessionEndedError, message);
    const target = { key: makeKey(), record: login };
    await assertRejects(() => store.replace(key, target, record), SessionEndedError, message);
    const now = {
      subject,
      subjectAt: clock.now(),
      generation: await store.generation(subject),
    };
    assertEquals(await store.create(key, makeBound(clock, subject, now)), false);
    assertEquals(await store.update(key, next(stale, now), stale), false);
    assertEquals(await store.replace(key, { ...target, record: next(stale, now) }, stale), false);
    assertEquals(await store.read(key), record);
    assertEquals(await listed(store, subject), []);
  });

  test("ends 20 sessions that began at the same time", async (scene) => {
    const { store, clock } = scene;
    const subject = makeSubject();
    const keys = Array.from({ length: 20 }, makeKey);
    await Promise.all(keys.map((key) => store.create(key, makeBound(clock, subject))));
    assertEquals(await keysOf(store, subject), keys.toSorted());
    assertEquals(await store.deleteAll(subject, {}), 20);
    for (const key of keys) assertEquals(await store.read(key), undefined);
    assertEquals(await scene.entriesOf(subject), []);
  });

  test("ends a session that moves meanwhile", async (scene) => {
    const { clock } = scene;
    const subject = makeSubject();
    let record = makeBound(clock, subject);
    let key = makeKey();
    await scene.store.create(key, record);
    let [moves, refusals] = [0, 0];
    const before = async () => {
      const target = { key: makeKey(), record: next(record) };
      try {
        if (!await scene.store.replace(key, target, record)) return;
        moves++;
        ({ key, record } = target);
      } catch (error) {
        assert(error instanceof SessionEndedError);
        refusals++;
      }
    };
    const store = scene.makeStoreOver((document) => watched(document, before));
    assertEquals(await store.deleteAll(subject, {}), 1);
    // Until the generation is written, and from then on.
    assert(moves > 0 && refusals > 0, `${moves} moves, ${refusals} refusals`);
    assertEquals(await scene.store.read(key), undefined);
  });

  test("ends no session that is another subject's by now", async (scene) => {
    const { store, clock } = scene;
    const [key, ada, eve] = [makeKey(), makeSubject(), makeSubject()];
    const record = makeBound(clock, ada);
    await store.create(key, record);
    const change = next(record, { subject: eve });
    let isChanged = false;
    const late = scene.makeStoreOver((document) =>
      altered(document, {
        async delete(...args) {
          isChanged ||= await store.update(key, change, record);
          return await document.delete(...args);
        },
        async transactWrite(...args) {
          if (server.hasTransactions) isChanged ||= await store.update(key, change, record);
          return await document.transactWrite(...args);
        },
      })
    );
    assertEquals(await late.deleteAll(ada, {}), 0);
    assert(isChanged);
    assertEquals(await store.read(key), change);
  });

  test("lists and ends 1,000 sessions by many at a time", async (scene) => {
    const { store, clock } = scene;
    const subject = makeSubject();
    const keys = Array.from({ length: 1000 }, makeKey);
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(
        keys.slice(from, from + 50).map((key) => store.create(key, makeBound(clock, subject))),
      );
    }
    scene.operations();
    const counts = () => {
      const operations = Object.groupBy(scene.operations(), (operation) => operation);
      return Object.entries(operations).map(([operation, all]) => [operation, all!.length]);
    };
    assertEquals(await keysOf(store, subject), keys.toSorted());
    // A full page may be the last one.
    assertEquals(counts(), [["Query", 11], ["BatchGetItem", 10]]);
    assertEquals(await store.deleteAll(subject, {}), 1000);
    assertEquals(counts(), [
      ["GetItem", 1],
      ["PutItem", 1],
      ["Query", 12],
      ["BatchGetItem", 10],
      server.hasTransactions ? ["TransactWriteItems", 100] : ["DeleteItem", 1000],
      ["BatchWriteItem", 40],
    ]);
    assertEquals(await scene.entriesOf(subject), []);
  });

  test("knows a login of its own when the answer is lost", async (scene) => {
    const { client, clock } = scene;
    const subject = makeSubject();
    await scene.store.create(makeKey(), makeBound(clock, subject));
    for (let at = 0;; at++) {
      const key = makeKey();
      let step = 0;
      let isLost = false;
      client.around = async (send) => {
        if (step++ !== at) return await send();
        isLost = true;
        await send();
        throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      };
      assertEquals(await scene.store.create(key, makeBound(clock, subject)), true);
      client.around = direct;
      assert((await keysOf(scene.store, subject)).includes(key));
      if (!isLost) break;
    }
  });

  test("asks what it has to and no more", async (scene) => {
    const { store, clock } = scene;
    const steps = (transaction: string[], ...others: string[]) =>
      server.hasTransactions ? transaction : others;
    const subject = makeSubject();
    const anonymous = makeRecord(clock);
    const bound = makeBound(clock, subject);
    const [key, other, moved, last] = [makeKey(), makeKey(), makeKey(), makeKey()];
    // From here on it is known whether there are transactions.
    await store.create(makeKey(), makeBound(clock, makeSubject()));
    scene.operations();
    const asks = async (run: () => Promise<unknown>, expected: string[], what: string) => {
      await run();
      assertEquals(scene.operations(), expected, what);
    };
    const later = { lastSeenAt: 1, renewedAt: 1, expiresAt: bound.expiresAt + 1000 };
    const transaction = ["TransactWriteItems"];

    await asks(() => store.create(key, anonymous), ["PutItem"], "create");
    await asks(() => store.read(key), ["GetItem"], "read");
    await asks(() => store.update(key, next(anonymous), anonymous), ["PutItem"], "update");
    await asks(() => store.touch(key, later, next(anonymous)), ["UpdateItem"], "touch");
    await asks(
      () => store.replace(key, { key: moved, record: next(anonymous) }, next(anonymous)),
      steps(transaction, "DeleteItem", "PutItem"),
      "replace",
    );
    await asks(() => store.delete(moved), ["DeleteItem"], "delete");

    await asks(
      () => store.create(other, bound),
      steps(transaction, "PutItem", "GetItem", "PutItem", "GetItem"),
      "create of a bound session",
    );
    await asks(() => store.read(other), ["GetItem"], "read of it");
    await asks(() => store.update(other, next(bound), bound), ["PutItem"], "update of it");
    const { expiresAt } = bound;
    const seen = { ...later, expiresAt };
    await asks(() => store.touch(other, seen, next(bound)), ["UpdateItem"], "touch of it");
    await asks(
      () => store.touch(other, later, next(bound)),
      ["PutItem", "UpdateItem"],
      "touch that moves its end",
    );
    await asks(
      () => store.replace(other, { key: last, record: next(next(bound)) }, next(bound)),
      steps(transaction, "PutItem", "GetItem", "DeleteItem", "PutItem", "GetItem", "DeleteItem"),
      "replace of it",
    );
    await asks(() => listed(store, subject), ["Query", "BatchGetItem"], "list");
    await asks(() => store.delete(last), ["DeleteItem", "DeleteItem"], "delete of it");
    await asks(() => listed(store, subject), ["Query"], "empty list");
    await asks(async () => await store.generation(subject), ["GetItem"], "generation");
  });

  test("finds its document for lists in each request", async (scene) => {
    const { client, clock } = scene;
    const subject = makeSubject();
    const found: unknown[] = [];
    const document = (c: unknown) => (found.push(c), client.document);
    const store = scene.makeStore({ document });
    await store.create(makeKey(), makeBound(clock, subject), "create");
    for await (const _ of store.list(subject, {}, "list"));
    assertEquals(await store.deleteAll(subject, {}, "deleteAll"), 1);
    assertEquals(found, ["create", "list", "deleteAll"]);
    const lost = scene.makeStore({ document: () => ({}) as never });
    await assertRejects(() => listed(lost, subject), TypeError, "returned no DynamoDBDocument");
  });

  for (const wrapNumbers of [true, (text: string) => text]) {
    testOnce(`lists with wrapNumbers: ${wrapNumbers}`, async (scene) => {
      const { client, clock } = scene;
      const [key, subject] = [makeKey(), makeSubject()];
      const document = DynamoDBDocument.from(client.client, { unmarshallOptions: { wrapNumbers } });
      const store = scene.makeStore({ document });
      const record = makeBound(clock, subject, { subjectAt: clock.now() + 0.001 });
      await store.create(key, record);
      const { data: _, ...shown } = record;
      assertEquals(await listed(store, subject), [{ key, record: shown }]);
      clock.advance(1);
      await store.deleteAll(subject, {});
      assertEquals(await scene.entriesOf(subject), []);
      await assertRejects(() => store.create(key, record), SessionEndedError);
    });
  }

  testOnce("asks for consistent reads, and for no data", async ({ client, store, clock }) => {
    const subject = makeSubject();
    await store.create(makeKey(), makeBound(clock, subject));
    client.requests.length = 0;
    await listed(store, subject);
    const [query, batch] = client.requests.map(({ input }) => input);
    assertEquals(query.ConsistentRead, true);
    const { ConsistentRead, ExpressionAttributeNames } = batch.RequestItems[TABLES.sorted.name];
    assertEquals(ConsistentRead, true);
    const names = Object.values(ExpressionAttributeNames);
    assertEquals([names.includes("sid"), names.includes("data")], [true, false]);
  });

  testOnce("asks again for what was left unwritten", async (scene) => {
    const { store, clock } = scene;
    const subject = makeSubject();
    for (let login = 0; login < 30; login++) {
      await store.create(makeKey(), makeBound(clock, subject));
    }
    const hasty = scene.makeStoreOver((document) =>
      altered(document, {
        async batchWrite({ RequestItems }, options) {
          const [name, requests] = Object.entries(RequestItems)[0]!;
          const left = requests.splice(10);
          await document.batchWrite({ RequestItems }, options);
          return { UnprocessedItems: left.length > 0 ? { [name]: left } : {} };
        },
      })
    );
    assertEquals(await hasty.deleteAll(subject, {}), 30);
    assertEquals(await scene.entriesOf(subject), []);
  });

  testOnce("asks again for what was left unread", async (scene) => {
    const { store, clock } = scene;
    const subject = makeSubject();
    const keys = Array.from({ length: 10 }, makeKey);
    for (const key of keys) await store.create(key, makeBound(clock, subject));
    const hasty = (most: number) =>
      scene.makeStoreOver((document) =>
        altered(document, {
          async batchGet({ RequestItems }, options) {
            const [name, asked] = Object.entries(RequestItems)[0]!;
            const Keys = asked.Keys.splice(most);
            const UnprocessedKeys = Keys.length > 0 ? { [name]: { ...asked, Keys } } : {};
            const { Responses } = most > 0
              ? await document.batchGet({ RequestItems }, options)
              : { Responses: {} };
            return { Responses, UnprocessedKeys };
          },
        })
      );
    assertEquals(await keysOf(hasty(3), subject), keys.toSorted());
    const message = "DynamoDB left a part of a batch undone 10 times";
    await assertRejects(() => listed(hasty(0), subject), Error, message);
  });
}

SERVERS.forEach(testWith);

Deno.test("DynamoDbStore has no index without a sort key", async () => {
  using client = new TestClient(1);
  const { document } = client;
  const tableName = "sessions";
  for (
    const options of [{}, { primaryKey: "id" }, {
      key: (key: string) => ({ pk: key, sk: "session" }),
    }]
  ) {
    const store = new DynamoDbStore({ document, tableName, ...options });
    assertEquals(store.capabilities.index, false);
    const state = "DynamoDbStore requires a table with a sort key, and the option sortKey";
    await assertRejects(
      () => listed(store, "user:42"),
      TypeError,
      `Cannot list sessions of a subject: ${state}`,
    );
    await assertRejects(
      () => store.deleteAll("user:42", {}),
      TypeError,
      `Cannot end sessions of a subject: ${state}`,
    );
  }
  assertEquals(client.requests, []);
});
