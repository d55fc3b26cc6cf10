import type { Hono } from "hono";
import { type Backend, isInCookie, type Storage } from "./backends.ts";
import type { Library } from "./contestants.ts";
import { floor, floorAndPromises } from "./floors.ts";
import { LIBRARIES, makeApp, WITHOUT_SESSION } from "./libraries.ts";
import { type Contestant, warmUp } from "./measure.ts";
import { lazy } from "./ours.ts";
import { cookiesOf, requestsOf, type Scenario, SCENARIOS, verify } from "./scenarios.ts";

/** How many different visitors ask in turn. */
const VISITORS = 200;
/** The same where the client holds its session, which is to be seen for the first time. */
const MORE_THAN_ARE_REMEMBERED = 1100;

/** A library with an application, and the cookies of its visitors. */
export interface Participant {
  readonly library: Library;
  readonly app: Hono;
  readonly cookies: readonly string[];
}

/** Sets everything up that can keep sessions there, bare Hono first. */
export async function participantsOf(
  backend: Backend,
  { bytes, libraries = LIBRARIES }: { bytes: number; libraries?: readonly Library[] },
): Promise<Participant[]> {
  const participants: Participant[] = [];
  const visitors = isInCookie(backend.storage) ? MORE_THAN_ARE_REMEMBERED : VISITORS;
  // What is without sessions gets requests like those of the floor.
  const standIn = makeApp((await floor.setUp(backend))!, bytes);
  const standIns = await cookiesOf(standIn, visitors);
  for (const library of libraries) {
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
export async function enter(
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

/**
 * Lets contestants meet each of their visitors once more. What is remembered of cookies is theirs then: another contestant of
 * the same application may just have come with those that are next.
 */
export async function meetAll(contestants: readonly Contestant[], storage: Storage): Promise<void> {
  if (isInCookie(storage)) await warmUp(contestants, MORE_THAN_ARE_REMEMBERED);
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
