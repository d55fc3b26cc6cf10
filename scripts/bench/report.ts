import { barsOf } from "./bars.ts";
import type { Result } from "./in_process.ts";
import { type Measured, type Results, resultsOf } from "./results.ts";
import { SCENARIOS } from "./scenarios.ts";

/** All that was measured, as tables for a terminal. */
export function reportOf(results: Results): string {
  const { about, runtimes, scale } = results;
  const { machine, versions } = about;
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return [
    `${machine}; ${used}`,
    ...Object.entries(runtimes).flatMap(([runtime, measured]) => [
      ...inProcessOf(runtime, measured),
      ...httpOf(runtime, measured),
    ]),
    ...sectionOf("scale and start", [
      ["", "figure", ""],
      ...scale.map(({ name, value, unit }) => [name, value.toFixed(unit === "x" ? 2 : 1), unit]),
    ]),
    ...sectionOf("bars", [
      ["", "bar", "reached", ""],
      ...barsOf(results).map(({ name, limit, reached, ok }) => [
        ...[name, limit, reached],
        ok ? "ok" : "MISSED",
      ]),
    ]),
  ].join("\n");
}

function inProcessOf(runtime: string, measured: Measured): string[] {
  const { inProcess } = measured;
  const kinds = new Map(inProcess.map((group) => [`${group.storage} ${group.bytes}`, group]));
  return [...kinds.values()].flatMap(({ storage, bytes }) => {
    const groups = inProcess.filter((group) => group.storage === storage && group.bytes === bytes);
    const scenarios = Object.keys(SCENARIOS).filter((name) =>
      groups.some(({ scenario }) => scenario === name)
    );
    const names = new Set(groups.flatMap(({ results }) => results.map(({ name }) => name)));
    const find = (scenario: string, name: string, inFlight: number) =>
      resultsOf(measured, { storage, scenario, bytes, inFlight }).find((each) =>
        each.name === name
      );
    const rows = [...names].map((name) => [
      name,
      ...scenarios.map((scenario) => cellOf(find(scenario, name, 1), find(scenario, name, 16))),
    ]);
    return sectionOf(
      `${runtime}, ${storage}, ${bytes} bytes: µs over bare Hono ± MAD, 1 / 16 in flight; store calls, bytes of Set-Cookie`,
      [["", ...scenarios], ...rows],
    );
  });
}

function cellOf(one: Result | undefined, many: Result | undefined): string {
  if (!one) return "";
  const isTotal = /^(bare|raw)/.test(one.name);
  const figure = (result: Result) => (isTotal ? result.total : result.extra);
  const { median, mad } = figure(one);
  const costs = [
    ...(one.storeCalls === undefined ? [] : [`${one.storeCalls} calls`]),
    ...(one.setCookieBytes ? [`${one.setCookieBytes} B`] : []),
  ];
  const time = `${median.toFixed(1)} ±${mad.toFixed(1)}${
    many ? ` / ${figure(many).median.toFixed(1)}` : ""
  }`;
  return costs.length === 0 ? time : `${time}; ${costs.join(", ")}`;
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
