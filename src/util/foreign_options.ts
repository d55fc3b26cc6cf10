/** Options that belong to a store. */
const OPTIONS_OF: Readonly<Record<string, string>> = {
  CloudflareKvStore: "namespace",
  D1Store: "database",
  DenoKvStore: "kv path",
  DurableObjectStore: "shards",
  DynamoDbStore: "attributePrefix document expiresAttr primaryKey sortKey tableName",
  EncryptedCookieStore: "chunks keys memo revocations",
  MapStore: "maxEntries",
  PostgresStore: "sql table",
  RedisStore: "client prefix",
  SqliteStore: "db",
  UnsignedCookieStore: "parse",
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

/** Options of other libraries that are not needed here, and the reason. */
const NEEDLESS = prefixed("leave it out,", {
  generateId: "every session has a random token",
  hash: "changes are found by comparison",
  serializationOptions: "and check data with the option schema of session()",
  stringify: "data are JSON",
  validateId: "a token that is unknown is rejected",
});

const OF_STORES = Object.entries(OPTIONS_OF).flatMap(([store, names]) =>
  names.split(" ").map((name) => [name, `pass it to the store, as in new ${store}({ ${name} })`])
);

/** Names that are not options of `session()`, and what to do instead. */
export const INSTEAD: Readonly<Record<string, string>> = {
  ...Object.fromEntries(OF_STORES),
  ...NEEDLESS,
  ...prefixed("use", {
    ...RENAMED,
    adapter: "store: new DynamoDbStore({ … })",
    getClient: "store: new RedisStore({ client })",
    getSessionId: "token for clients that keep no cookies",
    getStore: "store: new CloudflareKvStore({ namespace })",
    setSessionId: "token for clients that keep no cookies",
  }),
};

/** Options of `session()` that are passed to stores by mistake. */
const OF_MIDDLEWARE =
  "absoluteMaxAge cookieName cookieOptions encoder initial maxAge rolling rotate schema secret " +
  "storeTimeout token";

/** Names that are not options of any store, and what to do instead. */
export const INSTEAD_OF_STORES: Readonly<Record<string, string>> = {
  ...NEEDLESS,
  ...prefixed("pass session()", { ...RENAMED, parse: "a schema" }),
  ...Object.fromEntries(OF_MIDDLEWARE.split(" ").map((name) => [name, "pass it to session()"])),
};

function prefixed(
  prefix: string,
  texts: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, `${prefix} ${text}`]),
  );
}
