// How records lie in Redis: in few bytes, each once, and beside what version 0.1 has written.
import { session, type SessionRecord } from "@x/hono-session";
import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Hono } from "hono";
import { makeTrace } from "../../src/record/trace.ts";
import { END, WRITE } from "../../stores/redis/scripts.ts";
import { fromListed, fromStored, toMoving, toValue } from "../../stores/redis/value.ts";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { makeRecord } from "../_support/record.ts";
import { redisPrograms, RedisServer, skipRedis, versionOf } from "../_support/redis.ts";
import { CLIENTS, CLUSTER_CLIENTS } from "../_support/redis_clients.ts";
import { RedisCluster } from "../_support/redis_cluster.ts";

const ignore = skipRedis();

interface Scene {
  readonly clock: FakeClock;
  readonly server: RedisServer;
  readonly client: RedisClientLike;
  readonly store: RedisStore;
}

/** Runs a test with a store on a server of its own. */
function test(name: string, run: (scene: Scene) => Promise<void>): void {
  Deno.test({
    name: `RedisStore ${name}`,
    ignore,
    async fn() {
      await using server = await RedisServer.start();
      const clock = new FakeClock();
      const { client, close } = await CLIENTS["node-redis 6"]!(server.url);
      await run({ clock, server, client, store: new RedisStore({ client, clock: clock.now }) });
      await close();
    },
  });
}

/** So many bytes of data, as JSON. */
const dataOf = (bytes: number) => "x".repeat(bytes - '{"text":""}'.length);

/** An application whose sessions hold data of some size. */
function makeApp(client: RedisClientLike) {
  const clock = new FakeClock().now;
  const store = new RedisStore({ client, clock });
  const app = new Hono()
    .use(session<{ text: string }>({ store, clock }))
    .get("/set/:bytes", (c) => c.text(c.var.session.text = dataOf(Number(c.req.param("bytes")))))
    .get("/login/:bytes", async (c) => {
      await c.var.session.regenerate();
      c.var.session.subject = "user:42";
      return c.text(c.var.session.text = dataOf(Number(c.req.param("bytes"))));
    });
  return new Client(app);
}

for (const program of ignore ? [] : redisPrograms()) {
  Deno.test(`a session takes few bytes of the memory of ${versionOf(program)}`, async () => {
    await using server = await RedisServer.start([], program);
    const { client, close } = await CLIENTS["node-redis 6"]!(server.url);
    const memory = async (path: string) => {
      await server.command("FLUSHALL");
      await makeApp(client).text(path);
      const keys = await server.command("KEYS", "*") as string[];
      const sizes = await Promise.all(keys.map((key) => server.command("MEMORY", "USAGE", key)));
      return sizes.reduce<number>((sum, size) => sum + Number(size), 0);
    };
    for (const bytes of [156, 200]) {
      const [anonymous, bound] = [await memory(`/set/${bytes}`), await memory(`/login/${bytes}`)];
      assert(anonymous <= bytes + 220, `${anonymous} for ${bytes}`);
      assert(bound <= bytes + 450, `${bound} for ${bytes}, with a subject`);
      if (versionOf(program) === "Redis 7.0.15") {
        assertEquals([anonymous, bound], bytes === 200 ? [360, 592] : [328, 528]);
      }
    }
    await close();
  });
}

test("takes 50 bytes beside the data of a session, and 24 more for its subject", async ({ client, server }) => {
  const browser = makeApp(client);
  const values = async () => {
    const keys = await server.command("KEYS", `session:${"?".repeat(43)}`) as string[];
    const values = await Promise.all(keys.map((key) => server.command("GET", key)));
    return values.map(String).toSorted((one, other) => other.length - one.length);
  };
  await browser.text("/set/200");
  const [anonymous] = await values();
  assert(/^1 \w{8} \w{7} [\w-]{22},\w{8}\{"text":"x+"\}$/.test(anonymous!), anonymous);
  assertEquals(anonymous!.length, 200 + 50);
  await browser.text("/login/200");
  const [bound, trace] = await values();
  assert(/^2 \w{8} \w{7} [\w-]{22},\w{8} \d{13}:user%3A42\{"text":"x+"\}$/.test(bound!), bound);
  assert(/^2 \w{8} \w{7} [\w-]{22},0\n"trace":"replaced"\}\{.*\}$/.test(trace!), trace);
  assertEquals([bound!.length, trace!.indexOf("{")], [200 + 50 + 24, 63]);
});

const anyTime = fc.oneof(
  fc.integer({ min: 1.5e12, max: 3e12 }),
  fc.integer({ min: -8.64e15, max: 8.64e15 }),
  fc.double({ min: -8e15, max: 8e15, noNaN: true }),
);
const anyText = fc.string({ unit: "binary", maxLength: 20 });
const anyJson = fc.dictionary(anyText, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 })
  .map((value) => JSON.stringify(value));

const anyRecord = fc.record({
  format: fc.constant(1 as const),
  sid: fc.oneof(fc.constant("pXo9tUjcNKQGL1lXUmT0Nw"), fc.string({ unit: "binary" })),
  version: fc.maxSafeNat(),
  data: fc.oneof(anyJson, anyJson.map((text) => ` \n${text}`)),
  createdAt: anyTime,
  lastSeenAt: anyTime,
  renewedAt: anyTime,
  expiresAt: anyTime,
  cookieName: fc.constantFrom("sid", "__Host-id", ""),
  scope: fc.webUrl(),
  cookie: anyJson,
  flash: anyJson,
  meta: anyJson,
  confirmed: anyJson,
  provider: anyJson,
  device: anyText,
  subject: fc.oneof(anyText, fc.constantFrom("user:42", "\ud800", "{", '"', "a b\n")),
  subjectAt: anyTime,
  generation: fc.maxSafeInteger(),
  storeGeneration: fc.maxSafeNat(),
  maxAge: fc.nat(),
  browser: fc.boolean(),
  tokenAt: anyTime,
  predecessor: fc.base64String(),
  trace: fc.constantFrom(
    "rotated" as const,
    "replaced" as const,
    "adopted" as const,
    "ended" as const,
  ),
  successor: fc.base64String(),
  graceUntil: anyTime,
  endsAt: anyTime,
  epoch: fc.nat(),
}, {
  requiredKeys: [
    ...["format", "sid", "version", "data", "createdAt", "lastSeenAt", "renewedAt"] as const,
    "expiresAt",
  ],
}).map((record) => JSON.parse(JSON.stringify(record)) as SessionRecord);

Deno.test("every record is what it was when it is read from its text in Redis", () => {
  fc.assert(fc.property(anyRecord, (record) => {
    assertEquals(fromStored(toValue(record, "w")), record);
    const { flash: _, trace: __, ...listed } = record;
    assertEquals(fromListed(`~w ${toMoving(listed)}`), { ...listed, data: "{}" });
  }));
});

Deno.test("the trace of a session that is being moved holds nothing else of the session", () => {
  fc.assert(fc.property(anyRecord, (record) => {
    const { sid, version, expiresAt } = record;
    const trace = makeTrace("replaced", { sid, version, expiresAt });
    assertEquals(fromStored(`~w ${toMoving(record, "replaced")}`), trace);
  }));
});

Deno.test("no text makes reading fail, and what is damaged is read as nothing", () => {
  const value = toValue(makeRecord(new FakeClock(), { subject: "user:42" }), "w");
  fc.assert(fc.property(fc.string(), fc.nat(value.length), fc.string(), (text, at, other) => {
    for (const damaged of [text, value.slice(0, at), value.slice(0, at) + other]) {
      fromStored(damaged);
      fromListed(damaged);
    }
  }));
  for (const damaged of ["", "{", "1 2 3{}", "1 2 3 4{}", "~", "~w", "~w {}", value.slice(0, 30)]) {
    assertEquals(fromStored(damaged), undefined, damaged);
  }
});

/** The text of a record as version 0.1 has written it. */
function legacyValue(record: SessionRecord): string {
  const { version, lastSeenAt, renewedAt, expiresAt, subject, subjectAt, format, ...rest } = record;
  const first = { version, lastSeenAt, renewedAt, expiresAt, write: "x1y2z3" };
  return JSON.stringify({ ...first, subject, subjectAt, format, ...rest });
}

test("goes on with what version 0.1 has written", async ({ store, server, clock }) => {
  const at = clock.now();
  const subject = 'user:"42" {';
  const record = makeRecord(clock, {
    cookieName: "sid",
    data: '{"name":"Ada","nested":"{\\"version\\":9}"}',
    flash: '{"notice":"hello"}',
    subject,
    subjectAt: at,
  });
  assertEquals(
    legacyValue({ ...record, subject: "user:42" }),
    `{"version":1,"lastSeenAt":${at},"renewedAt":${at},"expiresAt":${
      at + 3_600_000
    },"write":"x1y2z3",` +
      `"subject":"user:42","subjectAt":${at},"format":1,"sid":"pXo9tUjcNKQGL1lXUmT0Nw",` +
      `"data":"{\\"name\\":\\"Ada\\",\\"nested\\":\\"{\\\\\\"version\\\\\\":9}\\"}","createdAt":${at},` +
      '"cookieName":"sid","flash":"{\\"notice\\":\\"hello\\"}"}',
  );
  const put = async (key: string) => {
    await server.command("SET", `session:${key}`, legacyValue(record));
    const list = "session:subject:{user%3A%5C%2242%5C%22%20%7B}:sessions";
    await server.command("ZADD", list, String(record.expiresAt), `${at} ${key}`);
  };
  const keys = async () => (await Array.fromAsync(store.list(subject))).map(({ key }) => key);
  await put("legacy");
  assertEquals(await store.read("legacy"), record);
  assertEquals(await keys(), ["legacy"]);
  assertEquals(await store.create("legacy", record), false, "create");
  const stale = { ...record, version: 7 };
  assertEquals(await store.update("legacy", { ...stale, version: 8 }, stale), false);
  assertEquals(await store.touch("legacy", record, stale), false);

  const times = { ...record, lastSeenAt: at + 1, expiresAt: record.expiresAt + 5000 };
  assertEquals(await store.touch("legacy", times, record), true, "touch");
  assertEquals(await store.read("legacy"), times);

  await put("updated");
  const second = { ...record, version: 2, data: "{}" };
  assertEquals(await store.update("updated", second, record), true, "update");
  assertEquals(await store.read("updated"), second);

  await put("replaced");
  const moved = { key: "moved", record: second };
  assertEquals(await store.replace("replaced", moved, record), true, "replace");
  assertEquals(await store.read("replaced"), undefined);
  assertEquals(await store.read("moved"), second);

  await put("deleted");
  await store.delete("deleted");
  assertEquals((await keys()).toSorted(), ["legacy", "moved", "updated"]);

  await put("ended");
  assertEquals(await store.deleteAll(subject, {}), 4);
  for (const key of ["legacy", "updated", "moved", "ended"]) {
    assertEquals(await store.read(key), undefined, key);
  }
  clock.advance(3600);
  await put("expired");
  assertEquals(await store.read("expired"), undefined);
  assertEquals(await store.create("expired", makeRecord(clock)), true);
});

test("holds a record once in the memory of scripts, however large it is", async ({ store, server, clock }) => {
  const size = 1_000_000;
  const record = makeRecord(clock, {
    cookieName: "sid",
    data: `{"text":"${"x".repeat(size)}"}`,
    subject: "user:42",
    subjectAt: clock.now(),
  });
  /** Runs a script on the record and returns how many bytes it has allocated in Lua, where nothing is freed before. */
  const allocated = async (script: string, ...args: string[]) => {
    const text = `
local function run()
${script}
end
collectgarbage("stop")
local before = collectgarbage("count")
run()
local kibibytes = collectgarbage("count") - before
collectgarbage("restart")
return math.ceil(kibibytes * 1024)`;
    const now = String(clock.now());
    return Number(await server.command("EVAL", text, "1", "session:large", now, ...args));
  };
  for (const value of [toValue(record, "w"), legacyValue(record)]) {
    await server.command("SET", "session:large", value);
    assertEquals(await store.read("large"), record);
    const update = await allocated(WRITE.alone.text, "7", "w2", "{}", "1000");
    const end = await allocated(END.text, "");
    assert(update < 1.5 * size, `an update allocates ${update} bytes`);
    assert(end < 1.5 * size, `an end allocates ${end} bytes`);
  }
});

Deno.test({
  name: "RedisStore moves what version 0.1 has written over the nodes of a cluster",
  ignore,
  async fn() {
    await using cluster = await RedisCluster.start();
    const { client, close } = await CLUSTER_CLIENTS["node-redis 6 cluster"]!(cluster.urls);
    const clock = new FakeClock();
    const store = new RedisStore({ client, clock: clock.now });
    const record = makeRecord(clock, { subject: "user:42", subjectAt: clock.now() });
    for (let count = 0; count < 8; count++) {
      const key = `legacy ${count}`;
      const node = await cluster.masterOf(`session:${key}`);
      await node.command("SET", `session:${key}`, legacyValue(record));
      const next = { key: `moved ${count}`, record: { ...record, version: 2 } };
      assertEquals(await store.replace(key, next, record), true);
      assertEquals(await store.read(key), undefined);
      assertEquals(await store.read(next.key), next.record);
    }
    assertEquals(await store.deleteAll("user:42", {}), 8);
    await close();
  },
});
