import { isPromiseLike } from "../util/awaitable.ts";
import { hasMethods, type Mistakes } from "../util/option_errors.ts";

/** Common mistakes in the option `store`, and what to do instead. */
export const MISTAKEN_STORES: Mistakes = [
  [isPromiseLike, "it is a promise, await it"],
  [(value) => typeof value === "function", "it is not an object, as new MapStore() makes one"],
  ...successors("@hattip/session", ["load", "save", "destroy"], {
    EncryptedCookieStore: "EncryptedCookieStore({ keys })",
    KvSessionStore: "CloudflareKvStore({ namespace })",
    RedisSessionStore: "RedisStore({ client })",
    SignedCookieStore: "SignedCookieStore({ keys })",
    SimpleCookieStore: "UnsignedCookieStore({ parse })",
    UnsafeMemorySessionStore: "MapStore()",
  }),
  ...successors("hono-sessions", ["getSessionById", "persistSessionData"], {
    MemoryStore: "MapStore()",
  }),
  ...successors("@brightcove/hono-sessions", ["get", "set", "delete", "defaultKeyFn"], {
    DynamoDBAdapter: "DynamoDbStore({ document, tableName })",
  }),
  [has("atomic", "getMany"), "it is a Deno KV database, use new DenoKvStore({ kv })"],
  [
    has("batchGet", "put"),
    "it is a DynamoDBDocument, use new DynamoDbStore({ document, tableName })",
  ],
  [has("prepare", "batch"), "it is a D1 database, use new D1Store({ database })"],
  [has("prepare", "exec"), "it is a SQLite database, use new SqliteStore({ db })"],
  [has("query", "connect"), "it is a client of Postgres, use new PostgresStore({ sql })"],
  [has("get", "set", "del", "expire"), "it is a Redis client, use new RedisStore({ client })"],
  ...successors("express-session", ["get", "set", "destroy"], {}),
  [
    has("idFromName", "get"),
    "it is a Durable Object namespace, use new DurableObjectStore({ namespace })",
  ],
  [has("get", "put", "delete"), "it is a KV namespace, use new CloudflareKvStore({ namespace })"],
  [
    expectsMore,
    "its methods have more parameters than get(key, c), set(key, record, c) and delete(key, c)",
  ],
];

/** The stores of another library, which are recognized by their methods, and their replacements. */
function successors(
  library: string,
  methods: readonly string[],
  stores: Readonly<Record<string, string>>,
): Mistakes {
  const isForeign = has(...methods);
  return [
    ...Object.entries(stores).map(([name, store]) =>
      [
        (value: unknown) => isForeign(value) && (value as object).constructor?.name === name,
        `it is a store of ${library}, use new ${store}`,
      ] as const
    ),
    [isForeign, `it is a store of ${library}, use one of this package or { get, set, delete }`],
  ];
}

function has(...methods: string[]): (value: unknown) => boolean {
  return (value) => hasMethods(value, ...methods);
}

/** Checks whether methods have parameters that are never passed. */
function expectsMore(value: unknown): boolean {
  if (!hasMethods(value, "get", "set", "delete")) return false;
  const { get, set, delete: remove } = value as Record<string, (...args: never[]) => unknown>;
  return get!.length > 2 || set!.length > 3 || remove!.length > 3;
}
