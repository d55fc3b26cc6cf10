import { session, type SessionStore } from "@x/hono-session";
import { DenoKvStore, type KvLike } from "@x/hono-session/stores/deno-kv";
import { PostgresStore } from "@x/hono-session/stores/postgres";
import { RedisStore } from "@x/hono-session/stores/redis";
import { SqliteStore } from "@x/hono-session/stores/sqlite";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { pooled } from "../_support/pooled.ts";
import { PostgresServer, skipPostgres } from "../_support/postgres.ts";
import { makeTables } from "../_support/postgres_clients.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLIENTS } from "../_support/redis_clients.ts";

const DOCUMENT = new URL("../../stores/README.md", import.meta.url);

/** How far a byte count of the document may be off: names of writes differ in length, and so do the counters. */
const TOLERANCE = 10;

/** What is counted, in total or of a request. */
type Counts = readonly number[];

/** What stores/README.md says that each kind of request costs, by the title of the column. */
async function documented(title: string): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(DOCUMENT);
  const [table] = text.slice(text.indexOf("| request | store operations |")).split("\n\n");
  const [head, , ...rows] = table!.split("\n").map((line) => line.slice(2, -2).split(" | "));
  const column = head!.indexOf(title);
  assert(column > 0, `there is no column ${title}`);
  return Object.fromEntries(rows.map((row) => [row[0]!, row[column]!]));
}

/** Makes each kind of request, and returns what it adds to what is counted. */
async function costsOf(
  store: SessionStore,
  clock: FakeClock,
  counters: () => Promise<Counts>,
): Promise<Record<string, Counts>> {
  const app = new Hono()
    .use(session<{ text?: string }>({ store, clock: clock.now, rolling: true }))
    .get("/static", (c) => c.text("static"))
    .get("/read", (c) => c.text(c.var.session.text ?? ""))
    .get("/set/:letter", (c) => {
      // 200 bytes of JSON.
      c.var.session.text = c.req.param("letter").repeat(200 - '{"text":""}'.length);
      return c.text("set");
    })
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      return c.text("logged in");
    })
    .get("/login/ada", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = "user:42";
      return c.text("logged in");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("logged out");
    });

  // What asking costs, which is not the application's.
  const [start, empty] = [await counters(), await counters()];
  const cost = async (path: string): Promise<Counts> => {
    const before = await counters();
    await visitor.text(path);
    const after = await counters();
    return after.map((count, at) => count - before[at]! - (empty[at]! - start[at]!));
  };

  let visitor = new Client(app);
  // The server knows the scripts from here on.
  for (const path of ["/set/a", "/login/ada"]) await visitor.text(path);
  visitor = new Client(app);
  for (const path of ["/set/a", "/login"]) await visitor.text(path);
  clock.advance(10_000);
  await visitor.text("/read");
  await visitor.text("/logout");
  visitor = new Client(app);
  const costs: Record<string, Counts> = {};
  costs["without a session"] = await cost("/static");
  costs["first write"] = await cost("/set/a");
  costs.read = await cost("/read");
  costs.write = await cost("/set/b");
  clock.advance(10_000);
  costs["read, renewed by `rolling`"] = await cost("/read");
  costs["`regenerate()`"] = await cost("/login");
  const first = visitor;
  visitor = new Client(app);
  await visitor.text("/set/c");
  costs["the same, and a `subject`"] = await cost("/login/ada");
  visitor = first;
  costs["logout"] = await cost("/logout");
  return costs;
}

Deno.test({
  name: "a request costs Redis what stores/README.md says",
  ignore: skipRedis(),
  async fn() {
    await using server = await RedisServer.start();
    const { client, close } = await CLIENTS["node-redis 6"]!(server.url);
    const clock = new FakeClock();
    const is = await costsOf(new RedisStore({ client, clock: clock.now }), clock, async () => {
      const stats = String(await server.command("INFO", "stats"));
      const read = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(stats)![1]);
      return [read("total_net_input_bytes"), read("total_net_output_bytes")];
    });
    await close();
    const says = await documented("Redis, bytes sent + received");
    assertEquals(Object.keys(says), Object.keys(is));
    for (const [kind, counts] of Object.entries(is)) {
      for (const [at, bytes] of says[kind]!.split(" + ").map(Number).entries()) {
        assert(Math.abs(bytes - counts[at]!) <= TOLERANCE, `${kind}: ${counts}`);
      }
    }
  },
});

/** The same database, whose reads and writes are counted. */
function counting(kv: Deno.Kv) {
  const units = { reads: 0, writes: 0 };
  const counted: KvLike = {
    get: (key) => (units.reads++, kv.get([...key])),
    getMany: (keys) => (units.reads += keys.length, kv.getMany(keys.map((key) => [...key]))),
    list: ({ prefix }, options) => kv.list({ prefix: [...prefix] }, options),
    atomic() {
      const atomic = kv.atomic();
      for (const name of ["set", "delete", "sum"] as const) {
        const original = atomic[name] as (...args: unknown[]) => Deno.AtomicOperation;
        atomic[name] = (...args: unknown[]) => (units.writes++, original.apply(atomic, args));
      }
      return atomic;
    },
    close: () => kv.close(),
  };
  return { counted, units };
}

Deno.test("a request costs Deno KV the reads and writes that stores/README.md says", async () => {
  using kv = await Deno.openKv(":memory:");
  const { counted, units } = counting(kv);
  const clock = new FakeClock();
  const store = new DenoKvStore({ kv: counted, clock: clock.now });
  const is = await costsOf(store, clock, () => Promise.resolve([units.reads, units.writes]));
  const says = await documented("Deno KV, units");
  for (const [kind, counts] of Object.entries(is)) {
    const parts = ["read", "write"].flatMap((name, at) => {
      const count = counts[at]!;
      return count > 0 ? [`${count} ${name}${count > 1 ? "s" : ""}`] : [];
    });
    assertEquals(says[kind], parts.join(", ") || "none", kind);
  }
});

pooled({ ignore: skipPostgres() })(
  "a request costs Postgres what stores/README.md says",
  async () => {
    await using server = await PostgresServer.start();
    await makeTables(server.url);
    let statements = 0;
    const debug = () => void statements++;
    const sql = postgres(server.url, { max: 1, fetch_types: false, onnotice() {}, debug });
    const clock = new FakeClock();
    const store = new PostgresStore({ sql, clock: clock.now });
    const is = await costsOf(store, clock, () => Promise.resolve([statements]));
    await sql.end({ timeout: 5 });
    const says = await documented("Postgres, statements");
    for (const [kind, [count]] of Object.entries(is)) {
      assertEquals(says[kind], count === 0 ? "none" : String(count), kind);
    }
  },
);

Deno.test("a request costs SQLite what stores/README.md says", async () => {
  const db = new DatabaseSync(":memory:");
  db.exec(SqliteStore.schema());
  let [statements, transactions] = [0, 0];
  const counted = {
    exec(text: string) {
      if (text.startsWith("BEGIN")) transactions++;
      db.exec(text);
    },
    prepare(text: string) {
      const prepared = db.prepare(text);
      const all = (...values: (string | number | null)[]) => {
        statements++;
        return prepared.all(...values);
      };
      return { all };
    },
  };
  const clock = new FakeClock();
  const store = new SqliteStore({ db: counted, clock: clock.now });
  const is = await costsOf(store, clock, () => Promise.resolve([statements, transactions]));
  db.close();
  const says = await documented("SQLite, statements");
  for (const [kind, [count, inTransactions]] of Object.entries(is)) {
    const text = count === 0 ? "none" : `${count}${inTransactions ? ", in a transaction" : ""}`;
    assertEquals(says[kind], text, kind);
  }
});
