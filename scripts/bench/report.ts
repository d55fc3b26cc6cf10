import { barsOf } from "./bars.ts";
import type { Result } from "./in_process.ts";
import { allocatedBy, type GroupOf, type Measured, type Results, resultsOf } from "./results.ts";
import { CROWD, SCENARIOS } from "./scenarios.ts";
import type { SqlGroup } from "./sql.ts";

/** All that was measured, as tables for a terminal. */
export function reportOf(results: Results): string {
  const { about, runtimes, footprints, scale, sql } = results;
  const { machine, versions } = about;
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return [
    `${machine}; ${used}`,
    ...Object.entries(runtimes).flatMap(([runtime, measured]) => [
      ...inProcessOf(runtime, measured),
      ...httpOf(runtime, measured),
    ]),
    ...sectionOf("bytes of a session in Redis", [
      ["", "data", "at rest", "of a subject", "sent for a write", "answered to a read"],
      ...footprints.map(({ library, data, atRest, ofSubject, sent, answered }) =>
        [library, data, atRest, ofSubject ?? "", sent, answered].map(String)
      ),
    ]),
    ...sectionOf("scale and start", [
      ["", "figure", ""],
      ...scale.map(({ name, value, unit }) => [name, value.toFixed(unit === "x" ? 2 : 1), unit]),
    ]),
    ...sectionOf("SQL: µs for one operation ± MAD", [
      ["", "", "read", "write"],
      ...sqlRowsOf(sql),
    ]),
    ...sectionOf("bars", [
      ["", "bar", "reached", ""],
      ...barsOf(results).map(({ name, limit, reached, ok }) => [
        ...[name, limit, reached],
        ok ? "met" : "NOT MET",
      ]),
    ]),
  ].join("\n");
}

/** A row for each contestant with each client. */
function sqlRowsOf(groups: readonly SqlGroup[]): string[][] {
  return groups.filter(({ operation }) => operation === "read").flatMap(({ client, results }) =>
    results.map(({ name }) => [
      client,
      name,
      ...["read", "write"].map((operation) => {
        const { median, mad } = groups
          .find((group) => group.client === client && group.operation === operation)!
          .results.find((result) => result.name === name)!.total;
        return `${median.toFixed(1)} ±${mad.toFixed(1)}`;
      }),
    ])
  );
}

function inProcessOf(runtime: string, measured: Measured): string[] {
  const { inProcess, allocations } = measured;
  const groups = [
    ...inProcess.map((group) => ({ ...group, names: group.results.map(({ name }) => name) })),
    ...allocations.map((each) => ({ ...each, names: Object.keys(each.allocated) })),
  ];
  const kinds = new Map(groups.map((group) => [`${group.storage} ${group.bytes}`, group]));
  return [...kinds.values()].flatMap(({ storage, bytes }) => {
    const ofKind = groups.filter((group) => group.storage === storage && group.bytes === bytes);
    const scenarios = Object.keys(SCENARIOS).filter((name) =>
      ofKind.some(({ scenario }) => scenario === name)
    );
    const rows = [...new Set(ofKind.flatMap(({ names }) => names))].map((name) => [
      name,
      ...scenarios.map((scenario) => cellOf(measured, { storage, scenario, bytes }, name)),
    ]);
    return sectionOf(
      `${runtime}, ${storage}, ${bytes} bytes: µs over bare Hono ± MAD; bytes allocated over bare Hono; ` +
        `requests/s with ${CROWD} in flight; store calls; bytes of Set-Cookie`,
      [["", ...scenarios], ...rows],
    );
  });
}

function cellOf(measured: Measured, of: GroupOf, name: string): string {
  const find = (inFlight: number) =>
    resultsOf(measured, { ...of, inFlight }).find((each) => each.name === name);
  const [one, crowd] = [find(1), find(CROWD)];
  const allocated = allocatedBy(measured, of, name);
  return [
    ...(one ? [timeOf(one)] : []),
    ...(allocated === undefined ? [] : [`${(allocated / 1000).toFixed(1)} kB`]),
    ...(crowd ? [`${(1e6 / crowd.total.median).toFixed(0)}/s`] : []),
    ...(one?.storeCalls === undefined ? [] : [`${one.storeCalls} calls`]),
    ...(one?.setCookieBytes ? [`${one.setCookieBytes} B`] : []),
  ].join("; ");
}

function timeOf({ name, total, extra }: Result): string {
  const { median, mad } = /^(bare|raw)/.test(name) ? total : extra;
  return `${median.toFixed(1)} ±${mad.toFixed(1)}`;
}

function httpOf(runtime: string, { http }: Measured): string[] {
  return sectionOf(`${runtime}, end to end on loopback`, [
    ["", "", "requests/s", "per s of server CPU", "of bare Hono"],
    ...http.map(({ name, kind, rate, ratePerCpu }) => [
      ...[kind, name, rate.median.toFixed(0), ratePerCpu.median.toFixed(0)],
      (ratePerCpu.median / http[0]!.ratePerCpu.median).toFixed(2),
    ]),
  ]);
}

/** A table with a title; nothing when there are no rows. */
function sectionOf(title: string, [head, ...rows]: string[][]): string[] {
  if (rows.length === 0) return [];
  const widths = head!.map((_, column) =>
    Math.max(...[head!, ...rows].map((row) => row[column]!.length))
  );
  const line = (row: string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd();
  return ["", title, line(head!), ...rows.map(line)];
}
