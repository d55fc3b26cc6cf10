import { isRemote, STORAGES } from "./backends.ts";
import type { Footprint } from "./footprints.ts";
import {
  allocatedBy,
  type GroupOf,
  isPeer,
  type Measured,
  type Results,
  resultsOf,
} from "./results.ts";
import { CROWD } from "./scenarios.ts";
import type { SqlGroup } from "./sql.ts";
import { median } from "./statistics.ts";

/** Something that is to be reached. */
export interface Bar {
  readonly name: string;
  readonly limit: string;
  readonly reached: string;
  readonly ok: boolean;
}

const OURS = "@x/hono-session";
/** The floor that does what DESIGN.md promises as well: nested changes are found, and shared caches told. */
const PROMISES = "floor + promises";

/** The part of the floor's requests per second that is to be reached. */
const RATE = 0.95;

/** How many times what the floor with the promises takes a request may take. */
const READ = { time: 1.15, bytes: 1.2 };
const WRITE = { time: 1.3, bytes: 1.3 };

/** How many times what the bare statement takes an operation in SQL may take, and how many microseconds more. */
const SQL = { times: 1.15, more: 10 };
/** How many times as long it may take with a million rows as with a thousand. */
const SQL_SCALE = 1.3;

/** What a session may take in Redis and on the way there beside its data, in bytes. */
const FOOTPRINT = { atRest: 220, ofSubject: 450, sent: 300, answered: 150 };

/** The bars of the issues, as far as they were measured. */
export function barsOf({ runtimes, footprints, scale, sql }: Results): Bar[] {
  const bars: Bar[] = [];
  for (const [runtime, measured] of Object.entries(runtimes)) {
    for (const { name, ...bar } of barsOn(measured)) {
      bars.push({ name: `${runtime}: ${name}`, ...bar });
    }
  }
  bars.push(...footprints.filter(({ library }) => library === OURS).flatMap(footprintOf));
  for (const { name, value } of scale.filter(({ unit }) => unit === "x")) {
    bars.push(...atMost(name, 1.25, value));
  }
  bars.push(...sql.flatMap(ofSql));
  return bars;
}

/** The time of an operation beside that of the bare statement, and with many sessions beside few. */
function ofSql({ client, operation, results }: SqlGroup): Bar[] {
  const [few, many] = results.filter(({ name }) => name.startsWith(OURS))
    .map(({ total }) => total.median);
  const raw = results.find(({ name }) => name === "raw statement")!.total.median;
  const limit = SQL.times * raw + SQL.more;
  const name = `${client}, ${operation}`;
  return [
    {
      name: `${name} / raw statement`,
      limit: `at most ${SQL.times} x + ${SQL.more} µs = ${limit.toFixed(1)} µs`,
      reached: `${few!.toFixed(1)} µs`,
      ok: few! <= limit,
    },
    ...atMost(`${name}, many sessions / few`, SQL_SCALE, divide(many, few)),
  ];
}

function barsOn(measured: Measured): Bar[] {
  const ratio = (of: GroupOf, other: string, one = OURS) =>
    divide(extraOf(measured, of, one), extraOf(measured, of, other));
  // No storage is touched there, so each is one more measurement of the same.
  const untouched = (scenario: string, other: string, one = OURS) =>
    middle(STORAGES.map((storage) => ratio({ storage, scenario }, other, one)));
  const read = { storage: "encrypted", scenario: "read" };
  const again = { storage: "encrypted", scenario: "read again" };
  const write = { storage: "encrypted", scenario: "write" };
  const sealed = ["read", "write", "first write"]
    .map((scenario) => ratio({ storage: "sealed", scenario }, "hono-session"));
  const sealedAgain = ratio({ storage: "sealed", scenario: "read again" }, "hono-session");
  return [
    ...atMost("no cookie / does nothing", 2, untouched("no cookie", "does nothing")),
    ...atMost("no cookie / fastest peer", 1, untouched("no cookie", FASTEST)),
    ...atMost("lazy / does nothing", 2, untouched("untouched", "does nothing", `${OURS}, lazy`)),
    ...besidePromises(measured, { storage: "map", scenario: "read" }, { ...READ, time: 1.05 }),
    ...besidePromises(measured, { storage: "map", scenario: "write" }, WRITE),
    ...besidePromises(measured, read, READ),
    ...besidePromises(measured, write, WRITE),
    ...atMost("encrypted, read / floor", 1.25, ratio(read, "floor")),
    ...atMost("encrypted, read / fastest peer", 0.6, ratio(read, FASTEST)),
    ...atMost("encrypted, read again / floor", 2, ratio(again, "floor")),
    ...atMost("encrypted, write / floor", 1.25, ratio(write, "floor")),
    ...atMost("encrypted, write / fastest peer", 0.5, ratio(write, FASTEST)),
    ...atMost("sealed / hono-session", 1, most(sealed)),
    ...atMost("sealed, read again / hono-session", 0.1, sealedAgain),
    ...REMOTE.flatMap((of) => [
      ...atMost(`${nameOf(of)} / ${FASTEST}`, 1, ratio(of, FASTEST)),
      ...atMost(`${nameOf(of)} / ${PROMISES}`, 1.1, ratio(of, PROMISES)),
      ...inCrowd(measured, of),
    ]),
    ...endToEnd(measured),
    ...setCookie(measured),
  ];
}

/** What is read and written elsewhere than in this process. */
const REMOTE: readonly GroupOf[] = [200, 2000].flatMap((bytes) =>
  STORAGES.filter(isRemote).flatMap((storage) =>
    ["read", "write"].map((scenario) => ({ storage, scenario, bytes }))
  )
);

function nameOf({ storage, scenario, bytes = 200 }: GroupOf): string {
  return `${storage}, ${scenario}${bytes === 200 ? "" : `, ${bytes} bytes`}`;
}

/** Time and bytes beside the floor with the promises. */
function besidePromises(
  measured: Measured,
  of: GroupOf,
  limit: { time: number; bytes: number },
): Bar[] {
  const name = `${nameOf(of)} / ${PROMISES}`;
  const time = divide(extraOf(measured, of, OURS), extraOf(measured, of, PROMISES));
  const bytes = divide(allocatedBy(measured, of, OURS), allocatedBy(measured, of, PROMISES));
  return [
    ...atMost(name, limit.time, time),
    ...atMost(`${name}, bytes allocated`, limit.bytes, bytes),
  ];
}

/** Requests per second with many in flight, beside the peer that answers most. */
function inCrowd(measured: Measured, of: GroupOf): Bar[] {
  const results = resultsOf(measured, { ...of, inFlight: CROWD });
  const mine = results.find(({ name }) => name === OURS);
  const peers = results.filter(isPeer);
  if (!mine || peers.length === 0) return [];
  const reached = Math.min(...peers.map(({ total }) => total.median)) / mine.total.median;
  return atLeast(`${nameOf(of)}, ${CROWD} in flight / ${FASTEST}`, 1, reached);
}

function footprintOf({ data, atRest, ofSubject, sent, answered }: Footprint): Bar[] {
  const over = (bytes: number | undefined) => bytes === undefined ? undefined : bytes - data;
  return [
    ...atMost("Redis, at rest beside the data", FOOTPRINT.atRest, over(atRest), BYTES),
    ...atMost("Redis, of a subject beside the data", FOOTPRINT.ofSubject, over(ofSubject), BYTES),
    ...atMost("Redis, sent for a write beside the data", FOOTPRINT.sent, over(sent), BYTES),
    ...atMost(
      "Redis, answered to a read beside the data",
      FOOTPRINT.answered,
      over(answered),
      BYTES,
    ),
  ];
}

/** Stands for the fastest library of somebody else. */
const FASTEST = "fastest peer";

function extraOf(measured: Measured, of: GroupOf, name: string): number | undefined {
  const results = resultsOf(measured, of);
  const named = name === FASTEST
    ? results.filter(isPeer)
    : results.filter((result) => result.name === name);
  return named.length === 0 ? undefined : Math.min(...named.map(({ extra }) => extra.median));
}

function endToEnd({ http }: Measured): Bar[] {
  return [...new Set(http.map(({ kind }) => kind))].flatMap((kind) => {
    const rate = (name: string) =>
      http.find((result) => result.kind === kind && result.name === name)?.ratePerCpu.median;
    return atLeast(`end to end, ${kind} / ${PROMISES}`, RATE, divide(rate(OURS), rate(PROMISES)));
  });
}

function setCookie(measured: Measured): Bar[] {
  const bytes = ["write", "first write"].map((scenario) =>
    resultsOf(measured, { storage: "encrypted", scenario })
      .find(({ name }) => name === OURS)?.setCookieBytes
  );
  return atMost("Set-Cookie of an encrypted session", 400, most(bytes), BYTES);
}

function most(figures: (number | undefined)[]): number | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function middle(figures: (number | undefined)[]): number | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length === 0 ? undefined : median(known);
}

function divide(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one / other;
}

const BYTES = " bytes";

function atMost(name: string, limit: number, reached: number | undefined, unit = " x"): Bar[] {
  if (reached === undefined) return [];
  const text = unit === BYTES ? String(reached) : reached.toFixed(2);
  return [{ name, limit: `at most ${limit}${unit}`, reached: text + unit, ok: reached <= limit }];
}

function atLeast(name: string, limit: number, reached: number | undefined): Bar[] {
  if (reached === undefined) return [];
  const text = { limit: `at least ${limit} x`, reached: `${reached.toFixed(2)} x` };
  return [{ name, ...text, ok: reached >= limit }];
}
