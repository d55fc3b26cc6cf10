import { session, SessionEndedError } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import type { SessionStore } from "@x/hono-session";
import { FaultyStore } from "@x/hono-session/testing";
import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Hono } from "hono";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";

const MAX_AGE = 1000;

/** How many visits are tried with a `Map`. */
const RUNS = Number(Deno.env.get("HONO_SESSION_RUNS") ?? 2000);

/** Shrinking a counterexample may take for ever. */
const BOUNDED = { interruptAfterTimeLimit: 60_000 + RUNS * 100, markInterruptAsFailure: true };

/** What a handler does to the session. */
type Step =
  | { do: "set"; key: string; value: fc.JsonValue }
  | { do: "delete"; key: string }
  | { do: "push"; key: string }
  | { do: "flash"; key: string; value: fc.JsonValue }
  | { do: "reflash" | "regenerate" | "destroy" | "begin" | "save" | "renew" | "discard" };

interface Visit {
  /** Seconds since the visit before. */
  after: number;
  steps: Step[];
  ends: "well" | "with an error" | "with a failing store";
}

const key = fc.constantFrom("a", "b", "__proto__", "constructor");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key, value: fc.jsonValue({ maxDepth: 1 }) }),
  fc.record({ do: fc.constant("delete" as const), key }),
  fc.record({ do: fc.constant("push" as const), key }),
  fc.record({
    do: fc.constant("flash" as const),
    key,
    value: fc.oneof(fc.integer(), fc.array(fc.integer(), { maxLength: 2 })),
  }),
  fc.record({
    do: fc.constantFrom(
      ...["reflash", "regenerate", "destroy", "begin", "save", "renew", "discard"] as const,
    ),
  }),
);
const visit: fc.Arbitrary<Visit> = fc.record({
  after: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, {
    weight: 1,
    arbitrary: fc.constant(MAX_AGE),
  }),
  steps: fc.array(step, { maxLength: 5 }),
  ends: fc.oneof(
    { weight: 6, arbitrary: fc.constant("well" as const) },
    { weight: 1, arbitrary: fc.constant("with an error" as const) },
    { weight: 1, arbitrary: fc.constant("with a failing store" as const) },
  ),
});

type Values = Map<string, fc.JsonValue>;
type Loose = Record<string, unknown> & {
  destroy(): void;
  reflash(): void;
  renew(): void;
  regenerate(): Promise<void>;
  save(): Promise<void>;
  discard(): void;
  flash(key: string, value: unknown): void;
};

/** A flashed value, and whether this request flashed it. */
interface Flash {
  value: fc.JsonValue;
  fresh: boolean;
}

/** A session as plain as it can be: what it should be, without stores, cookies or commits. */
class Model {
  #stored: { data: Values; flash: Values; expiresAt: number } | undefined;
  #data: Values | null = new Map();
  #flash = new Map<string, Flash>();
  #reflash = false;
  #renew = false;
  #ended = false;
  /** What `discard()` goes back to. */
  #saved = { data: new Map() as Values, flash: new Map<string, Flash>(), reflash: false };

  begin(now: number): void {
    if (this.#stored && now >= this.#stored.expiresAt) this.#stored = undefined;
    this.#data = new Map(this.#stored?.data);
    this.#flash = new Map(
      [...this.#stored?.flash ?? []].map(([key, value]) => [key, { value, fresh: false }]),
    );
    this.#reflash = this.#renew = this.#ended = false;
    this.#keep();
  }

  #keep(): void {
    const [data, flash] = [new Map(this.#data), new Map(this.#flash)];
    this.#saved = { data, flash, reflash: this.#reflash };
  }

  /** What the handler reads: flashed values over data. */
  get shown(): Values {
    if (!this.#data) return new Map();
    return new Map([
      ...this.#data,
      ...[...this.#flash].map(([key, { value }]) => [key, value] as const),
    ]);
  }

  /** Whether the handler has ended the session, and begun no other. */
  get isEnded(): boolean {
    return this.#data === null;
  }

  apply(step: Step, now: number): void {
    if (step.do === "begin" && !this.#data) {
      this.#data = new Map([["begun", true]]);
      this.#flash = new Map();
      this.#reflash = this.#renew = false;
      this.#saved = { data: new Map(), flash: new Map(), reflash: false };
    }
    if (!this.#data) return;
    if (step.do === "discard") {
      this.#data = new Map(this.#saved.data);
      this.#flash = new Map(this.#saved.flash);
      this.#reflash = this.#saved.reflash;
      this.#renew = false;
    }
    if (step.do === "set") this.#set(step.key, step.value);
    if (step.do === "delete") {
      this.#data.delete(step.key);
      this.#flash.delete(step.key);
    }
    if (step.do === "push") {
      const flash = this.#flash.get(step.key);
      const list = flash ? flash.value : this.#data.get(step.key);
      if (!Array.isArray(list)) this.#set(step.key, [1]);
      else if (flash) this.#flash.set(step.key, { ...flash, value: [...list, 1] });
      else this.#data.set(step.key, [...list, 1]);
    }
    if (step.do === "flash") this.#flash.set(step.key, { value: step.value, fresh: true });
    if (step.do === "reflash") this.#reflash = true;
    if (step.do === "renew") this.#renew = true;
    if (step.do === "destroy") {
      this.#data = null;
      this.#ended = true;
    }
    if (step.do === "save") {
      this.#commit(now, false);
      this.#keep();
    }
  }

  /** Ends a visit. A handler that failed keeps what it saved and what it ended. */
  finish(now: number, failed: boolean): void {
    if (this.#ended) {
      this.#ended = false;
      this.#stored = undefined;
    }
    if (!failed) this.#commit(now, true);
  }

  #set(key: string, value: fc.JsonValue): void {
    this.#data!.set(key, value);
    this.#flash.delete(key);
  }

  #commit(now: number, last: boolean): void {
    if (!this.#data) return;
    if (this.#ended) {
      // The session before is deleted when the request ends, whatever is stored in its place.
      this.#stored = undefined;
      this.#ended = false;
    }
    const flash: Values = new Map();
    for (const [key, { value, fresh }] of this.#flash) {
      if (fresh || this.#reflash || !last) flash.set(key, value);
    }
    if (!this.#stored && this.#data.size + flash.size === 0) return;
    const expiresAt = this.#stored && !this.#renew ? this.#stored.expiresAt : now + MAX_AGE * 1000;
    this.#stored = { data: new Map(this.#data), flash, expiresAt };
    this.#renew = false;
  }
}

function plain(values: Values): unknown {
  return [...values].map(([key, value]) => [key, JSON.stringify(value)]).sort();
}

async function act(
  c: { set(key: "session", value: never): void },
  { session, step }: { session: Loose; step: Step },
) {
  switch (step.do) {
    case "set":
      return session[step.key] = structuredClone(step.value);
    case "delete":
      return delete session[step.key];
    case "push": {
      const own = Object.hasOwn(session, step.key) ? session[step.key] : undefined;
      if (Array.isArray(own)) own.push(1);
      else session[step.key] = [1];
      return;
    }
    case "flash":
      return session.flash(step.key, structuredClone(step.value));
    case "begin":
      return c.set("session", { begun: true } as never);
    default:
      return await session[step.do]();
  }
}

async function agrees(visits: Visit[], open: (clock: FakeClock) => SessionStore): Promise<void> {
  const clock = new FakeClock();
  const watch = new FaultyStore(open(clock));
  const model = new Model();
  let current: Visit;
  const app = new Hono()
    .use(session({
      store: watch,
      clock: clock.now,
      maxAge: MAX_AGE,
      logger: { error() {}, warn() {} },
    }))
    .get("/", async (c) => {
      const get = () => c.get("session") as unknown as Loose;
      const read = () =>
        Object.entries(get()).map(([key, value]) => [key, JSON.stringify(value)]).sort();
      assertEquals(read(), plain(model.shown), "what is read at first");
      for (const step of current.steps) {
        const doStep = async () => await act(c as never, { session: get(), step });
        if (step.do === "begin") {
          if (model.isEnded) await doStep();
        } else if (model.isEnded && step.do !== "destroy" && step.do !== "discard") {
          await assertRejects(doStep, SessionEndedError);
        } else await doStep();
        model.apply(step, clock.now());
        assertEquals(read(), plain(model.shown), `what is read after ${step.do}`);
      }
      if (current.ends === "with a failing store") {
        watch.inject("all", "fail");
      }
      if (current.ends === "with an error") throw new Error("handler failed");
      return c.text("done");
    })
    .onError((error, c) => c.text(error.message, error.message === "handler failed" ? 500 : 503));
  const client = new Client(app);
  for (current of visits) {
    clock.advance(current.after);
    model.begin(clock.now());
    const response = await client.fetch("/");
    const text = await response.text();
    watch.heal();
    // When the store failed and nothing was saved before, nothing has happened.
    if (response.status === 503) {
      assertEquals(text, "Service Unavailable");
      assertEquals(current.ends, "with a failing store");
      if (!current.steps.some((step) => step.do === "save")) {
        assertEquals(response.headers.getSetCookie(), []);
      }
      continue;
    }
    assertEquals(response.status, current.ends === "with an error" ? 500 : 200, text);
    model.finish(clock.now(), current.ends === "with an error");
  }
}

// Saving and then failing, or ending one session and saving the next, is where a model would have to know
// the order of store calls; those have tests of their own.
const visits = fc.array(visit, { maxLength: 8 }).filter((all) =>
  all.every(({ ends, steps }) => ends === "well" || steps.every((step) => step.do !== "save"))
);

Deno.test("sessions agree with a plain model, whatever handlers do: MapStore", async () => {
  await fc.assert(
    fc.asyncProperty(visits, (all) => agrees(all, (clock) => new MapStore({ clock: clock.now }))),
    { numRuns: RUNS, ...BOUNDED },
  );
});

Deno.test("sessions agree with a plain model, whatever handlers do: DenoKvStore", async () => {
  using kv = await Deno.openKv(":memory:");
  await fc.assert(
    fc.asyncProperty(
      visits,
      (all) => agrees(all, (clock) => new DenoKvStore({ kv, clock: clock.now })),
    ),
    { numRuns: Math.ceil(RUNS / 10), ...BOUNDED },
  );
});
