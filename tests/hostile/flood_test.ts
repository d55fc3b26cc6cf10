import { createSessions, type SessionOptions } from "@x/hono-session";
import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { toBase64Url } from "../../src/crypto/base64url.ts";
import { makeToken } from "../../src/crypto/token.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { makeRecord } from "../_support/record.ts";

const MANY = 100_000;
/** How many requests are under way at a time. */
const AT_ONCE = 500;
/** Bytes that may be left of that many requests: less than 10 for each. */
const MOST_LEFT = 1_000_000;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

class CountingStore extends MapStore {
  reads = 0;

  override read(key: string): ReturnType<MapStore["read"]> {
    this.reads++;
    return super.read(key);
  }
}

function heap(): number {
  collect();
  return Deno.memoryUsage().heapUsed;
}

/** Sends requests, and sees to it that nothing is stored, sent or kept in memory. */
async function flood(
  options: SessionOptions<{ name?: string }>,
  { cookie, many = MANY }: { cookie: (index: number) => string; many?: number },
): Promise<{ calls: number; rejected: number }> {
  const store = new CountingStore();
  let rejected = 0;
  const sessions = createSessions<{ name?: string }>({
    store,
    rolling: true,
    events: { rejected: () => rejected++ },
    ...options,
  });
  const app = new Hono().use(sessions.middleware())
    .get("/", (c) => c.text(c.var.session.name ?? "nobody"));
  const send = async (from: number, to: number) => {
    for (let index = from; index < to; index += AT_ONCE) {
      const responses = await Promise.all(
        Array.from({ length: Math.min(AT_ONCE, to - index) }, (_, offset) => {
          const value = cookie(index + offset);
          return app.request("/", value ? { headers: { cookie: value } } : {});
        }),
      );
      for (const { status, headers } of responses) {
        if (status !== 200 || headers.has("set-cookie")) assertEquals([status, [...headers]], []);
      }
    }
  };
  const warm = Math.floor(many / 5);
  await send(0, warm);
  const before = heap();
  await send(warm, many);
  const left = heap() - before;
  assert(left < MOST_LEFT, `${left} bytes are left`);
  assertEquals(store.size, 0);
  return { calls: store.reads, rejected };
}

Deno.test("floods: 100,000 visitors leave no record, no cookie and no memory, and cost no store call (CVE-2015-5143, CVE-2015-5963, CVE-2015-5964)", async () => {
  assertEquals(await flood({}, { cookie: () => "" }), { calls: 0, rejected: 0 });
});

Deno.test("floods: 100,000 random tokens leave no record, no cookie and no memory", async () => {
  const many = await flood({}, { cookie: () => `sid=${makeToken()}` });
  assertEquals(many, { calls: MANY, rejected: MANY });
});

Deno.test("floods: 25,000 forged tokens cost no store call and leave nothing where tokens are signed", async () => {
  const signature = () => toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  const cookie = () => `sid=${makeToken()}.${signature()}`;
  const many = 25_000;
  assertEquals(await flood({ secret: SECRET }, { cookie, many }), { calls: 0, rejected: many });
});

Deno.test("floods: what has not the shape of a token costs no store call, whatever it is", async () => {
  const cookie = (index: number) =>
    `sid=${"x".repeat(index % 43)}; sid=${index}; sid=..%2f${index}`;
  const many = 10_000;
  const { calls, rejected } = await flood({}, { cookie, many });
  assertEquals(calls, 0);
  assert(rejected > 2.9 * many);
});

Deno.test("floods: 5,000 forged cookies leave no memory in a store that remembers opened ones", async () => {
  const genuine = await new EncryptedCookieStore({ secret: SECRET })
    .create("", makeRecord(new FakeClock()));
  // The version, the name of the key and a first byte: what follows has to be decrypted.
  const head = genuine.slice(0, 4);
  const bytes = () => crypto.getRandomValues(new Uint8Array(150));
  const cookie = () => `sid=${head}${toBase64Url(bytes())}`;
  const store = new EncryptedCookieStore({ secret: SECRET });
  const many = 5000;
  assertEquals(await flood({ store }, { cookie, many }), { calls: 0, rejected: many });
});

Deno.test("floods: a MapStore that is full ends the oldest session, and never grows", async () => {
  const store = new MapStore({ maxEntries: 100 });
  const sessions = createSessions<{ name?: string }>({ store });
  const app = new Hono().use(sessions.middleware())
    .get("/", (c) => {
      c.var.session.name = "x".repeat(1000);
      return c.text("set");
    });
  for (let index = 0; index < 5000; index++) await app.request("/");
  assertEquals(store.size, 100);
});
