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
import { FIRST, programs, type Request, rotatingPrograms } from "../_support/model_program.ts";
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

Deno.test("no rule of sessions is broken where one ends within its request by one of two clocks", async () => {
  const late: Request = {
    ...FIRST,
    process: 1,
    after: 1000,
    ops: [{ do: "bind", subject: "ada" }, { do: "save" }],
  };
  const life = { maxAge: 1000, absoluteMaxAge: undefined, rolling: true, rotate: undefined };
  const program = {
    life: { ...life, skew: 30 },
    isStoreAhead: false,
    requests: [late, { ...late, process: 0 }],
    choices: [0, 0, 0, 0, 1],
  };
  await play(program, openMarks, { inCookies: true });
});

Deno.test("no rule of sessions is broken where one of two clocks renews a session without its cookie", async () => {
  const life = { maxAge: 1000, absoluteMaxAge: undefined, rolling: true, rotate: undefined };
  const look: Request = { ...FIRST, ops: [], presents: 0 };
  const program = {
    life: { ...life, skew: 30 },
    isStoreAhead: false,
    requests: [
      {
        ...FIRST,
        ops: [],
        process: 1,
        after: 600,
        ends: "with 500" as const,
        answer: "is lost" as const,
      },
      { ...look, after: 1 },
      { ...look, after: 600 },
    ],
    choices: [],
  };
  await play(program, openMap);
});

/** Some faults are met by one program in thousands: so many are tried that a search in vain is a fault of the model. */
const SEARCH = { numRuns: 60_000, interruptAfterTimeLimit: 400_000, markInterruptAsFailure: true };

/** Searches take a while, and a few runs ask for little. */
const isSkipped = RUNS < 1000;

function finds(what: string, search: () => Promise<void>): void {
  Deno.test({ name: `the model finds ${what}`, ignore: isSkipped, fn: search });
}

async function isFound(rules: ReturnType<typeof rulesHold>): Promise<void> {
  const { errorInstance, interrupted, numRuns } = await fc.check(rules, {
    ...SEARCH,
    endOnFailure: true,
  });
  assert(errorInstance && !interrupted, `nothing was found in ${numRuns} programs`);
  // Anything else is a fault of the tests.
  assert(errorInstance instanceof BrokenRule, String(errorInstance));
}

for (const [bug, open] of BROKEN_STORES) {
  finds(`a store that is broken: ${bug}`, () => isFound(rulesHold(open)));
}

for (const [bug, open] of BROKEN_TRACES) {
  finds(
    `a store that is broken: ${bug}`,
    () => isFound(fc.asyncProperty(rotatingPrograms, (program) => play(program, open))),
  );
}

for (const [name, open] of BROKEN_MARKS) {
  finds(
    `a store of revocations that forgets ${name}`,
    () => isFound(rulesHold(open, { inCookies: true })),
  );
}

for (const [name, bug] of Object.entries(BROKEN_COOKIES)) {
  finds(
    `a cookie store that is broken: ${name}`,
    () => isFound(rulesHold(openMarks, { inCookies: true, bug })),
  );
}

for (const [name, bug] of Object.entries(BROKEN_SESSIONS)) {
  finds(`sessions that are broken: ${name}`, () => isFound(rulesHold(openMap, { bug })));
}
