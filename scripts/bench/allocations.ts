// Counts the bytes that a request allocates by `app.fetch()`, on Deno and on Node, where `COUNTING` keeps V8 from
// collecting them. Its argument is the plan; it prints a line of JSON for every scenario.
import process from "node:process";
import { Answers } from "./answers.ts";
import { openBackend, type Storage } from "./backends.ts";
import { LIBRARIES } from "./libraries.ts";
import { type Contestant, warmUp } from "./measure.ts";
import { enter, meetAll, participantsOf } from "./participants.ts";
import { SCENARIOS, takesPlace } from "./scenarios.ts";

/** What is counted in one process. */
export interface AllocationPlan {
  readonly storage: Storage;
  /** The size of the data. */
  readonly bytes: number;
  /** How many requests each gets before anything is counted. */
  readonly warmUp: number;
  /** How many are counted together. */
  readonly requests: number;
  /** Whether Redis answers no more than once, so that what its client allocates makes no difference. */
  readonly isReplayed?: boolean;
  /** @default all of them */
  readonly scenarios?: readonly string[];
  /** @default all of them */
  readonly libraries?: readonly string[];
}

/** What a request of one scenario allocates. */
export interface Allocations {
  readonly storage: Storage;
  readonly scenario: string;
  readonly bytes: number;
  /** Bytes, by contestant. */
  readonly allocated: Record<string, number>;
}

/** How often requests are counted. */
const TIMES = 3;

const collect = (globalThis as { gc?: () => void }).gc;

if (import.meta.main) {
  const plan: AllocationPlan = JSON.parse(process.argv[2]!);
  const { storage, bytes, libraries, scenarios = Object.keys(SCENARIOS) } = plan;
  await using backend = await openBackend(storage);
  const answers = plan.isReplayed && backend.redis ? new Answers(backend.redis) : undefined;
  const participants = await participantsOf(
    answers ? { ...backend, redis: answers.client } : backend,
    {
      bytes,
      libraries: LIBRARIES.filter(({ name }) => !libraries || libraries.includes(name)),
    },
  );
  const entered = new Map<string, Contestant[]>();
  for (const scenario of scenarios.filter((scenario) => takesPlace(scenario, storage))) {
    entered.set(scenario, await enter(participants, scenario));
  }
  answers?.replay();
  // All before the first is counted: they have code in common, which is not compiled for the first of them yet.
  for (const contestants of entered.values()) await warmUp(contestants, plan.warmUp);
  for (const [scenario, contestants] of entered) {
    const allocated: Record<string, number> = {};
    for (const contestant of contestants) {
      await meetAll([contestant], storage);
      allocated[contestant.name] = await bytesOf(contestant, plan.requests);
    }
    console.log(JSON.stringify({ storage, scenario, bytes, allocated } satisfies Allocations));
  }
}

/** How many bytes an operation allocates. */
async function bytesOf(contestant: Contestant, requests: number): Promise<number> {
  const counts: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    collect!();
    const before = process.memoryUsage().heapUsed;
    await warmUp([contestant], requests);
    counts.push((process.memoryUsage().heapUsed - before) / requests);
  }
  // What else the process does comes on top.
  return Math.round(Math.min(...counts));
}
