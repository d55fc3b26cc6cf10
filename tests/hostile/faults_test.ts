import {
  createSessions,
  type SessionEvents,
  type SessionOptions,
  type SessionStore,
} from "@x/hono-session";
import { EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
import { MapStore } from "@x/hono-session/stores/map";
import type { StoreOperation } from "@x/hono-session/testing";
import { assert, assertEquals } from "@std/assert";
import { EVENTS } from "../../src/events.ts";
import { Client } from "../_support/client.ts";
import { FakeClock } from "../_support/clock.ts";
import { SECRET } from "../_support/cookie_stores.ts";
import { CANARY, type Data, makeApp, STEPS } from "./_fault_app.ts";
import { type Fault, FaultAt, faultsOf } from "./_fault_at.ts";
import { HeldTimers } from "./_held_timers.ts";

/** Seconds, as no other timer has them. */
const STORE_TIMEOUT = 4321;

interface Setting {
  options?: SessionOptions<Data>;
  /** Where the faults happen to what remembers ended sessions, and the client holds the session. */
  stateless?: boolean;
}

const SETTINGS: Record<string, Setting> = {
  "MapStore": {},
  "a rotated session": { options: { rotate: { every: 0 } } },
  "signed tokens of a rolling session": {
    options: { secret: SECRET, existsCookieName: "exists", rolling: { after: 1 } },
  },
  "one session for each user": {
    options: { maxSessions: { limit: 1 } },
  },
  "one session for each user and no more": {
    options: { maxSessions: { limit: 1, policy: "reject" } },
  },
  'onStoreError: "anonymous"': { options: { onStoreError: "anonymous" } },
  "commitOnError": {
    options: { commitOnError: true },
  },
  "a cookie session with revocations": {
    stateless: true,
  },
};

function setup({ options, stateless = false }: Setting, timers: HeldTimers) {
  const clock = new FakeClock();
  const map = new MapStore({ clock: clock.now, maxEntries: Infinity });
  const faults = new FaultAt(map, () => timers.expire());
  const store: SessionStore = stateless
    ? new EncryptedCookieStore({
      secret: SECRET,
      revocations: new Revocations(faults.store),
      clock: clock.now,
      memo: 0,
    })
    : faults.store;
  const said: unknown[] = [];
  const say = (...args: unknown[]) => void said.push(args);
  const events = Object.fromEntries(
    EVENTS.map((name) => [name, (event: unknown) => say(name, event)]),
  ) as SessionEvents;
  const app = makeApp({
    store,
    clock: clock.now,
    storeTimeout: STORE_TIMEOUT,
    logger: { error: say, warn: say },
    events,
    ...options,
  }, say);
  /** What looks at the same sessions, with nothing that goes wrong. */
  const healthy = createSessions({
    clock: clock.now,
    ...options,
    store: stateless
      ? new EncryptedCookieStore({
        secret: SECRET,
        revocations: new Revocations(map),
        clock: clock.now,
        memo: 0,
      })
      : map,
  });
  const opens = async (cookie: string) => {
    const request = new Request("https://app.test", { headers: { cookie } });
    return await healthy.open(request) !== undefined;
  };
  return { client: new Client(app), clock, faults, opens, said };
}

interface Run {
  setting: Setting;
  loggedIn: boolean;
  step: string;
  place?: { at: number; fault: Fault };
}

/** What a data object holds of what the model knows. */
function whole({ a, b, name, count }: Data): Data {
  return JSON.parse(JSON.stringify({ a, b, name, count }));
}

/** The states in which the data may be found. */
function allowed({ setting, step, place }: Run, before: Data): Data[] {
  const { stateless, options } = setting;
  const fault = place?.fault;
  const { model: usual, between, kept } = STEPS[step]!;
  const model = options?.commitOnError && kept || usual;
  if (fault === undefined) return [model(before)];
  // Where the older cookies are marked as dead first, a failure after that ends the session.
  const ended = stateless && /login/.test(step) ? [{}] : [];
  const states = [...ended, before, model(before), ...(between ? [between(before)] : [])];
  // Nothing was done, and that was said.
  if (fault === "fail" || fault === "hang") return states;
  // Something was done and denied, or the other way round: the session may be lost, and another one begun.
  // What is done twice because it was denied counts twice: a store is to know its own writes.
  return [...states, {}, model({}), ...(between ? [between({})] : []), model(model(before))];
}

/** Does a step, at one of whose calls something goes wrong, looks at everything that is left, and tells the calls. */
async function run(
  { setting, loggedIn, step, place }: Run,
  timers: HeldTimers,
): Promise<StoreOperation[]> {
  const { client, clock, faults, opens, said } = setup(setting, timers);
  const fault = place?.fault;
  const name = `${loggedIn ? "user" : "visitor"}, ${step}, ${fault} at call ${place?.at}`;
  if (loggedIn) await client.text("/login");
  const before = whole(await client.json("/read") as Data);
  clock.advance(2);
  const thief = await client.thief();
  const old = await client.cookie();
  said.length = 0;

  faults.arm(place);
  const response = await client.fetch(`/${step}`, { redirect: "manual" });
  const calls = [...faults.calls];
  const [line, more] = response.headers.getSetCookie().filter((each) => each.startsWith("sid="));
  const body = await response.text();
  const what = `${name} of ${calls}: ${response.status} ${body} ${line}`;
  assertEquals(more, undefined, what);
  assert([200, 302, 403, 409, 500, 503].includes(response.status), what);
  if (line) {
    const clears = line.startsWith("sid=;");
    const lives = await opens(clears ? old : line.split(";")[0]!);
    if (clears) assert(!lives || wrong(fault), `cleared, and not ended: ${what}`);
    else assert(lives || fault === "lose", `a cookie for a session that was not saved: ${what}`);
  }
  await faults.heal();

  const after = whole(await client.json("/read") as Data);
  const states = allowed({ setting, loggedIn, step, ...(place ? { place } : {}) }, before);
  assert(
    states.some((state) => JSON.stringify(sorted(state)) === JSON.stringify(sorted(after))),
    `${JSON.stringify(after)}, ${what}`,
  );
  if (loggedIn && step === "logout" && response.status === 200 && !wrong(fault)) {
    assertEquals(await thief.json("/read"), {}, `the copy of an ended session: ${what}`);
  }
  if (step !== "read" && step !== "list") {
    const text = Deno.inspect([said, body], { depth: 12 });
    assert(!text.includes(CANARY) && !text.includes(SECRET), `${what}: ${text}`);
    assert(!/[\w-]{43}/.test(text), `${what}: ${text}`);
  }
  if (after.name === undefined) await client.text("/logout");
  const again = await client.fetch("/login", { redirect: "manual" });
  await again.body?.cancel();
  if (again.status !== 403) {
    assertEquals((await client.json("/read") as Data).name, `${CANARY}-Ada`, `no login: ${what}`);
  }
  return calls;
}

const sorted = (data: Data) => Object.entries(data).sort();

/** Whether a store said that something was done that was not, or that there was nothing to do it to. */
function wrong(fault: Fault | undefined): boolean {
  return fault === "lose" || fault === "tear";
}

for (const [name, setting] of Object.entries(SETTINGS)) {
  Deno.test(`faults: at every call of every request nothing is half done, pretended or told to anybody, with ${name}`, async () => {
    const unhandled: unknown[] = [];
    const listener = (event: PromiseRejectionEvent) => {
      event.preventDefault();
      unhandled.push(event.reason);
    };
    addEventListener("unhandledrejection", listener);
    let faults = 0;
    try {
      using timers = new HeldTimers(STORE_TIMEOUT * 1000);
      for (const step of Object.keys(STEPS)) {
        for (const loggedIn of [false, true]) {
          const calls = await run({ setting, loggedIn, step }, timers);
          for (const [at, operation] of calls.entries()) {
            for (const fault of faultsOf(operation)) {
              const place = { at, fault };
              const met = await run({ setting, loggedIn, step, place }, timers);
              assertEquals(met[at], operation, "the fault has happened");
              faults++;
            }
          }
        }
      }
      await new Promise((resolve) => setTimeout(resolve));
    } finally {
      removeEventListener("unhandledrejection", listener);
    }
    assertEquals(unhandled, []);
    assert(faults > 200, `${faults} faults`);
  });
}
