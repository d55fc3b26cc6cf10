import { createSessions, type SessionStore } from "@x/hono-session";
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

Deno.test("a session is read again within `live.every` seconds, but not by all processes at once", async () => {
  const map = new MapStore();
  const read = Promise.withResolvers<void>();
  let reads = 0;
  const store: SessionStore = new Proxy<SessionStore>(map, {
    get(target, name) {
      if (name === "capabilities") return { ...map.capabilities, watch: false };
      if (name === "read") return (key: string) => (reads++, map.read(key));
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  const [here, there] = [1, 2].map(() => createSessions({ store, live: { every: EVERY } }));
  const { cookie } = await here!.create({ note: "noted" }, { subject: ADA });
  using timers = new HeldTimers();
  const request = new Request("https://app.test/", { headers: { cookie } });
  const { ended } = (await here!.open(request))!;
  ended.addEventListener("abort", () => read.resolve());
  const delays: number[] = [];
  for (let count = 0; count < 20; count++) {
    const before = reads;
    delays.push(timers.fire());
    assertEquals(reads, before + 1);
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert(delays.every((delay) => delay <= EVERY * 1000), `${delays}`);
  assert(Math.max(...delays) - Math.min(...delays) > 1000, `${delays}`);

  await there!.revokeAll(ADA);
  assert(!ended.aborted);
  timers.fire();
  await read.promise;
  assertEquals(ended.reason, "ended");
});
