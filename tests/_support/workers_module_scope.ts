// What a test loads in workerd: every entry point, and what an application builds at the top of a module.
import { createSessions, session } from "@x/hono-session";
import { session as coreSession } from "@x/hono-session/core";
import { telemetry } from "@x/hono-session/otel";
import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
import {
  EncryptedCookieStore,
  Revocations,
  SealedCookieStore,
  SignedCookieStore,
  UnsignedCookieStore,
} from "@x/hono-session/stores/cookie";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { D1Store } from "@x/hono-session/stores/d1";
import { DurableObjectStore } from "@x/hono-session/stores/durable-objects";
import { type DynamoDbDocumentLike, DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { MapStore } from "@x/hono-session/stores/map";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { RedisStore } from "@x/hono-session/stores/redis";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { FaultyStore } from "@x/hono-session/testing";
import { Hono } from "hono";

/** What is asked of WebCrypto, all of which is asynchronous, while this module loads. */
const asynchronous: string[] = [];
let isLoading = true;
for (const name of ["deriveBits", "deriveKey", "digest", "importKey", "sign"] as const) {
  const method = crypto.subtle[name] as (...args: unknown[]) => unknown;
  const watched = (...args: unknown[]) => {
    if (isLoading) asynchronous.push(name);
    return method.apply(crypto.subtle, args);
  };
  Object.defineProperty(crypto.subtle, name, { value: watched });
}

export { SessionObject } from "@x/hono-session/stores/durable-objects";

const answer = () => Promise.reject(new Error("no server"));
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
const secret = "a secret of thirty-two characters or more";
const parse = JSON.parse;
const revocations = new Revocations(new MapStore({ maxEntries: Infinity }));

const STORES = {
  CloudflareKvStore: new CloudflareKvStore({ namespace: (c) => c.env.SESSION }),
  D1Store: new D1Store({ database: (c) => c.env.DB }),
  DenoKvStore: new DenoKvStore(),
  DurableObjectStore: new DurableObjectStore({ namespace: (c) => c.env.SESSIONS }),
  DynamoDbStore: new DynamoDbStore({ document, tableName: "sessions", sortKey: "sk" }),
  EncryptedCookieStore: new EncryptedCookieStore({ secret, revocations }),
  FaultyStore: new FaultyStore(new MapStore()),
  MapStore: new MapStore(),
  PostgresStore: new PostgresStore({ sql: { unsafe: answer } }),
  RedisStore: new RedisStore({ client: { sendCommand: answer } }),
  SealedCookieStore: new SealedCookieStore({ secret }),
  SignedCookieStore: new SignedCookieStore({ secret: [secret, secret.toUpperCase()] }),
  SqliteStore: new SqliteStore({ db: { execute: answer, batch: answer } }),
  UnsignedCookieStore: new UnsignedCookieStore({ parse }),
  SealedCookieStoreOfEnvironment: new SealedCookieStore({
    secret: (c) => c.env.SECRET,
  }),
};

const app = new Hono();
for (const [name, store] of Object.entries(STORES)) {
  const path = `/${name}`;
  app.use(path, session<{ name?: string }>({ store })).get(path, (c) => {
    const name = c.get("session").name ?? "stranger";
    c.get("session").name = "Ada";
    return c.text(name);
  });
}

const sessions = createSessions({ secret, token: { secret, maxAge: 60 }, store: new MapStore() });
app.get("/with-token", sessions.middleware(), (c) => c.text(c.get("sessionToken") ?? "none"));
app.get("/core", coreSession(telemetry({ store: new MapStore() })), (c) => c.text("loaded"));
app.get("/default", session({ secret: (c) => c.env.SECRET }), (c) => c.text("loaded"));

/** What `session()` without a secret says where nothing random can be had. */
const withoutSecret = (() => {
  try {
    session();
    return "nothing";
  } catch (error) {
    return String(error);
  }
})();
app.get("/without-secret", (c) => c.text(withoutSecret));
app.get("/asynchronous", (c) => c.json(asynchronous));
app.get("/names", (c) => c.json(Object.keys(STORES)));

isLoading = false;

export default app;
