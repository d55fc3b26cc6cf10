import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { assert } from "@std/assert";
import fc from "fast-check";
import {
  BROKEN_COOKIES,
  BROKEN_MARKS,
  BROKEN_SESSIONS,
  BROKEN_STORES,
  BROKEN_TRACES,
} from "../_support/model_bugs.ts";
import { BrokenRule } from "../_support/model_history.ts";
import { programs, rotatingPrograms } from "../_support/model_program.ts";
import { play, type PlayOptions } from "../_support/model_run.ts";
import type { OpenStore } from "../_support/model_store.ts";

/** How many programs are run. Some twenty thousand say more: `HONO_SESSION_RUNS=20000 deno task test tests/commit/model_test.ts`. */
const RUNS = Number(Deno.env.get("HONO_SESSION_RUNS") ?? 1500);

/** Shrinking a counterexample may take for ever. */
const BOUNDED = { interruptAfterTimeLimit: 60_000 + RUNS * 30, markInterruptAsFailure: true };

function rulesHold(open: OpenStore, options?: PlayOptions) {
  return fc.asyncProperty(programs, (program) => play(program, open, options));
}

const openMarks: OpenStore = ({ clock }) => new MapStore({ clock, maxEntries: Infinity });
const openMap: OpenStore = ({ clock }) => new MapStore({ clock });

Deno.test("no interleaving of requests breaks a rule of sessions: MapStore", async () => {
  await fc.assert(rulesHold(openMap), { numRuns: RUNS, ...BOUNDED });
});

Deno.test("no interleaving of requests breaks a rule of sessions: DenoKvStore", async () => {
  using kv = await Deno.openKv(":memory:");
  let runs = 0;
  const open: OpenStore = ({ clocks }) => {
    const prefix = [`run ${++runs}`];
    return clocks.map((clock) => new DenoKvStore({ kv, prefix, clock }));
  };
  await fc.assert(rulesHold(open), { numRuns: Math.ceil(RUNS / 10), ...BOUNDED });
});

Deno.test("no interleaving of requests breaks a rule of sessions: EncryptedCookieStore", async () => {
  await fc.assert(rulesHold(openMarks, { inCookies: true }), { numRuns: RUNS, ...BOUNDED });
});

async function isFound(rules: ReturnType<typeof rulesHold>): Promise<void> {
  const { errorInstance, interrupted, numRuns } = await fc.check(rules, {
    numRuns: 10_000,
    endOnFailure: true,
    ...BOUNDED,
  });
  assert(errorInstance && !interrupted, `nothing was found in ${numRuns} programs`);
  // Anything else is a fault of the tests.
  assert(errorInstance instanceof BrokenRule, String(errorInstance));
}

for (const [bug, open] of BROKEN_STORES) {
  Deno.test(`the model finds a store that is broken: ${bug}`, () => isFound(rulesHold(open)));
}

for (const [bug, open] of BROKEN_TRACES) {
  Deno.test(`the model finds a store that is broken: ${bug}`, () =>
    isFound(fc.asyncProperty(rotatingPrograms, (program) => play(program, open))));
}

for (const [name, open] of BROKEN_MARKS) {
  Deno.test(`the model finds a store of revocations that forgets ${name}`, () =>
    isFound(rulesHold(open, { inCookies: true })));
}

for (const [name, bug] of Object.entries(BROKEN_COOKIES)) {
  Deno.test(`the model finds a cookie store that is broken: ${name}`, () =>
    isFound(rulesHold(openMarks, { inCookies: true, bug })));
}

for (const [name, bug] of Object.entries(BROKEN_SESSIONS)) {
  Deno.test(`the model finds sessions that are broken: ${name}`, () =>
    isFound(rulesHold(openMap, { bug })));
}
