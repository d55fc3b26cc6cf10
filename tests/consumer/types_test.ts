import { assertEquals } from "@std/assert";
import { checkAsConsumer, skipConsumer, TYPESCRIPT_VERSIONS } from "./_consumer.ts";

const PROGRAM = await Deno.readTextFile(new URL("program.ts", import.meta.url));

const GLOBAL_PROGRAM = `
import "@x/hono-session/global";
import { session } from "@x/hono-session";
import { type Context, Hono } from "hono";
import { createMiddleware } from "hono/factory";

type Same<One, Other> = [One] extends [Other] ? [Other] extends [One] ? true : false : false;
const same = <_Proof extends true>() => {};

declare module "@x/hono-session" {
  interface SessionData {
    language?: string;
  }
}

const verifySession = createMiddleware<{ Variables: { Session: { userId: string } } }>(
  async (c, next) => {
    if (!c.session.userId) return c.text("Unauthorised", 401);
    return await next();
  },
);

export const typed = new Hono()
  .use(session<{ userId?: string }>())
  .get("/", (c) => {
    same<Same<typeof c.session.userId, string | undefined>>();
    c.session.userId = "42";
    // @ts-expect-error -- no such key
    c.session.nobody = 1;
    // @ts-expect-error -- no session
    c.session = 1;
    c.session = { userId: "42" };
    c.session = null;
    return c.text("ok");
  })
  .get("/mine", verifySession, (c) => {
    same<Same<typeof c.session.userId, string>>();
    return c.text(c.session.userId);
  });

// An application whose middleware is mounted elsewhere.
export const untyped = new Hono().get("/", (c) => {
  same<Same<typeof c.session.language, string | undefined>>();
  same<Same<typeof c.session.isNew, boolean>>();
  return c.text(c.session.language ?? "en");
});

// Functions for any application: their environment is any.
export const languageOf = (c: Context): string => c.session.language ?? "en";
export const english = createMiddleware(async (c, next) => {
  same<Same<typeof c.session.isNew, boolean>>();
  c.session.language = "en";
  // @ts-expect-error -- no such key
  c.session.nobody = 1;
  await next();
});
`;

/** A Worker whose bindings have the types of Cloudflare. */
const WORKER_PROGRAM = `
import { session } from "@x/hono-session/core";
import { CloudflareKvStore } from "@x/hono-session/stores/cloudflare-kv";
import { D1Store } from "@x/hono-session/stores/d1";
import { DurableObjectStore, SessionObject } from "@x/hono-session/stores/durable-objects";
import { Hono } from "hono";

interface Env {
  SESSIONS: DurableObjectNamespace;
  DB: D1Database;
  SESSION: KVNamespace;
}
interface Bound {
  env: Env;
}
declare const env: Env;

export class Objects extends SessionObject {
  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
  }
}

new DurableObjectStore({ namespace: env.SESSIONS });
new DurableObjectStore({ namespace: env.SESSIONS.jurisdiction("eu") });
new DurableObjectStore({
  namespace: ({ env: { SESSIONS } }: Bound) => ({
    idFromName: (name) => SESSIONS.idFromName(name),
    get: (id) => SESSIONS.get(id as DurableObjectId, { locationHint: "weur" }),
  }),
});
new D1Store({ database: env.DB });
new D1Store({ database: ({ env }: Bound) => env.DB });
new CloudflareKvStore({ namespace: env.SESSION });
new CloudflareKvStore({ namespace: ({ env }: Bound) => env.SESSION });

const store = new DurableObjectStore({ namespace: ({ env }: Bound) => env.SESSIONS });
export default new Hono<{ Bindings: Env }>()
  .use(session<{ name?: string }>({ store }))
  .get("/", (c) => c.text(c.var.session.name ?? "stranger")) satisfies ExportedHandler<Env>;
`;

/** Clients that only programs on Node use: Deno checks the types of the others in their own tests. */
const NODE_CLIENTS_PROGRAM = `
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { openKv } from "@deno/kv";
import Database from "better-sqlite3";

new DenoKvStore({ kv: openKv("sessions.kv") });
new SqliteStore({ db: new Database("app.db") });
`;

Deno.test({
  name: "types: clients of Node",
  ignore: skipConsumer(),
  async fn() {
    const packages = ["@deno/kv", "@types/better-sqlite3"];
    assertEquals(await checkAsConsumer(NODE_CLIENTS_PROGRAM, { packages }), []);
  },
});

for (const exactOptionalPropertyTypes of skipConsumer() ? [] : [true, false]) {
  Deno.test(`types: bindings of Workers, exactOptionalPropertyTypes ${exactOptionalPropertyTypes}`, async () => {
    const packages = ["@cloudflare/workers-types@5"];
    // The types of Hono need those of browsers, which these exclude.
    const compilerOptions = {
      exactOptionalPropertyTypes,
      lib: ["ES2023"],
      types: ["@cloudflare/workers-types"],
      skipLibCheck: true,
    };
    assertEquals(await checkAsConsumer(WORKER_PROGRAM, { packages, compilerOptions }), []);
  });
}

for (const typescript of skipConsumer() ? [] : TYPESCRIPT_VERSIONS) {
  for (const exactOptionalPropertyTypes of [true, false]) {
    const compilerOptions = { exactOptionalPropertyTypes };
    const exact = exactOptionalPropertyTypes ? "exactOptionalPropertyTypes" : "--strict alone";

    Deno.test(`types: TypeScript ${typescript} with ${exact}`, async () => {
      const consumer = { typescript, compilerOptions };
      assertEquals(await checkAsConsumer(PROGRAM, consumer), []);
      assertEquals(await checkAsConsumer(GLOBAL_PROGRAM, consumer), []);
    });
  }
}
