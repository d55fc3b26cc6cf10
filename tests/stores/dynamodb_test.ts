import { runInNewContext } from "node:vm";
import { setFlagsFromString } from "node:v8";
import {
  ProvisionedThroughputExceededException,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
import { session, type SessionRecord, SessionTooLargeError } from "@x/hono-session";
import {
  type DynamoDbDocumentLike,
  DynamoDbStore,
  type DynamoDbStoreOptions,
} from "@x/hono-session/stores/dynamodb";
import { storeConformance } from "@x/hono-session/testing";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Context, Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import {
  direct,
  DYNALITE,
  type RunningServer,
  type Server,
  SERVERS,
  startDynalite,
  TABLES,
  TestClient,
} from "../_support/dynamodb.ts";
import { pooled } from "../_support/pooled.ts";
import { makeRecord } from "../_support/record.ts";
import { freePort } from "../_support/server_process.ts";

/** What a test is given. */
interface Scene {
  client: TestClient;
  clock: FakeClock;
  /** A store over the table with default names, or with other options. */
  makeStore(options?: Partial<DynamoDbStoreOptions>): DynamoDbStore;
}

const MAX_BYTES = 400_000;

/** The tables that a store makes different promises over. */
const LAYOUTS: Record<
  string,
  Pick<DynamoDbStoreOptions, "tableName" | "sortKey" | "attributePrefix">
> = {
  "": { tableName: TABLES.plain.name },
  " with a sort key": { tableName: TABLES.sorted.name, sortKey: "sk" },
  " beside indexes over attributes of the same names": {
    tableName: TABLES.shared.name,
    sortKey: "sk",
    attributePrefix: "session_",
  },
};

function makeKey(): string {
  return crypto.randomUUID().padEnd(43, "0");
}

function next(record: SessionRecord, changes: Partial<SessionRecord> = {}): SessionRecord {
  return { ...record, version: record.version + 1, ...changes };
}

/** The length of texts in UTF-8. */
function sizeOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** As when the connection breaks, which the SDK takes as a reason to repeat the request. */
function broken(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}

/** Lets the server do the next request and loses its answer. */
function loseAnswer(client: TestClient, meanwhile?: () => unknown): void {
  client.around = async (send) => {
    client.around = direct;
    await send();
    await meanwhile?.();
    throw broken();
  };
}

/** Fails requests, which the server never sees. */
function failWith(client: TestClient, error: Error, times = Infinity): void {
  client.around = (send) => times-- > 0 ? Promise.reject(error) : send();
}

function cancelled(...codes: string[]): Error {
  return new TransactionCanceledException({
    message: "Transaction cancelled",
    $metadata: { httpStatusCode: 400 },
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
}

function operationsOf({ requests }: TestClient): string[] {
  return requests.splice(0).map(({ operation }) => operation);
}

/** The permissions that requests require: a transaction those of its parts. */
function permissionsOf({ requests }: TestClient): Set<string> {
  return new Set(
    requests.flatMap(({ operation, input }) =>
      operation === "TransactWriteItems"
        ? (input.TransactItems as object[]).flatMap(Object.keys).map((part) =>
          part === "ConditionCheck" ? "ConditionCheckItem" : `${part}Item`
        )
        : [operation]
    ),
  );
}

/** All that a store does, each on a record of its own. */
async function writesOf(store: DynamoDbStore, clock: FakeClock) {
  const record = makeRecord(clock);
  const keys = { update: makeKey(), replace: makeKey(), touch: makeKey() };
  for (const key of Object.values(keys)) await store.create(key, record);
  return {
    create: () => store.create(makeKey(), record),
    update: () => store.update(keys.update, next(record), record),
    replace: () => store.replace(keys.replace, { key: makeKey(), record: next(record) }, record),
    touch: () => store.touch(keys.touch, record, record),
  };
}

function testWith(server: Server): void {
  let running: RunningServer;
  if (!server.ignore) {
    Deno.test.beforeAll(async () => {
      running = await server.start();
    });
    Deno.test.afterAll(async () => await running[Symbol.asyncDispose]());
  }

  /** Connections are kept for the next request, by the client and, if it is in this process, by the server. */
  const declare = pooled(server);

  for (const [layout, options] of Object.entries(LAYOUTS)) {
    const { document } = new TestClient(1);
    storeConformance({
      name: `DynamoDbStore on ${server.name}${layout}`,
      capabilities: new DynamoDbStore({ document, ...options }).capabilities,
      canFail: true,
      canRecover: true,
      test: declare,
      open(clock) {
        const client = new TestClient(running.port);
        const { document } = client;
        return {
          store: new DynamoDbStore({ document, ...options, clock }),
          fail: () => {
            client.port = freePort();
          },
          recover: () => {
            client.port = running.port;
          },
          close: () => client[Symbol.dispose](),
        };
      },
    });
  }

  function test(name: string, run: (scene: Scene) => Promise<void>): void {
    declare(`DynamoDbStore on ${server.name} ${name}`, async () => {
      using client = new TestClient(running.port);
      const clock = new FakeClock();
      const { document } = client;
      await run({
        client,
        clock,
        makeStore: (options = {}) =>
          new DynamoDbStore({
            document,
            tableName: TABLES.plain.name,
            clock: clock.now,
            ...options,
          }),
      });
    });
  }

  /** Declares what the server has no part in. */
  const testOnce = server === DYNALITE ? test : () => {};

  test("keeps a record as attributes, with its end in whole seconds", async ({ client, clock, makeStore }) => {
    const store = makeStore();
    const key = makeKey();
    const item = async () => {
      const Key = { pk: `session:${key}` };
      return (await client.document.get({ TableName: "sessions", Key })).Item!;
    };
    const record = makeRecord(clock, { flash: "{}", expiresAt: clock.now() + 1 });
    await store.create(key, record);
    const { writeId, ...created } = await item();
    assertEquals(typeof writeId, "string");
    const expires = clock.now() / 1000 + 1;
    assertEquals(created, { ...record, pk: `session:${key}`, expires });

    const times = {
      lastSeenAt: clock.now(),
      renewedAt: clock.now(),
      expiresAt: clock.now() + 5000.5,
    };
    await store.touch(key, times, record);
    const touched = { ...record, ...times, pk: `session:${key}`, expires: expires + 5 };
    assertEquals(await item(), { ...touched, writeId });

    const { flash: _, ...second } = next(record, { ...times, expiresAt: clock.now() + 7000 });
    await store.update(key, second, record);
    const { writeId: other, ...updated } = await item();
    assert(writeId !== other);
    assertEquals(updated, { ...second, pk: `session:${key}`, expires: expires + 6 });
  });

  test("holds to the record where DynamoDB still has an expired item", async ({ client, clock, makeStore }) => {
    const store = makeStore();
    const key = makeKey();
    const record = makeRecord(clock);
    await store.create(key, record);
    clock.advance(3600);
    const Key = { pk: `session:${key}` };
    assert((await client.document.get({ TableName: "sessions", Key })).Item, "it is still there");
    assertEquals(await store.read(key), undefined);
    assertEquals(await store.update(key, next(record), record), false);
    assertEquals(await store.create(key, makeRecord(clock)), true);
    assertEquals(await store.read(key), makeRecord(clock));
  });

  const layouts: Record<string, { options: Partial<DynamoDbStoreOptions>; attributes: string[] }> =
    {
      "a sort key": {
        options: { tableName: TABLES.sorted.name, sortKey: "sk" },
        attributes: ["pk", "sk", "expires"],
      },
      "names that are reserved words": {
        options: {
          tableName: TABLES.reserved.name,
          primaryKey: "table",
          sortKey: "name",
          expiresAttr: "ttl",
        },
        attributes: ["table", "name", "ttl"],
      },
      "names that are no identifiers": {
        options: { expiresAttr: "expires-at.#1 :now" },
        attributes: ["pk", "expires-at.#1 :now"],
      },
      "a table of another layout": {
        options: {
          tableName: TABLES.sorted.name,
          key: (key: string) => ({ pk: "tenant", sk: `SESSION#${key}` }),
        },
        attributes: ["pk", "sk", "expires"],
      },
    };
  for (const [what, { options, attributes }] of Object.entries(layouts)) {
    test(`takes ${what}`, async ({ client, clock, makeStore }) => {
      const store = makeStore(options);
      const [key, other] = [makeKey(), makeKey()];
      const first = makeRecord(clock);
      const [second, third] = [next(first), next(next(first))];
      assertEquals(await store.create(key, first), true);
      const put = client.requests.at(-1)!.input.Item;
      assertEquals(
        Object.keys(put).toSorted(),
        [...Object.keys(first), "writeId", ...attributes].toSorted(),
      );
      assertEquals(await store.create(key, first), false);
      assertEquals(await store.read(key), first);
      assertEquals(await store.read(other), undefined);
      assertEquals(await store.update(key, second, first), true);
      assertEquals(await store.touch(key, second, second), true);
      assertEquals(await store.replace(key, { key: other, record: third }, second), true);
      assertEquals([await store.read(key), await store.read(other)], [undefined, third]);
      await store.delete(other);
      assertEquals(await store.read(other), undefined);
    });
  }

  test("finds its document in each request", async ({ client, clock, makeStore }) => {
    type Bindings = { DOCUMENT: DynamoDbDocumentLike };
    for (
      const find of [
        (c: Context<{ Bindings: Bindings }>) => c.env.DOCUMENT,
        (c: Context<{ Bindings: Bindings }>) => Promise.resolve(c.env.DOCUMENT),
      ]
    ) {
      const app = new Hono<{ Bindings: Bindings }>()
        .use(
          session<{ name?: string }>({ store: makeStore({ document: find }), clock: clock.now }),
        )
        .get("/login", async (c) => {
          await c.var.session.regenerate();
          return c.text(c.var.session.name = "Ada");
        })
        .get("/", (c) => c.text(c.var.session.name ?? "stranger"));
      let env: Bindings = { DOCUMENT: client.document };
      const browser = new Client({ fetch: (request) => app.fetch(request, env) });
      assertEquals(await browser.text("/login"), "Ada");
      assertEquals(await browser.text("/login"), "Ada");
      assertEquals(await browser.text("/"), "Ada");
      env = { DOCUMENT: makeDocument().document };
      assertEquals(await browser.text("/"), "stranger");
    }
  });

  test("writes beside an index over createdAt as text, under names with a prefix", async ({ clock, makeStore }) => {
    const key = (key: string) => ({ pk: "tenant", sk: `SESSION#${key}` });
    const options = { tableName: TABLES.shared.name, key };
    const record = makeRecord(clock);
    await assertRejects(() => makeStore(options).create(makeKey(), record), Error, "ndex");
    const writes = await writesOf(makeStore({ ...options, attributePrefix: "session_" }), clock);
    for (const write of Object.values(writes)) assertEquals(await write(), true);
  });

  const testAtAmazon = server.hasTransactions ? test : () => {};
  testAtAmazon(
    "requires the permissions that the README gives, and no others",
    async ({ client, clock, makeStore }) => {
      const readme = await Deno.readTextFile(new URL("../../stores/README.md", import.meta.url));
      const documented = readme.match(/(?<="dynamodb:)\w+/g)!;
      const record = makeRecord(clock, { subject: "user:42", subjectAt: 1, generation: 1 });
      for (
        const [options, expected] of [
          [{}, documented.slice(0, 4)],
          [{ tableName: TABLES.sorted.name, sortKey: "sk" }, documented],
        ] as const
      ) {
        const store = makeStore(options);
        client.requests.length = 0;
        for (const write of Object.values(await writesOf(store, clock))) await write();
        const [key, other] = [makeKey(), makeKey()];
        await store.create(key, record);
        await store.create(other, record);
        await store.read(key);
        if (store.capabilities.index) {
          await store.generation("user:42");
          await Array.fromAsync(store.list("user:42"));
          await store.deleteAll("user:42", {});
        }
        await store.delete(other);
        assertEquals(permissionsOf(client), new Set(expected));
      }
    },
  );

  testOnce("holds the largest record under the longest names", async ({ clock, makeStore }) => {
    const attributePrefix = "p".repeat(50);
    const store = makeStore({ attributePrefix });
    const record = makeRecord(clock);
    const size = sizeOf(Object.entries(record).flat().join(""));
    const data = JSON.stringify({ text: "x".repeat(MAX_BYTES - size - 9) });
    const key = makeKey();
    assertEquals(await store.create(key, { ...record, data }), true);
    assertEquals(await store.read(key), { ...record, data });
  });

  testOnce("asks for consistent reads", async ({ client, makeStore }) => {
    await makeStore().read(makeKey());
    const asked = client.requests.map(({ operation, input }) => [operation, input.ConsistentRead]);
    assertEquals(asked, [["GetItem", true]]);
  });

  testOnce("takes one request for each operation", async ({ client, clock, makeStore }) => {
    const store = makeStore();
    const writes = await writesOf(store, clock);
    operationsOf(client);
    await store.read(makeKey());
    await writes.create();
    await writes.update();
    await writes.touch();
    await store.delete(makeKey());
    const expected = ["GetItem", "PutItem", "PutItem", "UpdateItem", "DeleteItem"];
    assertEquals(operationsOf(client), expected);
    // A conflict is no reason for more.
    assertEquals(await writes.update(), false);
    assertEquals(operationsOf(client), ["PutItem"]);
  });

  test("reads nothing from items that are no records", async ({ client, clock, makeStore }) => {
    const store = makeStore();
    const { expiresAt: _, ...endless } = makeRecord(clock);
    const junk: Record<string, unknown>[] = [
      {},
      { data: "{}" },
      endless,
      { ...makeRecord(clock), format: 2 },
      { ...makeRecord(clock), expiresAt: "soon" },
      { ...makeRecord(clock), data: { name: "Ada" } },
      { ...makeRecord(clock), browser: "yes" },
    ];
    for (const attributes of junk) {
      const key = makeKey();
      const Item = { pk: `session:${key}`, ...attributes };
      await client.document.put({ TableName: "sessions", Item });
      assertEquals(await store.read(key), undefined, JSON.stringify(attributes));
    }
  });

  test("gives nothing of an item but the record", async ({ client, clock, makeStore }) => {
    const key = makeKey();
    const record = makeRecord(clock);
    const Item = { ...record, pk: `session:${key}`, expires: 1, note: "of another program" };
    await client.document.put({ TableName: "sessions", Item });
    assertEquals(await makeStore().read(key), record);
  });

  for (const wrapNumbers of [true, (text: string) => text, (text: string) => BigInt(text)]) {
    testOnce(
      `reads numbers with wrapNumbers: ${wrapNumbers}`,
      async ({ client, clock, makeStore }) => {
        const unmarshallOptions = { wrapNumbers };
        const document = DynamoDBDocument.from(client.client, { unmarshallOptions });
        const store = makeStore({ document });
        const key = makeKey();
        const record = makeRecord(clock, { maxAge: 60 });
        await store.create(key, record);
        assertEquals(await store.read(key), record);
      },
    );
  }

  const failures = [
    new ThrottlingException({ message: "Rate exceeded", $metadata: { httpStatusCode: 400 } }),
    new ProvisionedThroughputExceededException({ message: "Too fast", $metadata: {} }),
    cancelled("None", "ThrottlingError"),
    cancelled("ConditionalCheckFailed", "ProvisionedThroughputExceeded"),
    cancelled("TransactionConflict", "ValidationError"),
    cancelled(),
  ];
  for (const [index, failure] of failures.entries()) {
    const codes = (failure as { CancellationReasons?: { Code?: string }[] }).CancellationReasons
      ?.map(({ Code }) => Code) ?? [];
    testOnce(
      `takes ${failure.name} for no conflict: ${codes} (${index})`,
      async ({ clock, makeStore }) => {
        using client = new TestClient(running.port, { maxAttempts: 1 });
        const writes = await writesOf(makeStore({ document: client.document }), clock);
        failWith(client, failure);
        operationsOf(client);
        for (const write of Object.values(writes)) {
          const error = await assertRejects(async () => await write());
          assertEquals(error, failure);
          assertEquals(operationsOf(client).length, 1);
        }
      },
    );
  }

  for (
    const conflict of [
      new TransactionConflictException({ message: "Ongoing", $metadata: {} }),
      cancelled("TransactionConflict", "None"),
      cancelled("TransactionConflict", "ConditionalCheckFailed"),
    ]
  ) {
    const codes = (conflict as { CancellationReasons?: unknown }).CancellationReasons;
    testOnce(
      `tries again after ${conflict.name} ${JSON.stringify(codes ?? "")}`,
      async ({ client, clock, makeStore }) => {
        const store = makeStore();
        const writes = await writesOf(store, clock);
        for (const [what, write] of Object.entries(writes)) {
          failWith(client, conflict, 2);
          assertEquals(await write(), true, what);
        }
        const key = makeKey();
        await store.create(key, makeRecord(clock));
        failWith(client, conflict, 1);
        await store.delete(key);
        assertEquals(await store.read(key), undefined);
      },
    );
  }

  testOnce(
    "rejects a write that meets transactions again and again",
    async ({ client, clock, makeStore }) => {
      const { touch } = await writesOf(makeStore(), clock);
      const conflict = new TransactionConflictException({ message: "Ongoing", $metadata: {} });
      failWith(client, conflict);
      assertEquals(await assertRejects(touch), conflict);
    },
  );

  test("knows its own writes when their answers are lost", async ({ client, clock, makeStore }) => {
    const store = makeStore();
    const writes = await writesOf(store, clock);
    for (const what of ["create", "update", "touch"] as const) {
      loseAnswer(client);
      assertEquals(await writes[what](), true, what);
    }
    const key = makeKey();
    await store.create(key, makeRecord(clock));
    loseAnswer(client);
    await store.delete(key);
    assertEquals(await store.read(key), undefined);
  });

  test("moves a session in one step where the server has transactions", async ({ client, clock, makeStore }) => {
    const store = makeStore();
    const [first, second] = [await writesOf(store, clock), await writesOf(store, clock)];
    operationsOf(client);
    const steps = server.hasTransactions ? [] : ["DeleteItem", "PutItem"];
    assertEquals(await first.replace(), true);
    assertEquals(operationsOf(client), ["TransactWriteItems", ...steps]);
    assertEquals(await second.replace(), true);
    assertEquals(operationsOf(client), server.hasTransactions ? ["TransactWriteItems"] : steps);
  });

  test("knows its own replacement when the answer is lost", async ({ client, clock, makeStore }) => {
    const store = makeStore();
    await (await writesOf(store, clock)).replace();
    const record = makeRecord(clock);
    const moved = next(record);
    const replace = async (lose: () => void) => {
      const [key, other] = [makeKey(), makeKey()];
      await store.create(key, record);
      lose();
      const isDone = await store.replace(key, { key: other, record: moved }, record);
      assertEquals(await store.read(key), undefined);
      assertEquals(await store.read(other), isDone ? moved : undefined);
      return isDone;
    };
    if (!server.hasTransactions) {
      // The first of two steps leaves nothing to know it by: the session ends rather than being there twice.
      assertEquals(await replace(() => loseAnswer(client)), false);
      const loseSecond = () => {
        client.around = (send) => {
          loseAnswer(client);
          return send();
        };
      };
      assertEquals(await replace(loseSecond), true);
      return;
    }
    assertEquals(await replace(() => loseAnswer(client)), true);
    // The SDK repeats under the same token, by which DynamoDB knows it; after a conflict there is another token.
    const meet = () => failWith(client, cancelled("TransactionConflict", "None"), 1);
    client.requests.length = 0;
    assertEquals(await replace(() => loseAnswer(client, meet)), true);
    const tokens = client.requests.map(({ input }) => input.ClientRequestToken).filter(Boolean);
    assertEquals([tokens.length, new Set(tokens).size], [3, 2]);
  });

  test("counts once when an answer is lost", async ({ client, clock, makeStore }) => {
    const app = new Hono().use(
      session<{ count?: number }>({ store: makeStore(), clock: clock.now }),
    );
    app.get(
      "/",
      async (c) => c.json(await c.var.session.update("count", (count = 0) => count + 1)),
    );
    const browser = new Client(app);
    assertEquals(await browser.json("/"), 1);
    for (const count of [2, 3]) {
      client.around = async (send, { operation }) => {
        const answer = await send();
        if (operation !== "PutItem") return answer;
        client.around = direct;
        throw broken();
      };
      assertEquals(await browser.json("/"), count);
    }
  });

  test("tells a repeated write from that of another", async ({ client, clock, makeStore }) => {
    const store = makeStore();
    const key = makeKey();
    const record = makeRecord(clock);
    await store.create(key, record);
    // The first attempt never arrives; another request is faster than the second.
    client.around = async () => {
      client.around = direct;
      assertEquals(await store.update(key, next(record, { data: '{"theirs":1}' }), record), true);
      throw broken();
    };
    assertEquals(await store.update(key, next(record, { data: '{"mine":1}' }), record), false);
    assertEquals((await store.read(key))?.data, '{"theirs":1}');

    // Ours was done, but another request was there before the second attempt.
    const current = (await store.read(key))!;
    loseAnswer(client, async () => {
      await store.update(key, next(next(current)), next(current));
    });
    assertEquals(await store.update(key, next(current), current), false, "changed");
    const last = (await store.read(key))!;
    loseAnswer(client, async () => await store.delete(key));
    assertEquals(await store.update(key, next(last), last), false, "ended");
    assertEquals(await store.read(key), undefined);
  });

  testOnce("sends nothing when it was called off before", async ({ clock, makeStore }) => {
    const store = makeStore();
    const [key, other] = [makeKey(), makeKey()];
    const record = makeRecord(clock);
    await store.create(key, record);
    const signal = AbortSignal.abort();
    const calls: (() => Promise<unknown>)[] = [
      () => store.read(key, undefined, signal),
      () => store.create(other, record, undefined, signal),
      () => store.update(key, next(record), record, undefined, signal),
      () => store.replace(key, { key: other, record: next(record) }, record, undefined, signal),
      () => store.touch(key, { ...record, lastSeenAt: 0 }, record, undefined, signal),
      () => store.delete(key, undefined, signal),
    ];
    for (const call of calls) assertEquals((await assertRejects(call) as Error).name, "AbortError");
    assertEquals([await store.read(key), await store.read(other)], [record, undefined]);
  });

  testOnce(
    "repeats nothing that was called off meanwhile",
    async ({ client, clock, makeStore }) => {
      const store = makeStore();
      const key = makeKey();
      for (
        const error of [
          broken(),
          new TransactionConflictException({ message: "Ongoing", $metadata: {} }),
        ]
      ) {
        const abort = new AbortController();
        client.around = () => {
          client.around = direct;
          abort.abort();
          return Promise.reject(error);
        };
        const call = () => store.create(key, makeRecord(clock), undefined, abort.signal);
        // Some versions of the SDK tell that it was called off, others why it would have been repeated.
        const told = await assertRejects(call) as Error;
        assert(told === error || told.name === "AbortError", `it is told ${told}`);
        assertEquals(await store.read(key), undefined);
      }
    },
  );

  testOnce("ends a request that is called off while it waits", async ({ clock, makeStore }) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using client = new TestClient(listener.addr.port);
    const abort = new AbortController();
    const store = makeStore({ document: client.document });
    const created = store.create(makeKey(), makeRecord(clock), undefined, abort.signal);
    using connection = await listener.accept();
    await connection.read(new Uint8Array(1000));
    abort.abort();
    assertEquals((await assertRejects(() => created) as Error).name, "AbortError");
    const bytes = new Uint8Array(1000);
    while (await connection.read(bytes).catch(() => null) !== null);
    assertEquals(client.requests.length, 1);
  });

  test("stores records up to its limit", async ({ client, clock, makeStore }) => {
    // The largest keys that DynamoDB takes.
    const store = makeStore({
      tableName: TABLES.sorted.name,
      key: (key) => ({ pk: key.padEnd(2048, "p"), sk: key.padEnd(1024, "s") }),
    });
    const every = makeRecord(clock, {
      flash: '{"notice":"ż"}',
      subject: "żółć",
      subjectAt: clock.now(),
      cookieName: "sid",
      maxAge: 1.5,
      browser: true,
      expiresAt: 8.64e15,
    });
    const filled = (record: SessionRecord, size: number) => {
      const rest = size - sizeOf(Object.entries({ ...record, data: "" }).flat().join(""));
      return { ...record, data: "ż".repeat(rest >> 1).padEnd((rest >> 1) + rest % 2, "z") };
    };
    for (const record of [makeRecord(clock), every]) {
      const key = makeKey();
      const largest = filled(record, MAX_BYTES);
      assertEquals(await store.create(key, largest), true);
      assertEquals(await store.read(key), largest);
      assertEquals(await store.touch(key, largest, largest), true);

      operationsOf(client);
      const tooLarge = filled(record, MAX_BYTES + 1);
      const calls: (() => Promise<unknown>)[] = [
        () => store.create(makeKey(), tooLarge),
        () => store.update(key, tooLarge, largest),
        () => store.replace(key, { key: makeKey(), record: tooLarge }, largest),
      ];
      for (const call of calls) {
        const error = await assertRejects(call, SessionTooLargeError) as SessionTooLargeError;
        assertEquals([error.size, error.limit], [MAX_BYTES + 1, MAX_BYTES]);
      }
      assertEquals(operationsOf(client), [], "nothing was sent");
    }
  });

  test("stores every record whose JSON is not above the limit", async ({ clock, makeStore }) => {
    const record = makeRecord(clock);
    const rest = MAX_BYTES - sizeOf(JSON.stringify({ ...record, data: "" }));
    assertEquals(await makeStore().create(makeKey(), { ...record, data: "x".repeat(rest) }), true);
  });
}

SERVERS.forEach(testWith);

Deno.test("DynamoDbStore leaves nothing open once its client is destroyed", async () => {
  const clock = new FakeClock();
  await using server = await startDynalite();
  using client = new TestClient(server.port);
  const { document } = client;
  const store = new DynamoDbStore({ document, tableName: TABLES.plain.name, clock: clock.now });
  await Promise.all(Array.from({ length: 5 }, () => store.create(makeKey(), makeRecord(clock))));
  assert(await server.connections() > 0);
  client[Symbol.dispose]();
  for (let tries = 0; tries < 100 && await server.connections() > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertEquals(await server.connections(), 0);
});

Deno.test("DynamoDbStore refuses what it can't be made of", () => {
  const { document } = new TestClient(1);
  const tableName = "sessions";
  const misuses: [Record<string, unknown>, string][] = [
    [{ document: undefined }, "document is not valid: a DynamoDBDocument"],
    [{ document: Promise.resolve(document) }, "document is not valid: it is a promise, await it"],
    [
      { document: new TestClient(1).client },
      "document is not valid: it is a client without the methods of a document; write DynamoDBDocument.from(client)",
    ],
    [{ tableName: undefined }, "tableName is not valid: a name is required"],
    [{ tableName: "" }, "tableName is not valid: a name is required"],
    [{ primaryKey: 1 }, "primaryKey is not valid: a string is required"],
    [{ sortKey: "" }, "sortKey is not valid: a name is required"],
    [{ sortKey: null }, "sortKey is not valid: a string is required"],
    [{ expiresAttr: true }, "expiresAttr is not valid: a string is required"],
    [{ key: "session" }, "key is not valid: a synchronous function is required"],
    [{ key: () => undefined }, "key is not valid: it returns no attributes"],
    [
      { key: async () => await { pk: "session" } },
      "key is not valid: a synchronous function is required",
    ],
    [
      { key: () => ({ pk: "a" }) },
      "key is not valid: it returns the same attributes for all sessions",
    ],
    [
      { key: () => ({ pk: "a" }), primaryKey: "pk" },
      "key is not valid: it excludes primaryKey, prefix and sortKey",
    ],
    [
      { key: () => ({ pk: "a" }), sortKey: "sk" },
      "key is not valid: it excludes primaryKey, prefix and sortKey",
    ],
    [{ sortKey: "pk" }, 'sortKey is not valid: the attribute name "pk" is already taken'],
    [
      { expiresAttr: "pk" },
      'expiresAttr is not valid: the attribute name "pk" is already taken',
    ],
    [
      { expiresAttr: "expiresAt" },
      'expiresAttr is not valid: the attribute name "expiresAt" is already taken',
    ],
    [
      { primaryKey: "sid" },
      'primaryKey is not valid: the attribute name "sid" is already taken',
    ],
    [
      { sortKey: "writeId" },
      'sortKey is not valid: the attribute name "writeId" is already taken',
    ],
    [
      { key: () => ({ flash: "a" }) },
      'key is not valid: the attribute name "flash" is already taken',
    ],
    [
      { key: () => ({ expires: 1 }) },
      'expiresAttr is not valid: the attribute name "expires" is already taken',
    ],
  ];
  for (const [misuse, message] of misuses) {
    const options = { document, tableName, ...misuse } as DynamoDbStoreOptions;
    assertThrows(
      () => new DynamoDbStore(options),
      TypeError,
      `Cannot create DynamoDbStore: option ${message}`,
    );
  }
});

/** A document of a server that has no transactions and no items, and what it is asked. */
function makeDocument() {
  const asked: string[] = [];
  const answer = (operation: string) => () => (asked.push(operation), Promise.resolve({}));
  const document: DynamoDbDocumentLike = {
    get: answer("get"),
    put: answer("put"),
    update: answer("update"),
    delete: answer("delete"),
    query: answer("query"),
    batchGet: answer("batchGet"),
    batchWrite: answer("batchWrite"),
    transactWrite() {
      asked.push("transactWrite");
      const name = "UnknownOperationException";
      return Promise.reject(Object.assign(new Error("No transactions"), { name }));
    },
  };
  return { document, asked };
}

/** All that a store does. */
function callsOf(
  document: DynamoDbStoreOptions["document"],
  c?: unknown,
): (() => Promise<unknown>)[] {
  const store = new DynamoDbStore({ document, tableName: "sessions" });
  const record = makeRecord(new FakeClock());
  return [
    () => store.read("key", c),
    () => store.create("key", record, c),
    () => store.update("key", record, record, c),
    () => store.replace("key", { key: "other", record }, record, c),
    () => store.touch("key", record, record, c),
    () => store.delete("key", c),
  ];
}

Deno.test("DynamoDbStore says when document(c) gives no document", async () => {
  const message = "Cannot use DynamoDbStore: document(c)";
  for (const found of [undefined, null, "sessions", {}, new TestClient(1).client]) {
    for (const find of [() => found, () => Promise.resolve(found)]) {
      for (const call of callsOf(find as never)) {
        await assertRejects(call, TypeError, `${message} returned no DynamoDBDocument`);
      }
    }
  }
  const cause = new Error("No credentials");
  for (
    const find of [
      () => {
        throw cause;
      },
      () => Promise.reject(cause),
    ]
  ) {
    for (const call of callsOf(find)) {
      assertEquals((await assertRejects(call, TypeError, `${message} failed`)).cause, cause);
    }
  }
  for (const document of [(c: Context) => c.env.DOCUMENT, DynamoDBDocument as never]) {
    await assertRejects(callsOf(document)[0]!, TypeError, `${message} failed`);
  }
});

Deno.test("DynamoDbStore finds its document once for each operation, and knows servers by their documents", async () => {
  let count = 0;
  const store = new DynamoDbStore({
    document: (c) => (count++, c.document),
    tableName: "sessions",
  });
  const record = makeRecord(new FakeClock());
  for (const c of [makeDocument(), makeDocument()]) {
    const replace = () => store.replace("key", { key: "other", record }, record, c);
    assertEquals(await replace(), true);
    assertEquals(c.asked.splice(0), ["transactWrite", "delete", "put"]);
    assertEquals(await replace(), true);
    assertEquals(c.asked.splice(0), ["delete", "put"]);
  }
  assertEquals(count, 4);
  count = 0;
  for (const call of callsOf((c) => (count++, c.document), makeDocument())) await call();
  assertEquals(count, 6);
  const { asked, ...later } = makeDocument();
  for (const call of callsOf(async (c) => await c.document, later)) await call();
  assertEquals(asked.length, 8);
});

Deno.test("DynamoDbStore asks at once over a document that need not be found", async () => {
  const { document, asked } = makeDocument();
  const expected = ["get", "put", "put", "transactWrite", "update", "delete"];
  for (const [index, call] of callsOf(document).entries()) {
    const pending = call();
    assertEquals(asked.splice(0), [expected[index]]);
    await pending;
    asked.length = 0;
  }
});

Deno.test("DynamoDbStore holds no document that it was given for a request", async () => {
  const documents: WeakRef<DynamoDbDocumentLike>[] = [];
  const calls = callsOf(() => {
    const { document } = makeDocument();
    documents.push(new WeakRef(document));
    return document;
  });
  for (const call of calls) await call();
  await collectGarbage();
  assertEquals(documents.map((document) => document.deref()), Array(6).fill(undefined));
});

/** Collects what nothing holds any more. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  // What a WeakRef gave stays until the task ends.
  await new Promise((resolve) => setTimeout(resolve));
  runInNewContext("gc")();
}
