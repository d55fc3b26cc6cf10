// A process of its own with the application of the HTTP suite on a store that it shares, and a gate that is opened
// over HTTP: `/gate/arrived/5` answers when five requests wait, `/gate/open` lets them go on and closes it again.
import type { SessionOptions, SessionStore } from "@x/hono-session";
import { EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { RedisStore } from "@x/hono-session/stores/redis";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { DatabaseSync } from "node:sqlite";
import { type Data, makeApp } from "../http/_app.ts";
import { SECRET } from "./cookie_stores.ts";
import { Gate } from "./gate.ts";
import type { Place } from "./processes.ts";

const [kind, place] = Deno.args as [Place["kind"], string];

/** Each imports its client alone: many processes start at the same time. */
const STORES = {
  "Deno KV": () => new DenoKvStore({ path: place }),
  "Deno KV over KV Connect": () => new DenoKvStore({ path: place }),
  DynamoDB: async () => {
    const [{ DynamoDBClient }, { DynamoDBDocument }] = await Promise.all([
      import("@aws-sdk/client-dynamodb"),
      import("@aws-sdk/lib-dynamodb"),
    ]);
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${place}`,
      region: "local",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    });
    const document = DynamoDBDocument.from(client);
    return new DynamoDbStore({ document, tableName: "sorted-sessions", sortKey: "sk" });
  },
  "cookies with revocations": () => {
    const revocations = new Revocations(new DenoKvStore({ path: place }));
    return new EncryptedCookieStore({ secret: SECRET, revocations });
  },
  Postgres: async () => {
    const { default: postgres } = await import("postgres");
    return new PostgresStore({ sql: postgres(place, { onnotice: () => {} }) });
  },
  SQLite: () => new SqliteStore({ db: new DatabaseSync(place, { timeout: 5000 }) }),
  Redis: async () => {
    const { createClient } = await import("redis");
    const client = await createClient({ url: place }).on("error", () => {}).connect();
    return new RedisStore({ client });
  },
};

/** The application with other options, under paths of their own. The last one would answer for all. */
const VARIANTS: Record<string, SessionOptions<Data>> = {
  "/touching": { rolling: { after: 0.001 }, rotate: { every: 86_400 } },
  "/polling": { live: { every: 1 } },
  "/rotating": { rotate: { every: 0 } },
  "/": { rotate: { every: 86_400 } },
};

let gate = new Gate();
const store: SessionStore = await STORES[kind]();
let interrupted = 0;

const app = new Hono()
  .get("/gate/arrived/:count", async (c) => {
    await gate.arrived(Number(c.req.param("count")));
    return c.text("arrived");
  })
  .get("/gate/open", (c) => {
    gate.open();
    gate = new Gate();
    return c.text("open");
  })
  .get("/interrupted", (c) => c.json(interrupted));

for (const [path, { rotate, ...rest }] of Object.entries(VARIANTS)) {
  // A cookie that holds its session can't be rotated.
  const options = store.capabilities.stateless ? rest : { ...rest, ...(rotate && { rotate }) };
  const events = { interrupted: () => void interrupted++ };
  const sessions = makeApp({ store, events, ...options }, { pass: () => gate.pass() });
  // Conflicts are told apart from what must not be.
  sessions.onError((error, c) =>
    error instanceof HTTPException ? error.getResponse() : c.text(error.name, 500)
  );
  app.route(path, sessions);
}

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
}, app.fetch);
