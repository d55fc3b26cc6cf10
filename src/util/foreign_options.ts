/** Options that belong to a store. */
const STORE_OF: Readonly<Record<string, string>> = {
  attributePrefix: "DynamoDbStore",
  chunks: "EncryptedCookieStore",
  client: "RedisStore",
  database: "D1Store",
  db: "SqliteStore",
  document: "DynamoDbStore",
  expiresAttr: "DynamoDbStore",
  getClient: "RedisStore",
  getStore: "CloudflareKvStore",
  keys: "EncryptedCookieStore",
  kv: "DenoKvStore",
  maxEntries: "MapStore",
  memo: "EncryptedCookieStore",
  namespace: "CloudflareKvStore",
  parse: "UnsignedCookieStore",
  path: "DenoKvStore",
  prefix: "RedisStore",
  primaryKey: "DynamoDbStore",
  revocations: "EncryptedCookieStore",
  shards: "DurableObjectStore",
  sortKey: "DynamoDbStore",
  sql: "PostgresStore",
  table: "PostgresStore",
  tableName: "DynamoDbStore",
};

/** Option names of other libraries, and the equivalent here. */
const RENAMED: Readonly<Record<string, string>> = {
  autoExtendExpiration: "rolling: true",
  cookie: "cookieName, maxAge and cookieOptions",
  defaultSessionData: "initial",
  encryptionKey: "secret",
  expireAfterSeconds: "maxAge",
  name: "cookieName",
  renew: "rolling: true",
  regenerate: "rotate: { every: 0, grace: 0 }",
  sessionCookieName: "cookieName",
  ttl: "maxAge, in seconds",
};

/** Options of other libraries that are not needed here. */
const NEEDLESS: Readonly<Record<string, string>> = {
  generateId: "leave it out, every session has a random token",
  hash: "leave it out, changes are found by comparison",
  serializationOptions: "leave it out, and check data with the option schema of session()",
  stringify: "leave it out, data are JSON",
  validateId: "leave it out, a token that is unknown is rejected",
};

/** Names that are not options of `session()`, and what to do instead. */
export const INSTEAD: Readonly<Record<string, string>> = {
  ...mapped(STORE_OF, (store, name) => `give it to the store, as in new ${store}({ ${name} })`),
  ...mapped(RENAMED, (name) => `use ${name}`),
  ...NEEDLESS,
  adapter: "use store: new DynamoDbStore({ … })",
  getClient: "use store: new RedisStore({ client })",
  getSessionId: "use token for clients that keep no cookies",
  getStore: "use store: new CloudflareKvStore({ namespace })",
  setSessionId: "use token for clients that keep no cookies",
};

/** Options of `session()` that are passed to stores by mistake. */
const OF_MIDDLEWARE =
  "absoluteMaxAge cookieName cookieOptions encoder initial maxAge rolling rotate schema secret " +
  "storeTimeout token";

/** Names that are not options of any store, and what to do instead. */
export const INSTEAD_OF_STORES: Readonly<Record<string, string>> = {
  ...mapped(RENAMED, (name) => `give session() ${name}`),
  ...NEEDLESS,
  ...Object.fromEntries(OF_MIDDLEWARE.split(" ").map((name) => [name, "give it to session()"])),
  parse: "give session() a schema",
};

function mapped(
  names: Readonly<Record<string, string>>,
  toText: (value: string, name: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(names).map(([name, value]) => [name, toText(value, name)]),
  );
}
