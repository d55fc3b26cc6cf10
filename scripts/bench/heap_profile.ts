// Shows where the bytes of a request come from, by a sampling heap profile. Its argument is the plan; it prints a line of JSON
// for every function of the library that is among the largest sources, and for all of Hono and the runtime together.
import { Session } from "node:inspector";
import process from "node:process";
import { openBackend, type Storage } from "./backends.ts";
import { warmUp } from "./measure.ts";
import { ours } from "./ours.ts";
import { enter, participantsOf } from "./participants.ts";

/** What is profiled. */
export interface ProfilePlan {
  readonly storage: Storage;
  readonly scenario: string;
}

/** A function and the bytes that it allocates for a request. */
export interface Source {
  readonly name: string;
  readonly bytes: number;
}

const WARM_UP = 10_000;
const REQUESTS = 10_000;
/** After how many bytes a sample is taken, about. */
const INTERVAL = 512;
const MOST = 10;
const ELSEWHERE = "Hono and the runtime";

/** A function in a profile, with those that it calls. */
interface ProfileNode {
  readonly callFrame: { functionName: string; url: string; lineNumber: number };
  readonly selfSize: number;
  readonly children: readonly ProfileNode[];
}

if (import.meta.main) {
  const { storage, scenario }: ProfilePlan = JSON.parse(process.argv[2]!);
  await using backend = await openBackend(storage);
  const contestants = await enter(
    await participantsOf(backend, { bytes: 200, libraries: [ours] }),
    scenario,
  );
  await warmUp(contestants, WARM_UP);
  const session = new Session();
  session.connect();
  await post(session, "HeapProfiler.startSampling", {
    samplingInterval: INTERVAL,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await warmUp(contestants, REQUESTS);
  const { profile } = await post<{ profile: { head: ProfileNode } }>(
    session,
    "HeapProfiler.stopSampling",
  );
  session.disconnect();
  const sources = new Map<string, number>();
  add(sources, profile.head);
  const elsewhere = sources.get(ELSEWHERE)!;
  sources.delete(ELSEWHERE);
  const sorted = [...sources].sort(([, one], [, other]) => other - one);
  const rest = sorted.slice(MOST).reduce((sum, [, size]) => sum + size, 0);
  const shown = [...sorted.slice(0, MOST), ["other functions", rest], [ELSEWHERE, elsewhere]];
  for (const [name, size] of shown as [string, number][]) {
    console.log(JSON.stringify({ name, bytes: Math.round(size / REQUESTS) } satisfies Source));
  }
}

function post<Answer>(session: Session, method: string, params: object = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    session.post(method, params, (error: Error | null, answer?: object) => {
      if (error) reject(error);
      else resolve(answer as Answer);
    });
  });
}

/** Adds what a function has allocated itself, and those that it calls. */
function add(sources: Map<string, number>, { callFrame, selfSize, children }: ProfileNode): void {
  const { functionName, url, lineNumber } = callFrame;
  const file = /(?:src|stores)\/[^:]+$/.exec(url)?.[0];
  const name = file ? `${functionName || "(anonymous)"} ${file}:${lineNumber + 1}` : ELSEWHERE;
  sources.set(name, (sources.get(name) ?? 0) + selfSize);
  for (const child of children) add(sources, child);
}
