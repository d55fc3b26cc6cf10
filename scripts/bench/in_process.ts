// Measures one storage by `app.fetch()`, on Deno and on Node. Its argument is the plan; it prints a line of JSON for
// every group of contestants that was measured side by side.
import process from "node:process";
import {
  type Backend,
  counting,
  isInCookie,
  isRemote,
  openBackend,
  type Storage,
} from "./backends.ts";
import { LIBRARIES, makeApp, WITHOUT_SESSION } from "./libraries.ts";
import { cpuClock, measure, warmUp } from "./measure.ts";
import { enter, meetAll, participantsOf } from "./participants.ts";
import { rawOf } from "./raw.ts";
import { cookiesOf, CROWD, requestsOf, SCENARIOS, takesPlace } from "./scenarios.ts";
import { summarize, type Summary } from "./statistics.ts";

/** What is measured in one process. */
export interface Plan {
  readonly storage: Storage;
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly slot: number;
  /** How many operations a contestant does at least in a round. */
  readonly operations: number;
  /** How many operations each does in every scenario before anything is measured. */
  readonly warmUp: number;
}

/** Contestants that were measured in turns. */
export interface Group {
  readonly storage: Storage;
  readonly scenario: string;
  readonly bytes: number;
  readonly inFlight: number;
  /** How many disturbed rounds were measured again. */
  readonly repeated: number;
  readonly results: readonly Result[];
}

/** What was measured of one contestant. */
export interface Result {
  readonly name: string;
  /** Microseconds for one request. */
  readonly total: Summary;
  /** The same over bare Hono, by round. */
  readonly extra: Summary;
  readonly storeCalls?: number;
  readonly setCookieBytes?: number;
}

if (import.meta.main) {
  const plan: Plan = JSON.parse(process.argv[2]!);
  await using backend = await openBackend(plan.storage);
  const { gc } = globalThis as { gc?: (options: { type: "minor" }) => void };
  const options = isRemote(plan.storage)
    ? plan
    : { ...plan, clock: cpuClock, ...(gc ? { collect: () => gc({ type: "minor" }) } : {}) };
  const groups: Group[] = [];
  for (const bytes of plan.sizes) {
    const participants = await participantsOf(backend, { bytes });
    const scenarios = scenariosOf(plan, bytes);
    const raw = await rawOf(backend, bytes);
    // All before the first is measured, or what is measured first would look slower than what comes later.
    for (const scenario of scenarios) {
      await warmUp(await enter(participants, scenario), plan.warmUp);
    }
    await warmUp(raw, plan.warmUp);
    for (const scenario of scenarios) {
      const contestants = await enter(participants, scenario);
      await meetAll(contestants, plan.storage);
      if (scenario === "read") contestants.push(...raw);
      for (const inFlight of crowdsOf(plan, scenario)) {
        const { rounds, repeated } = await measure(contestants, { ...options, inFlight });
        const results = contestants.map(({ name }, at): Result => ({
          name,
          total: summarize(rounds.map((round) => round[at]!)),
          extra: summarize(rounds.map((round) => round[at]! - round[0]!)),
        }));
        const { storage } = plan;
        groups.push({ storage, scenario, bytes, inFlight, repeated, results });
      }
    }
  }
  // Afterwards, as what is counted by a proxy is no longer compiled as what is not.
  for (const group of groups) {
    const results = await Promise.all(
      group.results.map((result) => counted(result, group, backend)),
    );
    console.log(JSON.stringify({ ...group, results }));
  }
}

/** What is measured of a size: all of the first one, and of others what depends on it. */
function scenariosOf({ storage, sizes }: Plan, bytes: number): string[] {
  return Object.keys(SCENARIOS).filter((scenario) =>
    takesPlace(scenario, storage) &&
    (bytes === sizes[0] || scenario === "read" || scenario === "write")
  );
}

/** How many requests are in flight at the same time. Where nothing is waited for, more of them change nothing. */
function crowdsOf({ storage }: Plan, scenario: string): number[] {
  return isRemote(storage) && (scenario === "read" || scenario === "write") ? [1, CROWD] : [1];
}

/** What was measured, with the calls of the store in one request, and the bytes of Set-Cookie in its response. */
async function counted(
  result: Result,
  { scenario, bytes }: Group,
  backend: Backend,
): Promise<Result> {
  const library = LIBRARIES.find(({ name }) => name === result.name);
  if (!library || WITHOUT_SESSION.includes(library)) return result;
  let storeCalls = 0;
  const setup = await library.setUp(counting(backend, () => storeCalls++));
  const app = makeApp(setup!, bytes);
  const [request] = requestsOf(SCENARIOS[scenario]!, await cookiesOf(app, 1));
  storeCalls = 0;
  const response = await app.fetch(request!);
  const setCookieBytes = response.headers.getSetCookie()
    .reduce((sum, line) => sum + new TextEncoder().encode(line).length, 0);
  return { ...result, ...(isInCookie(backend.storage) ? {} : { storeCalls }), setCookieBytes };
}
