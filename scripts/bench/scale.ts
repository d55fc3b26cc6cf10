// Measures what grows with the number of sessions, and what an application pays at its start. It prints its findings as
// a line of JSON each.
import process from "node:process";
import { createSessions, session } from "@x/hono-session";
import type { SessionRecord, SessionStore } from "@x/hono-session";
import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
import { MapStore } from "@x/hono-session/stores/map";
import { Hono } from "hono";
import { createHash, randomBytes } from "node:crypto";
import { makeData } from "./data.ts";
import type { Finding } from "./finding.ts";
import { type Contestant, cpuClock, measure, warmUp } from "./measure.ts";
import { starting } from "./starting.ts";
import { summarize } from "./statistics.ts";

/** How much is measured. */
export interface ScalePlan {
  readonly few: number;
  readonly many: number;
  readonly rounds: number;
  readonly slot: number;
}

/** How many sessions of those that are stored ask. */
const VISITORS = 1000;
const DAY = 86_400_000;
const OF_ONE_SUBJECT = 1000;
/** How many entries fit into one commit of Deno KV. */
const PER_COMMIT = 500;

/** How many requests each gets before it is measured. */
const WARM_UP = 4000;

const DATA = makeData(200);

if (import.meta.main) {
  const plan: ScalePlan = JSON.parse(process.argv[2]!);
  for (const part of [inMap, inDenoKv, ofOneSubject, reclaiming, starting]) {
    for (const finding of await part(plan)) console.log(JSON.stringify(finding));
  }
}

/** The cost of a read with few and with many sessions, and the memory that one takes. */
async function inMap(plan: ScalePlan): Promise<Finding[]> {
  const contestants: Contestant[] = [bare()];
  let perSession = 0;
  for (const count of [plan.few, plan.many]) {
    const store = new MapStore({ maxEntries: Infinity });
    const before = heap();
    const tokens = fill(count, (key, record) => store.create(key, record));
    perSession = (heap() - before) / count;
    contestants.push(await reading(`${count}`, store, tokens));
  }
  return [
    ...await compare("MapStore", contestants, plan),
    { name: "memory of a session of 200 bytes in MapStore", value: perSession, unit: "bytes" },
  ];
}

async function inDenoKv(plan: ScalePlan): Promise<Finding[]> {
  const folder = await Deno.makeTempDir({ prefix: "hono-session-bench-" });
  const databases: Deno.Kv[] = [];
  try {
    const contestants: Contestant[] = [bare()];
    for (const count of [plan.few, plan.many]) {
      const kv = await Deno.openKv(`${folder}/${count}.sqlite`);
      databases.push(kv);
      let atomic = kv.atomic();
      const commits: Promise<unknown>[] = [];
      let done = 0;
      const tokens = fill(count, (key, record) => {
        atomic.set(["session", key], record);
        if (++done % PER_COMMIT !== 0 && done < count) return;
        commits.push(atomic.commit());
        atomic = kv.atomic();
      });
      await Promise.all(commits);
      contestants.push(await reading(`${count}`, new DenoKvStore({ kv }), tokens));
    }
    return await compare("Deno KV", contestants, plan);
  } finally {
    for (const kv of databases) kv.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** How long it takes to list and to end many sessions of one subject. */
async function ofOneSubject(): Promise<Finding[]> {
  const folder = await Deno.makeTempDir({ prefix: "hono-session-bench-" });
  const findings: Finding[] = [];
  {
    await using kv = new DenoKvStore({ path: `${folder}/kv.sqlite` });
    for (const [name, store] of Object.entries({ MapStore: new MapStore(), "Deno KV": kv })) {
      const sessions = createSessions({ store });
      for (let made = 0; made < OF_ONE_SUBJECT; made++) {
        await sessions.create({}, { subject: "user:42" });
      }
      let start = performance.now();
      const listed = await Array.fromAsync(sessions.list("user:42"));
      const listing = performance.now() - start;
      start = performance.now();
      const ended = await sessions.revokeAll("user:42");
      const ending = performance.now() - start;
      if (listed.length !== OF_ONE_SUBJECT || ended !== OF_ONE_SUBJECT) {
        throw new Error(`Cannot measure ${name}: it lists ${listed.length} and ends ${ended}`);
      }
      const of = `${OF_ONE_SUBJECT} sessions of a subject, ${name}`;
      findings.push({ name: `list ${of}`, value: listing, unit: "ms" });
      findings.push({ name: `end ${of}`, value: ending, unit: "ms" });
    }
  }
  await Deno.remove(folder, { recursive: true });
  return findings;
}

/** What it takes to reclaim sessions that have expired, which new ones do as they come. */
function reclaiming({ many }: ScalePlan): Finding[] {
  let now = Date.now();
  const store = new MapStore({ maxEntries: Infinity, clock: () => now });
  fill(many, (key, record) => store.create(key, record));
  now += 2 * DAY;
  const record = makeRecord(now, 0);
  const start = performance.now();
  let made = 0;
  while (store.size > made) store.create(`new ${made++}`, record);
  const taken = performance.now() - start;
  return [
    { name: `reclaim ${many} expired sessions, MapStore`, value: taken, unit: "ms" },
    { name: `new sessions until ${many} expired ones are reclaimed`, value: made, unit: "" },
  ];
}

/** The extra cost of a read, and how it grows. */
async function compare(
  name: string,
  contestants: Contestant[],
  { few, many, rounds, slot }: ScalePlan,
): Promise<Finding[]> {
  const inMemory = name === "MapStore" ? { clock: cpuClock } : {};
  await warmUp(contestants, WARM_UP);
  const options = { rounds, slot, inFlight: 1, ...inMemory };
  const { rounds: figures } = await measure(contestants, options);
  const extra = (at: number) => summarize(figures.map((round) => round[at]! - round[0]!)).median;
  return [
    { name: `read with ${few} sessions, ${name}`, value: extra(1), unit: "µs" },
    { name: `read with ${many} sessions, ${name}`, value: extra(2), unit: "µs" },
    { name: `${many} sessions instead of ${few}, ${name}`, value: extra(2) / extra(1), unit: "x" },
  ];
}

function bare(): Contestant {
  const app = new Hono().get("/", (c) => c.text("ok"));
  const request = new Request("http://localhost/");
  return { name: "bare Hono", run: () => app.fetch(request) };
}

async function reading(
  name: string,
  store: SessionStore,
  tokens: string[],
): Promise<Contestant> {
  const app = new Hono()
    .use(session<{ visits?: number }>({ store }))
    .get("/", (c) => c.text(c.var.session.visits === undefined ? "unknown" : "ok"));
  const requests = tokens.map((token) =>
    new Request("http://localhost/", { headers: { cookie: `sid=${token}` } })
  );
  if (await (await app.fetch(requests[0]!)).text() !== "ok") throw new Error("Cannot read session");
  let next = 0;
  return {
    name,
    run: () => app.fetch(requests[next++ % requests.length]!),
  };
}

/** Makes sessions, and tells the tokens of some of them. */
function fill(count: number, keep: (key: string, record: SessionRecord) => void): string[] {
  const tokens: string[] = [];
  const every = Math.ceil(count / VISITORS);
  const now = Date.now();
  for (let index = 0; index < count; index++) {
    const token = randomBytes(32).toString("base64url");
    keep(createHash("sha256").update(token).digest("base64url"), makeRecord(now, index));
    if (index % every === 0) tokens.push(token);
  }
  return tokens;
}

function makeRecord(now: number, index: number): SessionRecord {
  return {
    format: 1,
    sid: randomBytes(16).toString("base64url"),
    version: 1,
    cookieName: "sid",
    data: JSON.stringify({ ...DATA, visits: index }),
    ...{ createdAt: now, lastSeenAt: now, renewedAt: now, expiresAt: now + DAY },
  };
}

function heap(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}
