import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { assert } from "@std/assert";
import fc from "fast-check";
import { BROKEN_STORES } from "./_model_bugs.ts";
import { type OpenStore, play, programs } from "./_model_program.ts";

/** How many programs are run. Some twenty thousand say more: `HONO_SESSION_RUNS=20000 deno task test tests/model_test.ts`. */
const RUNS = Number(Deno.env.get("HONO_SESSION_RUNS") ?? 1500);

/** Shrinking a counterexample may take for ever. */
const BOUNDED = { interruptAfterTimeLimit: 60_000 + RUNS * 30, markInterruptAsFailure: true };

function rulesHold(open: OpenStore) {
  return fc.asyncProperty(programs, (program) => play(program, open));
}

Deno.test("no interleaving of requests breaks a rule of sessions: MapStore", async () => {
  const open: OpenStore = ({ clock }) => new MapStore({ clock });
  await fc.assert(rulesHold(open), { numRuns: RUNS, ...BOUNDED });
});

Deno.test("no interleaving of requests breaks a rule of sessions: DenoKvStore", async () => {
  using kv = await Deno.openKv(":memory:");
  const open: OpenStore = ({ clock }) => new DenoKvStore({ kv, clock });
  await fc.assert(rulesHold(open), { numRuns: Math.ceil(RUNS / 10), ...BOUNDED });
});

for (const [bug, open] of BROKEN_STORES) {
  Deno.test(`the model finds a store that is broken: ${bug}`, async () => {
    const { failed, interrupted, numRuns } = await fc.check(rulesHold(open), {
      numRuns: 10_000,
      endOnFailure: true,
      ...BOUNDED,
    });
    assert(failed && !interrupted, `nothing was found in ${numRuns} programs`);
  });
}
