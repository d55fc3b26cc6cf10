import process from "node:process";
import { disturbed, median } from "./statistics.ts";

/** Something that is measured, one operation after the other. */
export interface Contestant {
  readonly name: string;
  /** Does the operation once. */
  run(): unknown;
}

/** How it is measured. */
export interface MeasureOptions {
  readonly rounds: number;
  /** How long each contestant runs in a round, in milliseconds. */
  readonly slot: number;
  /**
   * How many operations a contestant does at least in a round.
   *
   * @default {1}
   */
  readonly operations?: number;
  /** How many operations are under way at the same time. */
  readonly inFlight: number;
  /** Tells the milliseconds. */
  readonly clock?: () => number;
  /** Collects garbage: what a contestant leaves behind is part of its time, so that no other one pays for it. */
  readonly collect?: () => void;
}

/** What was measured. */
export interface Measured {
  /** Microseconds an operation took, by round and contestant. */
  readonly rounds: number[][];
  /** How many rounds were measured again because they were disturbed. */
  readonly repeated: number;
}

/** How many operations are counted before the clock is asked again. */
const BATCH = 16;
/** How many batches tell how long an operation takes: one may be disturbed. */
const BATCHES = 5;

/**
 * Warms contestants up. Code is compiled by the number of its calls, so each does a number of operations, however slow the
 * machine is.
 */
export async function warmUp(
  contestants: readonly Contestant[],
  operations: number,
): Promise<void> {
  for (const { run } of contestants) {
    for (let done = 0; done < operations; done++) await run();
  }
}

/** Measures contestants in turns, each once in every round, and each round with another one first. */
export async function measure(
  contestants: readonly Contestant[],
  options: MeasureOptions,
): Promise<Measured> {
  const counts: number[] = [];
  for (const contestant of contestants) counts.push(await countFor(contestant, options));
  // What stays is out of the way before the first round.
  for (let times = 0; times < 2; times++) options.collect?.();
  const rounds: number[][] = [];
  let turn = 0;
  const round = async () => {
    const figures: number[] = [];
    for (let place = 0; place < contestants.length; place++) {
      const at = (place + turn) % contestants.length;
      figures[at] = await time(contestants[at]!, counts[at]!, options);
    }
    turn++;
    return figures;
  };
  while (rounds.length < options.rounds) rounds.push(await round());
  const most = Math.ceil(options.rounds / 2);
  let repeated = 0;
  for (let again; (again = disturbed(rounds)).length > 0 && repeated < most;) {
    for (const at of again.slice(0, most - repeated)) {
      rounds[at] = await round();
      repeated++;
    }
  }
  return { rounds, repeated };
}

/** How often a contestant runs in a round. */
async function countFor(contestant: Contestant, options: MeasureOptions): Promise<number> {
  const { inFlight, slot, operations = 1 } = options;
  const { collect: _, ...running } = options;
  const costs: number[] = [];
  while (costs.length < BATCHES) costs.push(await time(contestant, BATCH * inFlight, running));
  return Math.max(Math.ceil(slot * 1000 / Math.max(median(costs), 0.1)), operations, 2 * inFlight);
}

/** The microseconds that one of some operations takes. */
async function time(
  { run }: Contestant,
  count: number,
  { inFlight, clock = now, collect }: MeasureOptions,
): Promise<number> {
  const lane = async (count: number) => {
    for (let done = 0; done < count; done++) await run();
  };
  const each = Math.ceil(count / inFlight);
  const start = clock();
  if (inFlight === 1) await lane(each);
  else await Promise.all(Array.from({ length: inFlight }, () => lane(each)));
  collect?.();
  return (clock() - start) * 1000 / (each * inFlight);
}

/**
 * The milliseconds that this process has had the processor, with all of its threads. Where nothing is waited for, that is
 * the time that passes on one core while nobody else wants it.
 */
export function cpuClock(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function now(): number {
  return performance.now();
}
