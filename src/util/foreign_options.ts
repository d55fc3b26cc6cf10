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

/** Options of other libraries that are not needed here. */
const NEEDLESS: Readonly<Record<string, string>> = {
  generateId: "leave it out, every session has a random token",
  hash: "leave it out, changes are found by comparison",
  serializationOptions: "leave it out, and check data with the option schema of session()",
  stringify: "leave it out, data are JSON",
  validateId: "leave it out, a token that is unknown is rejected",
};

const OF_STORES = Object.entries(OPTIONS_OF).flatMap(([store, names]) =>
  names.split(" ").map((name) => [name, `give it to the store, as in new ${store}({ ${name} })`])
);

/** Names that are not options of `session()`, and what to do instead. */
export const INSTEAD: Readonly<Record<string, string>> = {
  ...Object.fromEntries(OF_STORES),
  ...renamed("use"),
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
  ...renamed("give session()"),
  ...NEEDLESS,
  ...Object.fromEntries(OF_MIDDLEWARE.split(" ").map((name) => [name, "give it to session()"])),
  parse: "give session() a schema",
};

function renamed(verb: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(RENAMED).map(([name, instead]) => [name, `${verb} ${instead}`]),
  );
}
