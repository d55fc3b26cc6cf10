import { session } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { Gate } from "../_support/gate.ts";

/** How long sessions live, in seconds. */
const LIFE = 3600;

/** A session for which a renewal is due. */
async function setup() {
  let now = Date.UTC(2030, 0);
  const clock = () => now;
  const store = new FaultyStore(new MapStore({ clock }));
  const gate = new Gate();
  const app = new Hono()
    .use(session<{ name?: string }>({
      store,
      clock,
      maxAge: LIFE,
      rolling: true,
      storeTimeout: 0.02,
      logger: { error() {}, warn() {} },
    }))
    .get("/login", (c) => {
      c.var.session.name = "Ada";
      return c.text("welcome");
    })
    .get("/read", (c) => c.text(c.var.session.name ?? "nobody"))
    .get("/wait", async (c) => {
      const { session } = c.var;
      await session.save();
      await gate.pass();
      await session.save();
      return c.text(new Date(session.expiresAt).toISOString());
    });
  const client = new Client(app);
  await client.text("/login");
  now += LIFE / 2 * 1000;
  return { client, store, gate, advance: (seconds: number) => void (now += seconds * 1000) };
}

/** Lets no timer fire that is set from now on, as in a request of Workers whose client is gone. */
function withoutTimers(): Disposable {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
  return { [Symbol.dispose]: () => void (globalThis.setTimeout = setTimeout) };
}

/** The same for the timer that store operations share on Deno. */
function withoutAlarms(): Disposable {
  const { timeout } = AbortSignal;
  AbortSignal.timeout = () => new AbortController().signal;
  return { [Symbol.dispose]: () => void (AbortSignal.timeout = timeout) };
}

Deno.test("a request that stops for ever in a renewal holds up no later one", async () => {
  using _alarms = withoutAlarms();
  const { client, store } = await setup();
  const touched = new Gate();
  {
    using _ = withoutTimers();
    store.inject("touch", () => touched.pass(), 1);
    void client.fetch("/read");
    await touched.arrived();
  }
  const response = await client.fetch("/read");
  assertEquals(await response.text(), "Ada");
  assertMatch(response.headers.getSetCookie()[0]!, /Max-Age=3600/);
});

Deno.test("a long request renews its session again after a failure", async () => {
  const { client, store, gate, advance } = await setup();
  store.inject("touch", "fail", 1);
  const ended = client.text("/wait");
  await gate.arrived();
  advance(600);
  gate.open();
  assertEquals(await ended, "2030-01-01T01:40:00.000Z");
});
