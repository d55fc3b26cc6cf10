import type { Allocations } from "./allocations.ts";
import type { Finding } from "./finding.ts";
import type { Footprint } from "./footprints.ts";
import type { HttpResult } from "./http.ts";
import type { Group, Result } from "./in_process.ts";
import type { SqlGroup } from "./sql.ts";

/** All that was measured in a run. */
export interface Results {
  /** When, where and with what. */
  readonly about: About;
  readonly runtimes: Record<string, Measured>;
  readonly footprints: readonly Footprint[];
  readonly scale: readonly Finding[];
  readonly sql: readonly SqlGroup[];
}

export interface About {
  readonly date: string;
  readonly command: string;
  readonly machine: string;
  readonly versions: Record<string, string>;
}

/** What was measured on one runtime. */
export interface Measured {
  readonly inProcess: readonly Group[];
  readonly allocations: readonly Allocations[];
  readonly http: readonly HttpResult[];
}

/** Which group is meant: that of 200 bytes and one request in flight unless it says otherwise. */
export interface GroupOf {
  readonly storage: string;
  readonly scenario: string;
  readonly bytes?: number;
  readonly inFlight?: number;
}

/** The results of a group; none where it was not measured. */
export function resultsOf(
  { inProcess }: Measured,
  { storage, scenario, bytes = 200, inFlight = 1 }: GroupOf,
): readonly Result[] {
  const group = inProcess.find((group) =>
    group.storage === storage && group.scenario === scenario && group.bytes === bytes &&
    group.inFlight === inFlight
  );
  return group?.results ?? [];
}

/** The bytes that a request of a contestant allocates over bare Hono. */
export function allocatedBy(
  { allocations }: Measured,
  { storage, scenario, bytes = 200 }: GroupOf,
  name: string,
): number | undefined {
  const found = allocations.find((each) =>
    each.storage === storage && each.scenario === scenario && each.bytes === bytes
  );
  const [total, bare] = [found?.allocated[name], found?.allocated["bare Hono"]];
  return total === undefined || bare === undefined ? undefined : total - bare;
}

/** Whether a contestant is a library of somebody else. */
export function isPeer({ name }: { name: string }): boolean {
  return !/^(bare|does|floor|raw|@x)/.test(name);
}
