import vm from "node:vm";
import v8 from "node:v8";
import { createSessions, type SessionStore } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { ROOT } from "../../scripts/paths.ts";
import { SessionManager } from "../../src/manager/session_manager.ts";
import { makeMiddleware } from "../../src/middleware/middleware.ts";
import type { SessionEnv } from "../../src/middleware/env.ts";
import { checkOptions } from "../../src/options/check_options.ts";
import { Sessions } from "../../src/request/sessions.ts";

const STREAMS = 10_000;

/** How many bytes may be left of each stream. */
const LEFT = 200;

const setUp = (store: SessionStore) => {
  const config = checkOptions({ store });
  const sessions = new Sessions(config);
  const app = new Hono<SessionEnv>().use(makeMiddleware(config, sessions)).get(
    "/",
    (c) =>
      streamSSE(c, async (stream) => {
        const { ended } = c.var.session;
        ended.addEventListener("abort", () => stream.abort());
        await new Promise<void>((resolve) => {
          ended.addEventListener("abort", () => resolve());
          stream.onAbort(resolve);
        });
      }),
  );
  return { app, sessions, manager: new SessionManager(config) };
};

Deno.test("10,000 streams that were opened and closed leave nothing behind", async () => {
  await assertNoLeak(new MapStore());
});

Deno.test({
  name:
    "10,000 streams that were opened and closed leave nothing behind in a store that notifies of single records",
  // So many operations share a timer, which goes on for a while.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    using kv = await Deno.openKv(":memory:");
    await assertNoLeak(new DenoKvStore({ kv }));
  },
});

/** Returns the garbage collection. */
function exposeGc(): () => void {
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc");
}

async function assertNoLeak(store: SessionStore): Promise<void> {
  const collect = exposeGc();
  const { app, sessions, manager } = setUp(store);
  const { cookie } = await manager.create({}, { subject: "user:42" });
  const open = async (count: number) => {
    for (let left = count; left > 0; left -= 100) {
      const responses = await Promise.all(
        Array.from({ length: 100 }, () => app.request("/", { headers: { cookie } })),
      );
      assertEquals(sessions.config.ends.size, 100);
      await Promise.all(responses.map(({ body }) => body!.cancel()));
      assertEquals(sessions.config.ends.size, 0);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
    return v8.getHeapStatistics().used_heap_size;
  };
  const before = await open(2000);
  const after = await open(STREAMS);
  assert(after - before < STREAMS * LEFT, `${(after - before) / STREAMS} bytes of each stream`);
}

Deno.test("a signal of which only what AbortSignal.any() made of it is left aborts all the same", async () => {
  const collect = exposeGc();
  const store = new MapStore();
  const [here, there] = [1, 2].map(() => createSessions({ store, live: { every: 0.01 } }));
  const { cookie } = await here!.create({}, { subject: "user:42" });
  const open = async () => {
    const session = await here!.open(new Request("http://app.test/", { headers: { cookie } }));
    return AbortSignal.any([session!.ended]);
  };
  const any = await open();
  for (let times = 0; times < 3; times++) {
    await new Promise((resolve) => setTimeout(resolve));
    collect();
  }
  await there!.revokeAll("user:42");
  for (let waited = 0; waited < 1000 && !any.aborted; waited++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(any.reason, "revoked");
});

Deno.test("a process ends although somebody waits for the end of a session", async () => {
  const program = `
    import { createSessions } from "@x/hono-session";
    import type { SessionStore } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
    const sessions = createSessions({ store: new MapStore() });
    const { cookie } = await sessions.create({ name: "Ada" });
    const session = await sessions.open(new Request("http://app.test/", { headers: { cookie } }));
    session.ended.addEventListener("abort", () => {});
    console.log(session.ended.aborted);`;
  const importMap = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  const child = new Deno.Command(Deno.execPath(), {
    cwd: new URL(ROOT),
    args: ["run", "-A", "--quiet", ...(importMap ? [`--import-map=${importMap}`] : []), "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const { code, stdout } = await child.output();
  clearTimeout(timer);
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "false\n"]);
});
