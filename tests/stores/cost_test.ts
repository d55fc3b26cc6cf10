import { session } from "@x/hono-session";
import { DenoKvStore, type KvLike } from "@x/hono-session/stores/deno-kv";
import { RedisStore } from "@x/hono-session/stores/redis";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLIENTS } from "../_support/redis_clients.ts";

const DOCUMENT = new URL("../../stores/README.md", import.meta.url);

/** How far a byte count of the document may be off: names of writes differ in length, and so do the counters. */
const TOLERANCE = 10;

/** Bytes between the application and Redis. */
interface Cost {
  sent: number;
  received: number;
}

/** What stores/README.md says that a request costs: `| kind | operations | sent + received | …`. */
async function documented(): Promise<Record<string, Cost>> {
  const costs: Record<string, Cost> = {};
  const row = /^\| ([^|]+) \| [^|]+ \| (\d+) \+ (\d+) \|/gm;
  for (const [, kind, sent, received] of (await Deno.readTextFile(DOCUMENT)).matchAll(row)) {
    costs[kind!] = { sent: Number(sent), received: Number(received) };
  }
  return costs;
}

async function measured(): Promise<Record<string, Cost>> {
  await using server = await RedisServer.start();
  const { client, close } = await CLIENTS["node-redis 6"]!(server.url);
  const clock = new FakeClock();
  const store = new RedisStore({ client, clock: clock.now });
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

  const counters = async (): Promise<Cost> => {
    const stats = String(await server.command("INFO", "stats"));
    const read = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(stats)![1]);
    return {
      sent: read("total_net_input_bytes"),
      received: read("total_net_output_bytes"),
    };
  };
  // What asking costs, which is not the application's.
  const [start, empty] = [await counters(), await counters()];
  const cost = async (path: string): Promise<Cost> => {
    const before = await counters();
    await visitor.text(path);
    const after = await counters();
    return {
      sent: after.sent - before.sent - (empty.sent - start.sent),
      received: after.received - before.received - (empty.received - start.received),
    };
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
  const costs: Record<string, Cost> = {};
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
  await close();
  return costs;
}

Deno.test({
  name: "a request costs Redis what stores/README.md says",
  ignore: skipRedis(),
  async fn() {
    const [says, is] = [await documented(), await measured()];
    assertEquals(Object.keys(says), Object.keys(is));
    for (const [kind, bytes] of Object.entries(is)) {
      for (const way of ["sent", "received"] as const) {
        const difference = Math.abs(says[kind]![way] - bytes[way]);
        assert(difference <= TOLERANCE, `${kind}: ${bytes[way]} bytes are ${way}`);
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
  const app = new Hono()
    .use(session<{ text?: string }>({ store, clock: clock.now, rolling: true }))
    .get("/static", (c) => c.text("static"))
    .get("/read", (c) => c.text(c.var.session.text ?? ""))
    .get("/set/:letter", (c) => c.text(c.var.session.text = c.req.param("letter")))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      if (c.req.query("as")) c.var.session.subject = "user:42";
      return c.text("logged in");
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("logged out");
    });
  const [visitor, other] = [new Client(app), new Client(app)];
  const cost = async (client: Client, path: string, wait = 0): Promise<string> => {
    clock.advance(wait);
    Object.assign(units, { reads: 0, writes: 0 });
    await client.text(path);
    const { reads, writes } = units;
    const parts = [[reads, "read"], [writes, "write"]] as const;
    return parts.flatMap(([count, name]) =>
      count > 0 ? [`${count} ${name}${count > 1 ? "s" : ""}`] : []
    ).join(", ") || "none";
  };
  await other.text("/set/a");
  const measured = {
    "without a session": await cost(visitor, "/static"),
    "first write": await cost(visitor, "/set/a"),
    "read": await cost(visitor, "/read"),
    "write": await cost(visitor, "/set/b"),
    "read, renewed by `rolling`": await cost(visitor, "/read", 10_000),
    "`regenerate()`": await cost(visitor, "/login"),
    "the same, and a `subject`": await cost(other, "/login?as=ada"),
    "logout": await cost(visitor, "/logout"),
  };
  const rows = (await Deno.readTextFile(DOCUMENT)).split("\n").map((line) =>
    line.split("|").map((cell) => cell.trim())
  );
  const at = rows.find((cells) => cells.includes("Deno KV, units"))!.indexOf("Deno KV, units");
  const says = Object.keys(measured).map((kind) => [
    kind,
    rows.find((cells) => cells[1] === kind && cells[at])?.[at],
  ]);
  assertEquals(Object.fromEntries(says), measured);
});
