import type { AllocationPlan, Allocations } from "./allocations.ts";
import type { Storage } from "./backends.ts";
import { DENO, linesOf } from "./lines.ts";
import recorded from "./recorded.json" with { type: "json" };
import { median } from "./statistics.ts";
import { COUNTING, v8Flags } from "./v8_flags.ts";

/** Bytes that a request allocates over bare Hono, on Deno. */
export type Recorded = Record<string, number>;

/** What is recorded of them, by storage and scenario. */
export const RECORDED: Recorded = recorded;

/** Where sessions are read and written whose bytes are recorded. */
export const RECORDED_STORAGES = ["map", "encrypted", "deno-kv", "redis"] as const;

const FILE = new URL("./recorded.json", import.meta.url);
const OURS = "@x/hono-session";
const BARE = "bare Hono";

/** Counts the bytes that are recorded, anew. */
export async function countAnew(storage: Storage): Promise<Recorded> {
  const plan: AllocationPlan = {
    ...{ storage, bytes: 200, warmUp: 10_000, requests: 500, isReplayed: true },
    scenarios: ["read", "write"],
    libraries: [BARE, OURS],
  };
  const program = [...DENO, ...v8Flags("Deno", COUNTING), "scripts/bench/allocations.ts"];
  const counted = await linesOf<Allocations>([...program, JSON.stringify(plan)]);
  return Object.fromEntries(counted.map(({ scenario, allocated }) => [
    `${storage}, ${scenario}`,
    allocated[OURS]! - allocated[BARE]!,
  ]));
}

/** Records the medians of what was counted several times. */
export async function record(counted: readonly Recorded[]): Promise<void> {
  const names = new Set(counted.flatMap(Object.keys));
  const medians = [...names].map((name) => {
    const counts = counted.map((each) => each[name]).filter((bytes) => bytes !== undefined);
    return [name, Math.round(median(counts))];
  });
  await Deno.writeTextFile(FILE, JSON.stringify(Object.fromEntries(medians), undefined, 2) + "\n");
}
