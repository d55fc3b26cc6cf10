/**
 * The conformance suite for session stores, and a store that fails on demand. Every store of this package
 * passes the suite; run it over yours. With {@linkcode FaultyStore} you can test how an application behaves
 * when its store fails, hangs or returns outdated values.
 *
 * The suite depends on no test runner and no assertion library: pass the function that declares a test, such as
 * `Deno.test` or `test` of `node:test` or `bun:test`.
 *
 * @example Testing a store of your own
 * ```ts
 * import { storeConformance } from "@x/hono-session/testing";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assert } from "@std/assert";
 *
 * const tests: (() => Promise<void>)[] = [];
 * storeConformance({
 *   name: "my store",
 *   capabilities: new MapStore().capabilities,
 *   test: (_name, run) => tests.push(run), // Deno.test, or test of node:test or bun:test
 *   open: (clock) => ({ store: new MapStore({ clock }) }),
 *   onSkip: () => {},
 * });
 * for (const run of tests) await run();
 * assert(tests.length > 20);
 * ```
 *
 * @module
 */

import type { StoreCapabilities } from "../src/store/contract.ts";
import type { Awaitable } from "../src/util/awaitable.ts";
import type { Clock } from "../src/util/clock.ts";
import { atomicCases } from "./testing/atomic.ts";
import {
  type ConformanceCase,
  ConformanceClock,
  same,
  type StoreUnderTest,
} from "./testing/case.ts";
import { deleteAllCases } from "./testing/delete_all.ts";
import { deleteAllRaceCases } from "./testing/delete_all_races.ts";
import { endCases } from "./testing/expiry.ts";
import { failureCases } from "./testing/failure.ts";
import type { StoreFault, StoreOperation } from "./testing/faults.ts";
import { FaultyStore } from "./testing/faulty_store.ts";
import { lifeCases } from "./testing/touch_replace_delete.ts";
import { listCases } from "./testing/list.ts";
import { statsCases } from "./testing/stats.ts";
import { memberCases } from "./testing/members.ts";
import { pageCases } from "./testing/pages.ts";
import { statelessCases } from "./testing/stateless.ts";
import { statelessLoginCases } from "./testing/stateless_logins.ts";
import { subjectNameCases } from "./testing/subject_names.ts";
import { watchCases } from "./testing/watch.ts";
import { writeCases } from "./testing/write.ts";

export { FaultyStore };
export type { StoreFault, StoreOperation, StoreUnderTest };

/**
 * Options of {@linkcode storeConformance}.
 *
 * @example A real database that the test can stop
 * ```ts
 * import type { StoreConformanceOptions } from "@x/hono-session/testing";
 * import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
 *
 * const options: StoreConformanceOptions = {
 *   name: "DenoKvStore",
 *   capabilities: new DenoKvStore().capabilities,
 *   canFail: true,
 *   test: (name, run) => console.log(name, typeof run),
 *   async open(clock) {
 *     const kv = await Deno.openKv(":memory:");
 *     const store = new DenoKvStore({ kv, clock });
 *     return { store, fail: () => kv.close(), close: () => store[Symbol.asyncDispose]() };
 *   },
 * };
 * console.log(options.name);
 * ```
 */
export interface StoreConformanceOptions {
  /** The name of the store in the names of the tests. */
  name: string;
  /** The capabilities of the store. They determine the cases. */
  capabilities: StoreCapabilities;
  /**
   * Whether the result of `open` has a `fail`, so that failures of the backend are tested.
   *
   * @default {false}
   */
  canFail?: boolean;
  /**
   * Whether it also has a `recover`, so that the recovery after a failure is tested.
   *
   * @default {false}
   */
  canRecover?: boolean;
  /**
   * Declares a test.
   *
   * @param name The name of the test.
   * @param run The test; it rejects when it fails.
   */
  test(name: string, run: () => Promise<void>): unknown;
  /**
   * Opens an empty store: for each test another one, or one in which the tests don't share keys.
   *
   * @param clock The clock that the store must use.
   */
  open(clock: Clock): Awaitable<StoreUnderTest>;
  /**
   * Called for every case that the store's capabilities exclude.
   *
   * @default {prints a line}
   */
  onSkip?(name: string, reason: string): void;
}

/**
 * Declares tests that check whether a store implements the contract of `SessionStore`, as far as its
 * capabilities declare it.
 *
 * @param options The store, and the function that declares a test.
 *
 * @example Usage
 * ```ts
 * import { storeConformance } from "@x/hono-session/testing";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assert } from "@std/assert";
 *
 * const names: string[] = [];
 * storeConformance({
 *   name: "MapStore",
 *   capabilities: new MapStore().capabilities,
 *   test: (name) => names.push(name),
 *   open: (clock) => ({ store: new MapStore({ clock }) }),
 *   onSkip: () => {},
 * });
 * assert(names.includes("MapStore: update never brings a deleted record back"));
 * ```
 */
export function storeConformance(options: StoreConformanceOptions): void {
  const { name, capabilities, canFail = false, canRecover = false } = options;
  const skip = options.onSkip ??
    ((name: string, reason: string) => console.log(`skipped: ${name} (${reason})`));
  options.test(`${name}: declares its capabilities`, async () => {
    const { store, close } = await options.open(new ConformanceClock().now);
    same(store.capabilities, capabilities, "capabilities");
    if (capabilities.index) {
      const members = [store.list, store.generation, store.deleteAll].map((each) => typeof each);
      same(members, ["function", "function", "function"], "its index");
    }
    if (capabilities.stats) same(typeof store.stats, "function", "its stats");
    await close?.();
  });
  for (const each of CASES) {
    const full = `${name}: ${each.name}`;
    const missing = each.needs({ ...capabilities, canFail, canRecover });
    if (missing === undefined) options.test(full, () => run(each, options));
    else skip(full, missing);
  }
}

const CASES: readonly ConformanceCase[] = [
  ...writeCases,
  ...memberCases,
  ...lifeCases,
  ...endCases,
  ...failureCases,
  ...listCases,
  ...statsCases,
  ...pageCases,
  ...subjectNameCases,
  ...deleteAllCases,
  ...deleteAllRaceCases,
  ...watchCases,
  ...atomicCases,
  ...statelessCases,
  ...statelessLoginCases,
];

async function run(each: ConformanceCase, options: StoreConformanceOptions): Promise<void> {
  const clock = new ConformanceClock();
  const under = await options.open(clock.now);
  try {
    await each.run({ ...under, clock });
  } finally {
    await under.close?.();
  }
}
