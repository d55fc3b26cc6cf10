import { CloudflareKvStore, type KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
import {
  type CookieFormat,
  CookieStore,
  EncryptedCookieStore,
  SealedCookieStore,
  SignedCookieStore,
  UnsignedCookieStore,
} from "@x/hono-session/stores/cookie";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { D1Store } from "@x/hono-session/stores/d1";
import {
  type DurableObjectNamespaceLike,
  DurableObjectStore,
} from "@x/hono-session/stores/durable-objects";
import { type DynamoDbDocumentLike, DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { MapStore } from "@x/hono-session/stores/map";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument, DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { createClient } from "redis";
import { createClient as createClient4 } from "redis-4";
import { createClient as createClient5 } from "redis-5";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { hasName, type ValueName, VALUES } from "../_support/misuse.ts";
import { makeRecord } from "../_support/record.ts";

type Options = Record<string, unknown>;

/** What an option of a store accepts of the values of every kind, and what it refuses beside the others. */
interface Case {
  accepts: ValueName[];
  refuses?: unknown[];
  /** The options that exclude it, without which it is given. */
  without?: string[];
}

/** A store, the least options that it can be made with, and the cases of all. */
interface StoreCase {
  make(options: never): unknown;
  /** What its messages call it. */
  name?: string;
  least: Options;
  options: Record<string, Case>;
}

const TEXT: ValueName[] = ["a text", "a number as text"];
const ANY_TEXT: ValueName[] = [...TEXT, "an empty text"];
const ANY_FUNCTION: ValueName[] = ["a function", "an async function"];

const answer = () => Promise.reject(new Error("no server"));
const client: RedisClientLike = { sendCommand: answer };
const document: DynamoDbDocumentLike = {
  get: answer,
  put: answer,
  update: answer,
  delete: answer,
  query: answer,
  batchGet: answer,
  batchWrite: answer,
  transactWrite: answer,
};
const sql = { unsafe: answer };
const db = { execute: answer, batch: answer };
const statement = { bind: () => statement, all: answer };
const database = { prepare: () => statement, batch: answer };
const namespace: KvNamespaceLike = { get: answer, put: answer, delete: answer };
const objects: DurableObjectNamespaceLike = { idFromName() {}, get: () => ({ fetch: answer }) };
const kv = { get: answer, getMany: answer, list() {}, atomic() {}, close() {} };
const format: CookieFormat = { keys: () => ({}), seal: () => "", open: () => undefined };
const signingKey = await SignedCookieStore.generateKey();
const encryptingKey = await EncryptedCookieStore.generateKey();

const CLOCK: Record<string, Case> = { clock: { accepts: ["a function"] } };
const COOKIE: Record<string, Case> = {
  ...CLOCK,
  chunks: { accepts: ["1"], refuses: [5, 1.5] },
  memo: { accepts: ["0", "1"], refuses: [1.5] },
  revocations: { accepts: [], refuses: [new Map(), new CookieStore(format), MapStore] },
};
const TABLE: Record<string, Case> = {
  table: {
    accepts: ["a text"],
    refuses: ["a b", 'a"', "1a", "a.b.c", ".a", "ż", "a".repeat(51), "a_subjects", "a;b"],
  },
};
const SECRETS: Record<string, Case> = {
  secret: { accepts: ["a function"], refuses: ["x".repeat(31), [SECRET, "short"], [SECRET, null]] },
};

const STORES: Record<string, StoreCase> = {
  MapStore: {
    make: (options) => new MapStore(options),
    least: {},
    options: { ...CLOCK, maxEntries: { accepts: ["1", "Infinity"] } },
  },
  DenoKvStore: {
    make: (options) => new DenoKvStore(options),
    least: {},
    options: {
      ...CLOCK,
      // What a promise gives is seen when it is there.
      kv: { accepts: ["a promise"], refuses: [Deno.openKv, new Map(), client, { ...kv, list: 1 }] },
      path: { accepts: TEXT },
      prefix: {
        accepts: ["an array", "an array of text"],
        refuses: [[undefined], [null], [{}], [[]], [NaN]],
      },
    },
  },
  RedisStore: {
    make: (options) => new RedisStore(options),
    least: { client },
    options: {
      ...CLOCK,
      client: { accepts: ANY_FUNCTION, refuses: ["redis://localhost", new Map(), document] },
      prefix: { accepts: ANY_TEXT },
    },
  },
  DynamoDbStore: {
    make: (options) => new DynamoDbStore(options),
    least: { document, tableName: "sessions" },
    options: {
      ...CLOCK,
      document: { accepts: ANY_FUNCTION, refuses: [new Map(), client, { ...document, query: 1 }] },
      tableName: { accepts: TEXT },
      primaryKey: { accepts: TEXT },
      sortKey: { accepts: TEXT },
      expiresAttr: { accepts: TEXT },
      attributePrefix: { accepts: ANY_TEXT, refuses: ["x".repeat(51)] },
      key: { accepts: [], refuses: [() => ({ pk: "always" })] },
    },
  },
  PostgresStore: {
    make: (options) => new PostgresStore(options),
    least: { sql },
    options: {
      ...CLOCK,
      sql: { accepts: ANY_FUNCTION, refuses: ["postgres://localhost", new Map(), client, db] },
      ...TABLE,
    },
  },
  SqliteStore: {
    make: (options) => new SqliteStore(options),
    least: { db },
    options: {
      ...CLOCK,
      db: { accepts: ANY_FUNCTION, refuses: ["./sessions.db", new Map(), sql, database] },
      ...TABLE,
    },
  },
  D1Store: {
    make: (options) => new D1Store(options),
    least: { database },
    options: {
      ...CLOCK,
      database: { accepts: ANY_FUNCTION, refuses: ["DB", new Map(), sql, db, namespace] },
      ...TABLE,
    },
  },
  CloudflareKvStore: {
    make: (options) => new CloudflareKvStore(options),
    least: { namespace },
    options: {
      ...CLOCK,
      namespace: { accepts: ANY_FUNCTION, refuses: ["SESSION", new Map(), client] },
      prefix: { accepts: ANY_TEXT, refuses: ["x".repeat(470)] },
    },
  },
  DurableObjectStore: {
    make: (options) => new DurableObjectStore(options),
    least: { namespace: objects },
    options: {
      ...CLOCK,
      namespace: { accepts: ANY_FUNCTION, refuses: ["SESSIONS", new Map(), client, namespace] },
      prefix: { accepts: ANY_TEXT, refuses: ["x".repeat(1001)] },
      shards: { accepts: ["1"], refuses: [1.5, 10_001] },
    },
  },
  SealedCookieStore: {
    make: (options) => new SealedCookieStore(options),
    least: { secret: SECRET },
    options: {
      ...COOKIE,
      ...SECRETS,
      encoder: { accepts: [], refuses: [{ encode() {} }, { encode: "x", decode: "x" }] },
    },
  },
  EncryptedCookieStore: {
    make: (options) => new EncryptedCookieStore(options),
    least: { secret: SECRET },
    options: {
      ...COOKIE,
      ...SECRETS,
      keys: { accepts: [], refuses: [encryptingKey, [signingKey], [SECRET]], without: ["secret"] },
    },
  },
  SignedCookieStore: {
    make: (options) => new SignedCookieStore(options),
    least: { secret: SECRET },
    options: {
      ...COOKIE,
      ...SECRETS,
      keys: { accepts: [], refuses: [signingKey, [encryptingKey], [SECRET]], without: ["secret"] },
    },
  },
  UnsignedCookieStore: {
    make: (options) => new UnsignedCookieStore(options),
    least: { parse: JSON.parse },
    options: { ...COOKIE, parse: { accepts: ["a function"] } },
  },
  CookieStore: {
    make: (options) => new CookieStore(format, options),
    name: "cookie store",
    least: {},
    options: COOKIE,
  },
};

/** What is wrong with how options are refused; nothing when a message names the option. */
function complaint({ make }: StoreCase, options: Options, name: string): string | undefined {
  try {
    make(options as never);
    return "accepted";
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) return String(error);
    const isNamed = error.message.startsWith("Cannot create ") && hasName(error.message, name);
    return isNamed ? undefined : error.message;
  }
}

for (const [name, store] of Object.entries(STORES)) {
  for (const [option, { accepts, refuses = [], without = [] }] of Object.entries(store.options)) {
    Deno.test(`${name} refuses misuse of ${option} when it is created`, () => {
      const given = (value: unknown): Options => {
        const options: Options = { ...store.least, [option]: value };
        for (const excluded of without) delete options[excluded];
        return options;
      };
      const misuse = [...refuses];
      for (const [text, value] of Object.entries(VALUES)) {
        if (accepts.includes(text)) store.make(given(value) as never);
        else misuse.push(value);
      }
      const complaints = misuse.map((value) =>
        [value, complaint(store, given(value), option)] as const
      )
        .filter(([, found]) => found !== undefined)
        .map(([value, found]) => `${Deno.inspect(value)}: ${found}`);
      assertEquals(complaints, []);
    });
  }

  Deno.test(`${name} accepts no options that it doesn't have`, () => {
    const names = Object.keys(store.options);
    store.make(
      {
        ...store.least,
        ...Object.fromEntries(names.map((each) => [each, undefined])),
        ...store.least,
      } as never,
    );
    for (const unknown of ["unknown", "Clock", "toString", ...names.map((each) => `${each}s`)]) {
      const options = { ...store.least, [unknown]: undefined };
      assertEquals(complaint(store, options, unknown), undefined, unknown);
    }
    for (const slip of [`${names[0]!}s`, names[0]!.toUpperCase(), names.at(-1)!.slice(0, -1)]) {
      const { message } = assertThrows(
        () => store.make({ ...store.least, [slip]: 1 } as never),
        TypeError,
      );
      assertStringIncludes(message, `there is no option ${slip}; do you mean `);
    }
  });

  Deno.test(`${name} accepts no options that are not an object`, () => {
    for (
      const options of [
        null,
        1,
        "some",
        [],
        [signingKey],
        signingKey,
        new Map(),
        () => ({}),
        Promise.resolve({}),
      ]
    ) {
      const { message } = assertThrows(() => store.make(options as never), TypeError);
      assertStringIncludes(message, `Cannot create ${store.name ?? name}: `);
      assertEquals(/options|write \{/.test(message), true, message);
    }
  });
}

const AWS_CLIENT = new DynamoDBClient({ region: "eu-central-1" });
const legacyClient5 = createClient5().legacy();
const legacyClient6 = createClient().legacy();

/** What is met by those who come from elsewhere, and the way out that they are told. */
const WAYS_OUT: [store: string, make: () => unknown, wayOut: string][] = [
  // What belongs into an option, given in place of the options.
  ["RedisStore", () => new RedisStore(client as never), "write { client }"],
  ["RedisStore", () => new RedisStore(createClient() as never), "write { client }"],
  ["DenoKvStore", () => new DenoKvStore(kv as never), "write { kv }"],
  ["DenoKvStore", () => new DenoKvStore(Promise.resolve(kv) as never), "write { kv }"],
  ["DenoKvStore", () => new DenoKvStore("./sessions.kv" as never), "write { path }"],
  ["DynamoDbStore", () => new DynamoDbStore(document as never), "write { document, tableName }"],
  ["CloudflareKvStore", () => new CloudflareKvStore(namespace as never), "write { namespace }"],
  ["PostgresStore", () => new PostgresStore(sql as never), "write { sql }"],
  ["SqliteStore", () => new SqliteStore(db as never), "write { db }"],
  ["D1Store", () => new D1Store(database as never), "write { database }"],
  ["SignedCookieStore", () => new SignedCookieStore([signingKey] as never), "write { keys }"],
  [
    "EncryptedCookieStore",
    () => new EncryptedCookieStore([encryptingKey] as never),
    "write { keys }",
  ],
  [
    "EncryptedCookieStore",
    () => new EncryptedCookieStore(encryptingKey as never),
    "write { keys: [key] }",
  ],
  ["SignedCookieStore", () => new SignedCookieStore([SECRET] as never), "write { secret }"],
  ["SealedCookieStore", () => new SealedCookieStore(SECRET as never), "write { secret }"],
  ["UnsignedCookieStore", () => new UnsignedCookieStore(JSON.parse as never), "write { parse }"],
  // Names of other libraries.
  [
    "RedisStore",
    () => new RedisStore({ getClient: () => client } as never),
    "use client: (c) => …",
  ],
  ["RedisStore", () => new RedisStore({ client, ttl: 60 } as never), "maxAge, in seconds"],
  [
    "CloudflareKvStore",
    () => new CloudflareKvStore({ getStore: () => namespace } as never),
    "use namespace: (c) => c.env.SESSION",
  ],
  [
    "DynamoDbStore",
    () => new DynamoDbStore({ client: AWS_CLIENT, tableName: "sessions" } as never),
    "use document: DynamoDBDocument.from(client)",
  ],
  [
    "SignedCookieStore",
    () => new SignedCookieStore({ keys: [signingKey], parse: JSON.parse } as never),
    "pass session() a schema",
  ],
  [
    "UnsignedCookieStore",
    () => new UnsignedCookieStore({ secret: SECRET } as never),
    "use SignedCookieStore",
  ],
  [
    "SignedCookieStore",
    () => new SignedCookieStore({ encoder: {} } as never),
    "use SealedCookieStore",
  ],
  ["SealedCookieStore", () => new SealedCookieStore({ keys: [signingKey] } as never), "use secret"],
  ["MapStore", () => new MapStore({ maxAge: 60 } as never), "pass it to session()"],
  ["MapStore", () => new MapStore({ generateId: () => "" } as never), "leave it out"],
  ["DenoKvStore", () => new DenoKvStore({ cookieName: "id" } as never), "pass it to session()"],
  ["PostgresStore", () => new PostgresStore({ sql, prefix: "a" } as never), "use table"],
  ["PostgresStore", () => new PostgresStore({ pool: sql } as never), "use sql"],
  ["PostgresStore", () => new PostgresStore({ sql, listen: null } as never), "option listen"],
  ["PostgresStore", () => new PostgresStore({ sql, listen: "" } as never), "option listen"],
  ["SqliteStore", () => new SqliteStore({ client: db } as never), "use db"],
  ["D1Store", () => new D1Store({ db: database } as never), "use database: (c) => c.env.DB"],
  // Values of another shape.
  ["DenoKvStore", () => new DenoKvStore({ prefix: "app" as never }), 'as in ["app"]'],
  ["DenoKvStore", () => new DenoKvStore({ kv: "./sessions.kv" as never }), "use the option path"],
  ["DenoKvStore", () => new DenoKvStore({ kv: Deno.openKv as never }), "call it"],
  [
    "CloudflareKvStore",
    () => new CloudflareKvStore({ namespace: "SESSION" as never }),
    "(c) => c.env.SESSION",
  ],
  ["PostgresStore", () => new PostgresStore({ sql: "postgres://x" as never }), "postgres(url)"],
  ["SqliteStore", () => new SqliteStore({ db: "./a.db" as never }), "new DatabaseSync(path)"],
  ["D1Store", () => new D1Store({ database: "DB" as never }), "(c) => c.env.DB"],
  // Clients of another kind.
  [
    "PostgresStore",
    () => new PostgresStore({ sql: { queryArray() {}, queryObject() {} } as never }),
    "npm:postgres or npm:pg",
  ],
  [
    "PostgresStore",
    () => new PostgresStore({ sql: { select() {}, insert() {}, execute() {} } as never }),
    "db.$client",
  ],
  ["PostgresStore", () => new PostgresStore({ sql: { $queryRaw() {} } as never }), "Prisma"],
  ["PostgresStore", () => new PostgresStore({ sql: { selectFrom() {} } as never }), "its Pool"],
  ["PostgresStore", () => new PostgresStore({ sql: Promise.resolve(sql) as never }), "await it"],
  ["SqliteStore", () => new SqliteStore({ db: database as never }), "use D1Store"],
  [
    "SqliteStore",
    () => new SqliteStore({ db: { prepare() {}, all() {}, each() {} } as never }),
    "use node:sqlite",
  ],
  ["SqliteStore", () => new SqliteStore({ db: { select() {}, insert() {} } as never }), "$client"],
  ["D1Store", () => new D1Store({ database: db as never }), "use SqliteStore"],
  ["D1Store", () => new D1Store({ database: namespace as never }), "use CloudflareKvStore"],
  [
    "D1Store",
    // As withSession() makes it.
    () => new D1Store({ database: { prepare() {}, batch() {}, getBookmark() {} } as never }),
    "pass the binding itself",
  ],
  ["RedisStore", () => new RedisStore({ client: Promise.resolve(client) as never }), "await it"],
  [
    "RedisStore",
    // As redis 3 makes it: its methods take callbacks.
    () => new RedisStore({ client: { sendCommand() {}, internal_send_command() {} } as never }),
    "use redis 4 or a later version",
  ],
  ["RedisStore", () => new RedisStore({ client: legacyClient5 as never }), "legacy mode"],
  ["RedisStore", () => new RedisStore({ client: legacyClient6 as never }), "legacy mode"],
  [
    "RedisStore",
    () => new RedisStore({ client: createClient4({ legacyMode: true }) as never }),
    "legacy mode",
  ],
  [
    "DynamoDbStore",
    () => new DynamoDbStore({ document: AWS_CLIENT as never, tableName: "sessions" }),
    "write DynamoDBDocument.from(client)",
  ],
  [
    "DynamoDbStore",
    () =>
      new DynamoDbStore({
        document: DynamoDBDocumentClient.from(AWS_CLIENT) as never,
        tableName: "sessions",
      }),
    "write DynamoDBDocument.from(client)",
  ],
  [
    "DynamoDbStore",
    // As aws-sdk 2 makes it: its methods take callbacks, or give a request with a method promise().
    () =>
      new DynamoDbStore({
        document: { ...document, createSet() {} } as never,
        tableName: "sessions",
      }),
    "write DynamoDBDocument.from(client)",
  ],
  [
    "CloudflareKvStore",
    () =>
      new CloudflareKvStore({ namespace: { ...namespace, createMultipartUpload() {} } as never }),
    "R2 bucket",
  ],
  [
    "CloudflareKvStore",
    () => new CloudflareKvStore({ namespace: { ...namespace, ...objects } as never }),
    "use new DurableObjectStore({ namespace })",
  ],
  [
    "DurableObjectStore",
    () => new DurableObjectStore({ namespace: "SESSIONS" as never }),
    "(c) => c.env.SESSIONS",
  ],
  [
    "DurableObjectStore",
    () => new DurableObjectStore({ namespace: { ...namespace, getWithMetadata() {} } as never }),
    "use new CloudflareKvStore({ namespace })",
  ],
  ["DurableObjectStore", () => new DurableObjectStore(objects as never), "write { namespace }"],
];

Deno.test("stores tell the way out of what is written for something else", () => {
  for (const [store, make, wayOut] of WAYS_OUT) {
    const { message } = assertThrows(make, TypeError, `Cannot create ${store}: `);
    assertStringIncludes(message, wayOut);
    assertEquals(message.includes(SECRET), false);
  }
  AWS_CLIENT.destroy();
});

Deno.test("DynamoDbStore is created with a client that it knows", () => {
  const made = new DynamoDBClient({ region: "eu-central-1" });
  new DynamoDbStore({ document: DynamoDBDocument.from(made), tableName: "sessions" });
  made.destroy();
});

Deno.test("RedisStore doesn't take a client with callbacks for one that found nothing", async () => {
  const store = new RedisStore({ client: { sendCommand: () => undefined } as never });
  await assertRejects(() => store.read("key"), TypeError, "it is in legacy mode");
  const found = new RedisStore({ client: () => legacyClient6 as never });
  await assertRejects(() => found.read("key"), TypeError, "legacy mode");
});

Deno.test("DenoKvStore says that its database is closed, whatever it is asked", async () => {
  const closed = await Deno.openKv(":memory:");
  const store = new DenoKvStore({ kv: closed });
  await store.read("key");
  const clock = new FakeClock();
  const record = makeRecord(clock, { subject: "user:42", subjectAt: clock.now() });
  closed.close();
  const operations: (() => unknown)[] = [
    () => store.read("key"),
    () => store.create("key", record),
    () => store.update("key", record, record),
    () => store.replace("key", { key: "other", record }, record),
    () => store.touch("key", record, record),
    () => store.delete("key"),
    () => Array.fromAsync(store.list("user:42")),
    () => store.deleteAll("user:42", {}),
  ];
  for (const operation of operations) {
    await assertRejects(
      async () => await operation(),
      Error,
      "Cannot use DenoKvStore: its database is closed, keep it open while the app runs",
    );
  }
});

Deno.test("DenoKvStore says that a promise gave no database", async () => {
  for (const found of [undefined, new Map(), kv.get]) {
    const store = new DenoKvStore({ kv: Promise.resolve(found) as never });
    await assertRejects(
      async () => await store.read("key"),
      TypeError,
      "the promise of option kv resolved to no database",
    );
  }
});

Deno.test("functions that give a promise where a value is needed are named, also when they are not declared so", async () => {
  const later = <Value>(value: Value) => () => Promise.resolve(value) as never;
  const clock = new FakeClock();
  const record = makeRecord(clock);
  const stores = {
    secret: [SealedCookieStore, EncryptedCookieStore, SignedCookieStore].map((make) =>
      new make({ secret: later(SECRET) })
    ),
  };
  for (const store of stores.secret) {
    await assertRejects(
      async () => await store.create("", record),
      TypeError,
      "secret returned a promise",
    );
  }
  const written = new UnsignedCookieStore({ parse: JSON.parse, clock: clock.now });
  const token = await written.create("", record);
  const store = new UnsignedCookieStore({ parse: later({}), clock: clock.now });
  assertThrows(() => void store.read(token), TypeError, "parse returned a promise");
});

Deno.test("CookieStore refuses what is no format", () => {
  for (const each of [undefined, {}, { secret: SECRET }, { ...format, open: 1 }]) {
    assertThrows(
      () => new CookieStore(each as never),
      TypeError,
      "Cannot create cookie store: a format",
    );
  }
});

Deno.test("stores that find their client in the Hono context say that there is none", async () => {
  // deno-lint-ignore no-explicit-any -- As in an application.
  const find = (c: any) => c.env.CLIENT;
  const stores = [
    new CloudflareKvStore({ namespace: find }),
    new D1Store({ database: find }),
    new DurableObjectStore({ namespace: find }),
    new DynamoDbStore({ document: find, tableName: "sessions" }),
    new PostgresStore({ sql: find }),
    new RedisStore({ client: find }),
    new SqliteStore({ db: find }),
  ];
  for (const store of stores) {
    const { message } = await assertRejects(async () => await store.read("key"), TypeError);
    assertStringIncludes(message, "without a Hono context; pass { c } to the methods of sessions");
    const failed = await assertRejects(async () => await store.read("key", {}), TypeError);
    assertEquals(failed.message.includes("{ c }"), false);
  }
});
