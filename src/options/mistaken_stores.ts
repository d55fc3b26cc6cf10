import { hasMethods, insteadOf, type Mistakes } from "../util/option_errors.ts";

const STORE = "one of this package or { get, set, delete }";
const DYNAMODB = "new DynamoDbStore({ document, tableName })";

/** Clients, and stores of other libraries: their methods, what they are, and what to use instead, also by their class. */
const FOREIGN: readonly (readonly [
  methods: string,
  kind: string,
  instead: string,
  byClass?: Readonly<Record<string, string>>,
])[] = [
  ["load save destroy", "store of @hattip/session", STORE, {
    EncryptedCookieStore: "new EncryptedCookieStore({ keys })",
    KvSessionStore: "new CloudflareKvStore({ namespace })",
    RedisSessionStore: "new RedisStore({ client })",
    SignedCookieStore: "new SignedCookieStore({ keys })",
    SimpleCookieStore: "new UnsignedCookieStore({ parse })",
    UnsafeMemorySessionStore: "new MapStore()",
  }],
  ["getSessionById persistSessionData", "store of hono-sessions", STORE, {
    MemoryStore: "new MapStore()",
  }],
  ["get set delete defaultKeyFn", "store of @brightcove/hono-sessions", STORE, {
    DynamoDBAdapter: DYNAMODB,
  }],
  ["atomic getMany", "Deno KV database", "new DenoKvStore({ kv })"],
  ["batchGet put", "DynamoDBDocument", DYNAMODB],
  ["prepare batch", "D1 database", "new D1Store({ database })"],
  ["prepare exec", "SQLite database", "new SqliteStore({ db })"],
  ["query connect", "client of Postgres", "new PostgresStore({ sql })"],
  ["get set del expire", "Redis client", "new RedisStore({ client })"],
  ["get set destroy", "store of express-session", STORE],
  ["idFromName get", "Durable Object namespace", "new DurableObjectStore({ namespace })"],
  ["get put delete", "KV namespace", "new CloudflareKvStore({ namespace })"],
];

const MISTAKES: Mistakes = [
  [(value) => typeof value === "function", "it is not an object; pass one, such as new MapStore()"],
  [
    expectsMore,
    "its methods have more parameters than get(key, c), set(key, record, c) and delete(key, c)",
  ],
];

/** Returns what to do instead, if the option `store` is a common mistake. */
export function insteadOfStore(value: unknown): string | undefined {
  const [, kind, instead, byClass = {}] =
    FOREIGN.find(([methods]) => hasMethods(value, ...methods.split(" "))) ?? [];
  return kind === undefined
    ? insteadOf(value, MISTAKES)
    : `it is a ${kind}, use ${byClass[Object(value).constructor?.name] ?? instead}`;
}

/** Checks whether methods have parameters that are never passed. */
function expectsMore(value: unknown): boolean {
  if (!hasMethods(value, "get", "set", "delete")) return false;
  const { get, set, delete: remove } = value as Record<string, (...args: never[]) => unknown>;
  return get!.length > 2 || set!.length > 3 || remove!.length > 3;
}
