import { session, type SessionOptions, type SessionStore } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
import { MapStore } from "@x/hono-session/stores/map";
import { RedisStore } from "@x/hono-session/stores/redis";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { FakeClock } from "../_support/clock.ts";
import { DYNALITE, type RunningServer, TABLES, TestClient } from "../_support/dynamodb.ts";
import { everyOrder, Turnstile } from "../_support/interleave.ts";
import { pooled } from "../_support/pooled.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { CLIENTS, type RedisConnection } from "../_support/redis_clients.ts";

interface Data {
  name?: string;
  a?: number;
  b?: number;
  count?: number;
}

function makeApp(options: SessionOptions<Data>) {
  return new Hono()
    .use(session<Data>(options))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.name = "Ada";
      return c.text("logged in");
    })
    .get("/read", (c) => c.json(c.var.session))
    .get("/set-a", (c) => {
      c.var.session.a = 1;
      return c.text("set");
    })
    .get("/set-b", (c) => {
      c.var.session.b = 1;
      return c.text("set");
    })
    .get("/increment", async (c) => {
      try {
        return c.json(await c.var.session.update("count", (count = 0) => count + 1));
      } catch {
        return c.text("ended");
      }
    })
    .get("/logout", (c) => {
      c.var.session.destroy();
      return c.text("bye");
    });
}

/** What each request does, and the options under which it is what it says. */
const REQUESTS = {
  writer: { path: "/set-a", options: {} },
  "other writer": { path: "/set-b", options: {} },
  incrementer: { path: "/increment", options: {} },
  toucher: { path: "/read", options: { rolling: true } },
  rotation: { path: "/read", options: { rotate: { every: 60 } } },
  "other rotation": { path: "/set-b", options: { rotate: { every: 60 } } },
  regeneration: { path: "/login", options: {} },
  logout: { path: "/logout", options: {} },
} as const satisfies Record<string, { path: string; options: SessionOptions<Data> }>;

type Name = keyof typeof REQUESTS;

interface Outcome {
  /** What a token opens in the end. */
  open(cookie: string): Promise<Data>;
  /** The cookie that the session had before. */
  cookie: string;
  /** The live cookies that the requests were sent. */
  sent: Record<string, string | undefined>;
  calls: readonly string[];
  /** How many records are left; only some stores can tell. */
  interrupted: string[];
}

/** Runs requests of one session over instances of their own in every order of their store calls. */
async function race(
  store: (clock: () => number) => SessionStore,
  names: Name[],
  check: (outcome: Outcome) => Promise<void>,
  switches?: number,
): Promise<number> {
  return await everyOrder(async (choose) => {
    const clock = new FakeClock();
    const inner = store(clock.now);
    // All instances know of rotation, as those of one application do.
    const common = { clock: clock.now, rotate: { every: 1e6 }, maxAge: 1000 };
    const plain = makeApp({ store: inner, ...common });
    const login = await plain.request("/login");
    const cookie = liveCookie(login)!;
    await login.body?.cancel();
    clock.advance(500);

    const turnstile = new Turnstile();
    const sent: Outcome["sent"] = {};
    const interrupted: string[] = [];
    const tasks = Object.fromEntries(names.map((name) => [name, async () => {
      const { path, options } = REQUESTS[name];
      const events = { interrupted: () => void interrupted.push(name) };
      const guarded = turnstile.guard(inner, name);
      const app = makeApp({ store: guarded, ...common, ...options, events });
      const response = await app.request(path, { headers: { cookie } });
      assertEquals(response.status, 200, turnstile.calls.join("\n"));
      sent[name] = liveCookie(response);
      await response.body?.cancel();
    }]));
    await turnstile.run(tasks, choose);
    try {
      await check({
        cookie,
        sent,
        interrupted,
        calls: turnstile.calls,
        async open(cookie) {
          return await (await plain.request("/read", { headers: { cookie } })).json();
        },
      });
    } catch (error) {
      throw new Error(`in this order:\n${turnstile.calls.join("\n")}`, { cause: error });
    }
  }, switches);
}

/** The cookie that a response gives, unless it clears it. */
function liveCookie(response: Response): string | undefined {
  const [line] = response.headers.getSetCookie();
  const cookie = line?.split(";")[0];
  return cookie === "sid=" ? undefined : cookie;
}

/** Nothing that anybody was ever sent opens the session. Who came after its end may have begun another one. */
async function isDead({ open, cookie, sent }: Outcome): Promise<void> {
  assertEquals(await open(cookie), {});
  for (const each of Object.values(sent)) {
    if (each !== undefined) assertEquals((await open(each)).name, undefined);
  }
}

function suite(
  name: string,
  store: (clock: () => number) => SessionStore,
  declare: (name: string, fn: () => Promise<void>) => void,
): void {
  const test = (what: string, fn: () => Promise<void>) => declare(`${name}: ${what}`, fn);

  for (const slow of ["writer", "toucher", "incrementer", "rotation"] as const) {
    test(`logout against a slow ${slow}, in every order`, async () => {
      const orders = await race(store, ["logout", slow], isDead);
      assert(orders >= 10, `${orders} orders`);
    });
  }

  test("two writers, in every order", async () => {
    await race(store, ["writer", "other writer"], async ({ open, cookie }) => {
      assertEquals(await open(cookie), { name: "Ada", a: 1, b: 1 });
    });
  });

  test("a writer and a rotation, in every order", async () => {
    await race(store, ["writer", "rotation"], async ({ open, cookie, sent }) => {
      assertEquals(await open(sent.rotation!), { name: "Ada", a: 1 });
      assertEquals(await open(cookie), { name: "Ada", a: 1 }, "within its grace");
    });
  });

  test("two rotations give one successor, in every order", async () => {
    await race(store, ["rotation", "other rotation"], async ({ open, cookie, sent }) => {
      assertEquals(sent.rotation, sent["other rotation"]);
      assertEquals(await open(sent.rotation!), { name: "Ada", b: 1 });
      assertEquals(await open(cookie), { name: "Ada", b: 1 }, "within its grace");
    });
  });

  test("a regeneration and a rotation, in every order", async () => {
    await race(store, ["regeneration", "rotation"], async (outcome) => {
      const { open, cookie, sent, interrupted } = outcome;
      assertEquals(await open(sent.regeneration!), { name: "Ada" });
      assertEquals(await open(cookie), {}, "a login has no grace");
      if (sent.rotation) assertEquals(await open(sent.rotation), {}, "nor what was rotated before");
      else assertEquals(interrupted.filter((name) => name === "rotation").length <= 1, true);
    });
  });

  // Of three there are too many orders: here are those in which a request is left no more than twice for another.
  for (const others of [["writer", "rotation"], ["rotation", "other rotation"]] as const) {
    test(`logout against ${others.join(" and ")}`, async () => {
      const orders = await race(store, ["logout", ...others], isDead, 2);
      assert(orders > 100, `${orders} orders`);
    });
  }
}

const ignore = skipRedis();
let kv: Deno.Kv;
let redis: RedisServer;
let connection: RedisConnection;
let dynalite: RunningServer;
let client: TestClient;

Deno.test.beforeAll(async () => {
  kv = await Deno.openKv(":memory:");
  dynalite = await DYNALITE.start();
  client = new TestClient(dynalite.port);
  if (ignore) return;
  redis = await RedisServer.start();
  connection = await CLIENTS["node-redis 6"]!(redis.url);
});

Deno.test.afterAll(async () => {
  kv.close();
  client[Symbol.dispose]();
  await dynalite[Symbol.asyncDispose]();
  await connection?.close();
  await redis?.stop();
});

suite("MapStore", (clock) => new MapStore({ clock }), Deno.test);
suite("DenoKvStore", (clock) => new DenoKvStore({ kv, clock }), Deno.test);
suite(
  "RedisStore",
  (clock) => new RedisStore({ client: connection.client, clock }),
  pooled({ ignore }),
);
suite(
  "DynamoDbStore",
  (clock) => {
    const { document } = client;
    return new DynamoDbStore({ document, tableName: TABLES.plain.name, clock });
  },
  pooled(),
);
