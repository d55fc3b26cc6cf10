// Measures this library against others: `deno task bench`, with `--quick` for two minutes of it, or with `--only` and the
// names of parts: deno, node, http, scale.
import { RedisServer, skipRedis } from "../../tests/_support/redis.ts";
import { fromFileUrl, ROOT } from "../paths.ts";
import { aboutOf } from "./about.ts";
import { type Storage, STORAGES } from "./backends.ts";
import { chartOf } from "./chart.ts";
import type { Finding } from "./finding.ts";
import type { HttpPlan, HttpResult } from "./http.ts";
import type { Group, Plan } from "./in_process.ts";
import { makeNodeFolder, type NodeFolder } from "./node.ts";
import { reportOf } from "./report.ts";
import type { Measured, Results } from "./results.ts";
import type { ScalePlan } from "./scale.ts";

const PARTS = ["deno", "node", "http", "scale"];

/** Set in the process that is pinned to one core already. */
const PINNED = "HONO_SESSION_BENCH_PINNED";

const IMPORT_MAP = Deno.env.get("HONO_SESSION_IMPORT_MAP");

/** How long a part of a run in process takes. */
const LONG = { rounds: 7, slot: 12, warmUp: 60, operations: 400, heat: 400 };
const SHORT = { rounds: 3, slot: 8, warmUp: 30, operations: 1, heat: 50 };

/** The whole run takes sixteen minutes, the quick one two. */
const PLANS = {
  full: {
    deno: { sizes: [200, 2000], inFlight: [1, 16], ...LONG },
    node: { sizes: [200, 2000], inFlight: [1], ...LONG },
    http: { rounds: 3, seconds: 1 },
    scale: { few: 1000, many: 1_000_000, rounds: 7, slot: 30 },
  },
  quick: {
    deno: { sizes: [200], inFlight: [1], ...SHORT },
    node: { sizes: [200], inFlight: [1], ...SHORT },
    http: { rounds: 1, seconds: 1 },
    scale: { few: 1000, many: 20_000, rounds: 3, slot: 20 },
  },
};

/** A runtime that is measured. */
interface Runtime {
  readonly name: string;
  readonly command: string[];
  readonly cwd: string;
  readonly storages: readonly Storage[];
}

const quick = Deno.args.includes("--quick");
const only = Deno.args.slice(Deno.args.indexOf("--only") + 1).filter((arg) => PARTS.includes(arg));
const isWhole = !quick && !Deno.args.includes("--only");
const parts = Deno.args.includes("--only")
  ? only
  : quick
  ? PARTS.filter((part) => part !== "node")
  : PARTS;
const plans = quick ? PLANS.quick : PLANS.full;
const cores = Number(Deno.env.get(PINNED) ?? navigator.hardwareConcurrency);

const DENO = [Deno.execPath(), "run", "-A", ...IMPORT_MAP ? [`--import-map=${IMPORT_MAP}`] : []];

if (canPin() && !Deno.env.has(PINNED)) Deno.exit(await repeatPinned());
await main();

async function main(): Promise<void> {
  const start = performance.now();
  await using redis = skipRedis() ? undefined : await RedisServer.start(["--appendonly", "no"]);
  if (redis) Deno.env.set("REDIS_URL", redis.url);
  const about = await aboutOf(`deno task bench ${Deno.args.join(" ")}`.trim());
  await using nodeFolder = parts.includes("node")
    ? await makeNodeFolder(about.versions.hono!)
    : undefined;
  const storages = STORAGES.filter((storage) => storage !== "redis" || redis);
  const runtimes: Record<string, Measured> = {};
  for (const runtime of runtimesOf(storages, nodeFolder)) {
    const part = runtime.name === "Node" ? "node" : "deno";
    runtimes[runtime.name] = {
      inProcess: parts.includes(part) ? await measureInProcess(runtime, plans[part]) : [],
      http: parts.includes("http") ? await measureHttp(runtime, plans.http) : [],
    };
  }
  const scale = parts.includes("scale") ? await measureScale(plans.scale) : [];
  const results: Results = { about, runtimes, scale };
  console.log(reportOf(results));
  await write(results);
  console.log(`\ntook ${((performance.now() - start) / 1000).toFixed(0)} seconds`);
}

function runtimesOf(storages: readonly Storage[], folder: NodeFolder | undefined): Runtime[] {
  const deno = { name: "Deno", command: DENO, cwd: fromFileUrl(ROOT), storages };
  if (!folder) return [deno];
  return [deno, {
    name: "Node",
    command: [folder.node],
    cwd: folder.path,
    storages: storages.filter((storage) => storage !== "deno-kv"),
  }];
}

async function measureInProcess(
  { name, command, cwd, storages }: Runtime,
  options: Omit<Plan, "storage">,
): Promise<Group[]> {
  const groups: Group[] = [];
  for (const storage of storages) {
    say(`${name}, ${storage}`);
    const plan: Plan = { storage, ...options };
    const program = [...command, ...exposing(name), path(name, "in_process.ts")];
    groups.push(...await linesOf<Group>([...program, JSON.stringify(plan)], cwd));
  }
  return groups;
}

async function measureHttp(
  { name, command, cwd }: Runtime,
  options: Pick<HttpPlan, "rounds" | "seconds">,
): Promise<HttpResult[]> {
  say(`${name}, end to end`);
  const server = [...command, path(name, "server.ts")];
  const plan: HttpPlan = { command: [...pinnedTo(0), ...server], cwd, ...options };
  const program = [...pinnedTo(cores - 1), ...DENO, path("Deno", "http.ts")];
  const [results] = await linesOf<HttpResult[]>([...program, JSON.stringify(plan)]);
  return results!;
}

async function measureScale(plan: ScalePlan): Promise<Finding[]> {
  say("scale and start");
  const program = [...DENO, ...exposing("Deno"), path("Deno", "scale.ts")];
  return await linesOf<Finding>([...program, JSON.stringify(plan)]);
}

/** Lets a program collect its garbage itself. */
function exposing(runtime: string): string[] {
  return [runtime === "Deno" ? "--v8-flags=--expose-gc,--max-old-space-size=4096" : "--expose-gc"];
}

function path(runtime: string, name: string): string {
  return runtime === "Deno" ? `scripts/bench/${name}` : name;
}

/** What a program prints, line by line, as JSON. */
async function linesOf<Line>(command: string[], cwd = fromFileUrl(ROOT)): Promise<Line[]> {
  const [program, ...args] = command;
  const { success, stdout } = await new Deno.Command(program!, { args, cwd, stderr: "inherit" })
    .output();
  if (!success) throw new Error(`Cannot measure: ${command.join(" ")} failed`);
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

/** Writes what a README may show, or, of a part of a run, what is only looked at. */
async function write(results: Results): Promise<void> {
  const folder = new URL(isWhole ? "scripts/bench/" : ".bench/", ROOT);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(new URL("results.json", folder), stringify(results));
  if (results.runtimes.Deno!.inProcess.length > 0) {
    await Deno.writeTextFile(new URL("chart.svg", folder), chartOf(results));
  }
  console.log(`\nwritten: ${fromFileUrl(folder)}`);
}

/** As JSON, with no more digits than were measured. */
function stringify(results: Results): string {
  const round = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(4)) : value;
  return JSON.stringify(results, round) + "\n";
}

function canPin(): boolean {
  try {
    return new Deno.Command("taskset", { args: ["-c", "0", "true"] }).outputSync().success;
  } catch {
    return false;
  }
}

function pinnedTo(core: number): string[] {
  return Deno.env.has(PINNED) ? ["taskset", "-c", String(core)] : [];
}

/** Runs this once more on one core: a wake-up on an idle one costs more than what is measured. */
async function repeatPinned(): Promise<number> {
  const args = ["-c", "0", ...DENO, path("Deno", "main.ts"), ...Deno.args];
  const child = new Deno.Command("taskset", { args, env: { [PINNED]: String(cores) } }).spawn();
  return (await child.status).code;
}

function say(text: string): void {
  console.error(`measuring: ${text}`);
}
