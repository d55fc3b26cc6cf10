import { createSessions, type SessionManager } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { DenoKvServer, skipKvConnect } from "../_support/deno_kv_server.ts";
import { LATEST } from "../_support/in_time.ts";
import { RARELY } from "../_support/watched_session.ts";

const ignore = skipKvConnect();

const ADA = "user:42";

/** How long a watch may take to begin, and to begin again after a failure, in milliseconds. */
const SETTLED = 300;
const RECONNECTED = 3000;

/** A proxy before a server for KV Connect, which can cut off whoever watches, and nobody else. */
class CuttingProxy implements AsyncDisposable {
  #cut = new AbortController();
  #isCut = false;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(target: string) {
    const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
    this.#server = Deno.serve(options, async (request) => {
      const { pathname } = new URL(request.url);
      const isWatch = pathname.endsWith("/watch");
      if (isWatch && this.#isCut) return new Response(null, { status: 503 });
      const { method, headers } = request;
      const body = method === "GET" ? null : await request.bytes();
      const response = await fetch(target + pathname, { method, headers, body });
      if (!isWatch) return response;
      const passing = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        start: (controller) => {
          this.#cut.signal.addEventListener("abort", () => controller.terminate());
        },
      });
      response.body!.pipeTo(passing.writable).catch(() => {});
      return new Response(passing.readable, response);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  cut(): void {
    this.#isCut = true;
    this.#cut.abort();
  }

  heal(): void {
    this.#isCut = false;
    this.#cut = new AbortController();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cut.abort();
    await this.#server.shutdown();
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** One process, with a handle of its own. */
interface Machine extends AsyncDisposable {
  readonly sessions: SessionManager;
  readonly errors: string[];
}

function machineOf(kv: Deno.Kv, every = RARELY): Machine {
  const errors: string[] = [];
  const events = { storeError: ({ operation }: { operation: string }) => errors.push(operation) };
  const store = new DenoKvStore({ kv });
  const sessions = createSessions({ store, live: { every }, events });
  return {
    sessions,
    errors,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      kv.close();
    },
  };
}

/** The signal of a new session that somebody listens to, and when it aborted. */
async function watch(sessions: SessionManager, subject: string) {
  const { cookie, sid } = await sessions.create({}, { subject });
  const session = await sessions.open(new Request("https://app.test/", { headers: { cookie } }));
  const { ended } = session!;
  const isOver = new Promise<number>((resolve) =>
    ended.addEventListener("abort", () => resolve(performance.now()))
  );
  return { sid, cookie, ended, isOver };
}

function test(name: string, fn: () => Promise<void>): void {
  // Deno tries again to reach a server for a while after the test.
  Deno.test({ name, ignore, sanitizeOps: false, sanitizeResources: false, fn });
}

test("Deno KV reports every end of many at once to other processes, and ends nobody else", async () => {
  await using server = await DenoKvServer.start();
  await using here = machineOf(await server.open());
  await using there = machineOf(await server.open());
  await using third = machineOf(await server.open());
  const watched = [];
  for (let count = 0; count < 40; count++) {
    watched.push(await watch(here.sessions, count < 10 ? ADA : `user:${count}`));
  }
  await pause(SETTLED);
  const start = performance.now();
  await Promise.all([
    there.sessions.revokeAll(ADA),
    ...watched.slice(10, 30).map(({ sid }, index) => {
      const { sessions } = index % 2 ? there : third;
      return sessions.revoke(`user:${10 + index}`, sid);
    }),
  ]);
  const late = performance.now() - start;
  const times = await Promise.all(watched.slice(0, 30).map(({ isOver }) => isOver));
  for (const time of times) assert(time - start - late < LATEST, `${time - start - late} ms`);
  const reasons = watched.map(({ ended }) => ended.reason);
  assertEquals(reasons.slice(0, 30).filter((reason) => !["revoked", "ended"].includes(reason)), []);
  assertEquals(reasons.slice(30), Array(10).fill(undefined));
  // One at a time, the reason is known. Records of many are found ended before their counters are read.
  await pause(RECONNECTED);
  await third.sessions.revokeAll("user:30");
  await watched[30]!.isOver;
  assertEquals(watched.slice(30, 32).map(({ ended }) => ended.reason), ["revoked", undefined]);
});

test("Deno KV reports a move, and the end of what has moved", async () => {
  await using server = await DenoKvServer.start();
  await using here = machineOf(await server.open());
  await using there = machineOf(await server.open());
  const app = new Hono().use(there.sessions.middleware()).get("/regenerate", async (c) => {
    await c.var.session.regenerate();
    return c.text("regenerated");
  });
  const { ended, isOver, cookie } = await watch(here.sessions, ADA);
  await pause(SETTLED);
  await app.request("/regenerate", { headers: { cookie } });
  await pause(SETTLED);
  assertEquals(ended.aborted, false);
  const start = performance.now();
  await there.sessions.revokeAll(ADA);
  assert(await isOver - start < LATEST);
  assertEquals(ended.reason, "revoked");
});

test("an end is noticed in time while nobody is notified by Deno KV, and at once afterwards", async () => {
  await using server = await DenoKvServer.start();
  await using proxy = new CuttingProxy(server.url);
  await using here = machineOf(await server.open(proxy.url), 1);
  await using there = machineOf(await server.open());
  for (let time = 0; time < 3; time++) {
    const { isOver, ended } = await watch(here.sessions, ADA);
    await pause(SETTLED);
    proxy.cut();
    const start = performance.now();
    await there.sessions.revokeAll(ADA);
    const delay = await isOver - start;
    assert(delay < LATEST, `${delay} ms`);
    assertEquals(ended.reason, "ended");
    proxy.heal();
  }
  assertEquals(here.errors, []);
  await using slow = machineOf(await server.open(proxy.url));
  const { isOver } = await watch(slow.sessions, ADA);
  await pause(SETTLED);
  proxy.cut();
  await pause(SETTLED);
  proxy.heal();
  // Deno connects again by itself.
  await pause(RECONNECTED);
  const start = performance.now();
  await there.sessions.revokeAll(ADA);
  assert(await isOver - start < LATEST, `${await isOver - start} ms`);
});

test("a server for KV Connect that is killed and restarted ends nobody, and notifies again", async () => {
  await using server = await DenoKvServer.start();
  await using here = machineOf(await server.open(), 1);
  await using there = machineOf(await server.open());
  const [one, two] = [await watch(here.sessions, ADA), await watch(here.sessions, "user:43")];
  await pause(SETTLED);
  await server.kill();
  await pause(2500);
  assertEquals([one.ended.aborted, two.ended.aborted], [false, false]);
  await server.restart();
  const start = performance.now();
  await there.sessions.revokeAll(ADA);
  const delay = await one.isOver - start;
  assert(delay < LATEST, `${delay} ms`);
  assertEquals(two.ended.aborted, false);
  await there.sessions.revokeAll("user:43");
  await two.isOver;
});

test("whoever watches over KV Connect is one stream, which is closed when nobody does", async () => {
  await using server = await DenoKvServer.start();
  const kv = await server.open();
  let [opened, cancelled] = [0, 0];
  const original = kv.watch.bind(kv);
  kv.watch = ((...args: Parameters<typeof original>) => {
    opened++;
    const reader = original(...args).getReader();
    const cancel = () => {
      cancelled++;
      return reader.cancel();
    };
    return { getReader: () => ({ read: () => reader.read(), cancel }) };
  }) as never;
  await using here = machineOf(kv);
  for (let time = 1; time <= 2; time++) {
    const watched = [];
    for (let count = 0; count < 3; count++) watched.push(await watch(here.sessions, ADA));
    await pause(SETTLED);
    assertEquals([opened, cancelled], [time, time - 1]);
    await here.sessions.revokeAll(ADA);
    for (const { isOver } of watched) await isOver;
    await pause(50);
    assertEquals([opened, cancelled], [time, time]);
  }
});
