// Measures one storage by `app.fetch()`, on Deno and on Node. Its argument is the plan; it prints a line of JSON for
// every group of contestants that was measured side by side.
import process from "node:process";
import type { Hono } from "hono";
import { type Backend, counting, openBackend, type Storage } from "./backends.ts";
import type { Library } from "./contestants.ts";
import { floor, floorAndPromises } from "./floors.ts";
import { LIBRARIES, makeApp, WITHOUT_SESSION } from "./libraries.ts";
import { type Contestant, cpuClock, heat, measure } from "./measure.ts";
import { lazy } from "./ours.ts";
import { rawOf } from "./raw.ts";
import { cookiesOf, requestsOf, type Scenario, SCENARIOS, verify } from "./scenarios.ts";
import { summarize, type Summary } from "./statistics.ts";

/** How many different visitors ask in turn: what is kept in cookies is to be seen for the first time. */
const VISITORS = 200;
const MORE_THAN_ARE_REMEMBERED = 1100;

/** What is measured in one process. */
export interface Plan {
  readonly storage: Storage;
  readonly sizes: readonly number[];
  readonly inFlight: readonly number[];
  readonly rounds: number;
  readonly slot: number;
  readonly warmUp: number;
  /** How many operations a contestant does at least in a round. */
  readonly operations: number;
  /** How long each runs in every scenario before anything is measured, in milliseconds. */
  readonly heat: number;
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
  const isRemote = plan.storage === "deno-kv" || plan.storage === "redis";
  const options = isRemote
    ? plan
    : { ...plan, clock: cpuClock, ...(gc ? { collect: () => gc({ type: "minor" }) } : {}) };
  const groups: Group[] = [];
  for (const bytes of plan.sizes) {
    const participants = await participantsOf(backend, bytes);
    const isFirst = bytes === plan.sizes[0];
    for (const scenario of isFirst ? scenariosOf(plan, bytes) : []) {
      await heat(await enter(participants, scenario), { milliseconds: plan.heat });
    }
    const raw = await rawOf(backend, bytes);
    if (isFirst) await heat(raw, { milliseconds: plan.heat });
    for (const scenario of scenariosOf(plan, bytes)) {
      const contestants = await enter(participants, scenario);
      if (scenario === "read") contestants.push(...raw);
      for (const inFlight of plan.inFlight) {
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

function scenariosOf({ storage, sizes }: Plan, bytes: number): string[] {
  return Object.keys(SCENARIOS).filter((scenario) =>
    // Without a session there is nothing of that size.
    scenario === "no cookie" ? bytes === sizes[0] : scenario !== "read again" || isInCookie(storage)
  );
}

function isInCookie(storage: Storage): boolean {
  return storage === "sealed" || storage === "encrypted" || storage === "signed";
}

/** A library with an application, and the cookies of its visitors. */
interface Participant {
  readonly library: Library;
  readonly app: Hono;
  readonly cookies: readonly string[];
}

/** Sets everything up that can keep sessions there, bare Hono first. */
async function participantsOf(backend: Backend, bytes: number): Promise<Participant[]> {
  const participants: Participant[] = [];
  const visitors = isInCookie(backend.storage) ? MORE_THAN_ARE_REMEMBERED : VISITORS;
  // What is without sessions gets requests like those of the floor.
  const standIn = makeApp((await floor.setUp(backend))!, bytes);
  const standIns = await cookiesOf(standIn, visitors);
  for (const library of LIBRARIES) {
    const setup = await library.setUp(backend);
    if (!setup) continue;
    const app = makeApp(setup, bytes);
    const isWithout = WITHOUT_SESSION.includes(library);
    if (!isWithout) await verify(app, library.name);
    participants.push({
      library,
      app,
      cookies: isWithout ? standIns : await cookiesOf(app, visitors),
    });
  }
  return participants;
}

/** Makes the contestants of a scenario. */
async function enter(
  participants: readonly Participant[],
  name: string,
): Promise<Contestant[]> {
  const scenario = SCENARIOS[name]!;
  const contestants: Contestant[] = [];
  for (const { library, app, cookies } of participants) {
    if (!takesPart(library, scenario)) continue;
    const contestant = visiting(library.name, app, requestsOf(scenario, cookies));
    const { status } = await contestant.run() as Response;
    if (status !== 200) throw new Error(`Cannot measure ${library.name}: it answers ${status}`);
    contestants.push(contestant);
  }
  return contestants;
}

/** Whether a library has something to do in a scenario. */
function takesPart(library: Library, { touched }: Scenario): boolean {
  if (library === lazy) return !touched;
  // Nothing can't be left out there.
  return touched || library !== floor && library !== floorAndPromises;
}

function visiting(
  name: string,
  app: Hono,
  requests: readonly Request[],
): Contestant {
  let next = 0;
  return {
    name,
    run() {
      const request = requests[next]!;
      next = next + 1 === requests.length ? 0 : next + 1;
      return app.fetch(request);
    },
  };
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
