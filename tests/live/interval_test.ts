import {
  createSessions,
  type Session,
  type SessionManager,
  type SessionRecord,
  type SessionStore,
} from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { assert, assertEquals } from "@std/assert";

const ADA = "user:42";
/** Seconds between two polls at most. */
const EVERY = 40;

/** Timers that fire when a test says so. */
class HeldTimers implements Disposable {
  #held: { id: number; delay: number; fire: () => void } | undefined;
  #ahead = 0;
  readonly #setTimeout = globalThis.setTimeout;
  readonly #now = performance.now;

  constructor() {
    performance.now = () => this.#now.call(performance) + this.#ahead;
    globalThis.setTimeout = Object.assign(
      (...[fire, delay = 0, ...rest]: Parameters<typeof setTimeout>) => {
        const timer = this.#setTimeout(fire, delay, ...rest);
        if (delay > 1000) this.#held = { id: Number(timer), delay, fire: () => fire(...rest) };
        return timer;
      },
      this.#setTimeout,
    );
  }

  /** Lets the time pass until the last timer of over a second fires, and returns its milliseconds. */
  fire(): number {
    const { id, delay, fire } = this.#held!;
    clearTimeout(id);
    this.#ahead += delay;
    fire();
    return delay;
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
    performance.now = this.#now;
  }
}

/** Two managers of one store that notifies of nothing, and how often a session has been read. */
function setUp(read: (record: SessionRecord | undefined) => SessionRecord | undefined) {
  const map = new MapStore();
  const counts = { reads: 0 };
  const store: SessionStore = new Proxy<SessionStore>(map, {
    get(target, name) {
      if (name === "capabilities") return { ...map.capabilities, watch: false };
      if (name === "read") return (key: string) => (counts.reads++, read(map.read(key)));
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const managers = [1, 2].map(() => createSessions({ store, live: { every: EVERY } }));
  return { here: managers[0]!, there: managers[1]!, counts };
}

async function openSession(sessions: SessionManager): Promise<Session> {
  const { cookie } = await sessions.create({ note: "noted" }, { subject: ADA });
  return (await sessions.open(new Request("https://app.test/", { headers: { cookie } })))!;
}

Deno.test("a session is read again within `live.every` seconds, but not by all processes at once", async () => {
  const read = Promise.withResolvers<void>();
  const { here, there, counts } = setUp((record) => record);
  using timers = new HeldTimers();
  const { ended } = await openSession(here);
  ended.addEventListener("abort", () => read.resolve());
  const delays: number[] = [];
  for (let count = 0; count < 20; count++) {
    const before = counts.reads;
    delays.push(timers.fire());
    assertEquals(counts.reads, before + 1);
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert(delays.every((delay) => delay <= EVERY * 1000), `${delays}`);
  assert(Math.max(...delays) - Math.min(...delays) > 1000, `${delays}`);

  await there.revokeAll(ADA);
  assert(!ended.aborted);
  timers.fire();
  await read.promise;
  assertEquals(ended.reason, "ended");
});

Deno.test({
  name: "a session that is being moved is read no more, and leaves no timer, once nobody listens",
  sanitizeOps: true,
  sanitizeResources: true,
  async fn() {
    let isMoving = false;
    const { here, counts } = setUp((record) =>
      isMoving && record ? { ...record, trace: "replaced", data: "{}" } : record
    );
    using timers = new HeldTimers();
    const session = await openSession(here);
    const listener = () => assert(false, "the session has not ended");
    for (let count = 0; count < 2; count++) {
      isMoving = true;
      session.ended.addEventListener("abort", listener);
      const before = counts.reads;
      timers.fire();
      await new Promise((resolve) => setTimeout(resolve));
      session.ended.removeEventListener("abort", listener);
      await new Promise((resolve) => setTimeout(resolve));
      assertEquals(counts.reads, before + 1);
      isMoving = false;
      // Somebody else listens: it is read at intervals again.
      session.ended.addEventListener("abort", listener);
      timers.fire();
      assertEquals(counts.reads, before + 2);
      await new Promise((resolve) => setTimeout(resolve));
      session.ended.removeEventListener("abort", listener);
    }
  },
});
