import { STORAGES } from "./backends.ts";
import { type GroupOf, isPeer, type Measured, type Results, resultsOf } from "./results.ts";
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

/** What may be missed by, beside the raw call, in microseconds. */
const ALLOWANCE = 10;
const RAW_FACTOR = 1.15;

/** The part of the floor's requests per second that is to be reached. */
const RATE = 0.9;

/** The bars of the issue, as far as they were measured. */
export function barsOf({ runtimes, scale }: Results): Bar[] {
  const bars: Bar[] = [];
  for (const [runtime, measured] of Object.entries(runtimes)) {
    for (const { name, ...bar } of barsOn(measured)) {
      bars.push({ name: `${runtime}: ${name}`, ...bar });
    }
  }
  for (const { name, value } of scale.filter(({ unit }) => unit === "x")) {
    bars.push(...atMost(name, 1.3, value));
  }
  return bars;
}

function barsOn(measured: Measured): Bar[] {
  const ratio = (of: GroupOf, other: string, one = OURS) => {
    const [mine, theirs] = [extraOf(measured, of, one), extraOf(measured, of, other)];
    return mine === undefined || theirs === undefined ? undefined : mine / theirs;
  };
  // No storage is touched there, so each is one more measurement of the same.
  const untouched = (scenario: string, other: string, one = OURS) =>
    middle(STORAGES.map((storage) => ratio({ storage, scenario }, other, one)));
  const map = { storage: "map", scenario: "read" };
  const read = { storage: "encrypted", scenario: "read" };
  const again = { storage: "encrypted", scenario: "read again" };
  const write = { storage: "encrypted", scenario: "write" };
  const sealed = ["read", "write", "first write"]
    .map((scenario) => ratio({ storage: "sealed", scenario }, "hono-session"));
  const sealedAgain = ratio({ storage: "sealed", scenario: "read again" }, "hono-session");
  return [
    ...atMost("no cookie / does nothing", 2, untouched("no cookie", "does nothing")),
    ...atMost("no cookie / fastest peer", 1, untouched("no cookie", FASTEST)),
    ...atMost("Map, read / floor", 1.5, ratio(map, "floor")),
    ...atMost("Map, read / floor with what is promised", 1.5, ratio(map, PROMISES)),
    ...atMost("Map, read / hono-session", 0.5, ratio(map, "hono-session")),
    ...atMost("encrypted cookie, read / floor", 1.4, ratio(read, "floor")),
    ...atMost("encrypted cookie, read / floor with what is promised", 1.4, ratio(read, PROMISES)),
    ...atMost("encrypted cookie, read / fastest peer", 0.6, ratio(read, FASTEST)),
    ...atMost("encrypted cookie again / floor", 2, ratio(again, "floor")),
    ...atMost("encrypted cookie again / floor with what is promised", 2, ratio(again, PROMISES)),
    ...atMost("encrypted cookie, write / floor", 1.4, ratio(write, "floor")),
    ...atMost("encrypted cookie, write / floor with what is promised", 1.4, ratio(write, PROMISES)),
    ...atMost("encrypted cookie, write / fastest peer", 0.5, ratio(write, FASTEST)),
    ...atMost("sealed cookie / hono-session", 1, most(sealed)),
    ...atMost("sealed cookie again / hono-session", 0.1, sealedAgain),
    ...overRaw(measured, "Deno KV", { storage: "deno-kv", scenario: "read" }),
    ...overRaw(measured, "Redis", { storage: "redis", scenario: "read" }),
    ...atMost("lazy / does nothing", 2, untouched("untouched", "does nothing", `${OURS}, lazy`)),
    ...endToEnd(measured),
    ...setCookie(measured),
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

function overRaw(measured: Measured, name: string, of: GroupOf): Bar[] {
  const raw = resultsOf(measured, of).find(({ name }) => name.startsWith("raw"));
  const extra = extraOf(measured, of, OURS);
  if (!raw || extra === undefined) return [];
  const over = extra - RAW_FACTOR * raw.total.median;
  return atMost(`${name}, read, over ${RAW_FACTOR} x the raw call`, ALLOWANCE, over, " µs");
}

function endToEnd({ http }: Measured): Bar[] {
  return [...new Set(http.map(({ kind }) => kind))].flatMap((kind) => {
    const rate = (name: string) =>
      http.find((result) => result.kind === kind && result.name === name)?.ratePerCpu.median;
    return ["floor", PROMISES].flatMap((other) => {
      const [mine, theirs] = [rate(OURS), rate(other)];
      if (mine === undefined || theirs === undefined) return [];
      const reached = mine / theirs;
      const text = { limit: `at least ${RATE} x`, reached: `${reached.toFixed(2)} x` };
      return [{ name: `end to end, ${kind} / ${other}`, ...text, ok: reached >= RATE }];
    });
  });
}

function setCookie(measured: Measured): Bar[] {
  const bytes = ["write", "first write"].map((scenario) =>
    resultsOf(measured, { storage: "encrypted", scenario })
      .find(({ name }) => name === OURS)?.setCookieBytes
  );
  return atMost("Set-Cookie of an encrypted session", 400, most(bytes), " bytes");
}

function most(figures: (number | undefined)[]): number | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function middle(figures: (number | undefined)[]): number | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length === 0 ? undefined : median(known);
}

function atMost(name: string, limit: number, reached: number | undefined, unit = " x"): Bar[] {
  if (reached === undefined) return [];
  const text = unit === " bytes" ? String(reached) : reached.toFixed(2);
  return [{ name, limit: `at most ${limit}${unit}`, reached: text + unit, ok: reached <= limit }];
}
