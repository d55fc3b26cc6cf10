// Measures this library against others: `deno task bench`, with `--quick` for two minutes of it, or with `--only` and the
// names of parts: deno, node, bytes, http, scale, sql. With `--profile` it shows instead where the bytes of a request come from,
// with `--device` what the option `device` costs, and with `--record` it records how many bytes there may be.
import { PostgresServer, skipPostgres } from "../../tests/_support/postgres.ts";
import { RedisServer, skipRedis } from "../../tests/_support/redis.ts";
import { fromFileUrl, ROOT } from "../paths.ts";
import { aboutOf } from "./about.ts";
import type { AllocationPlan, Allocations } from "./allocations.ts";
import { type Storage, STORAGES } from "./backends.ts";
import { chartOf } from "./chart.ts";
import type { DeviceCost } from "./device.ts";
import type { Finding } from "./finding.ts";
import type { Footprint } from "./footprints.ts";
import type { ProfilePlan, Source } from "./heap_profile.ts";
import type { HttpPlan, HttpResult } from "./http.ts";
import type { Group, Plan } from "./in_process.ts";
import { makeNodeFolder, type NodeFolder } from "./node.ts";
import { countAnew, record, type Recorded, RECORDED_STORAGES } from "./recorded.ts";
import { reportOf } from "./report.ts";
import type { Measured, Results } from "./results.ts";
import { DENO, linesOf } from "./lines.ts";
import type { ScalePlan } from "./scale.ts";
import type { SqlGroup, SqlPlan } from "./sql.ts";
import { COLLECTING, COUNTING, PROFILING, v8Flags } from "./v8_flags.ts";

const PARTS = ["deno", "node", "bytes", "http", "scale", "sql"];
/** Those that the quick run leaves out. */
const LONG_PARTS = ["node", "sql"];

/** Set in the process that is pinned to one core already. */
const PINNED = "HONO_SESSION_BENCH_PINNED";

/** How long a part of a run in process takes. */
const LONG = { sizes: [200, 2000], rounds: 5, slot: 12, operations: 400, warmUp: 2000 };
const SHORT = { sizes: [200], rounds: 3, slot: 8, operations: 1, warmUp: 500 };

/** The quick run takes two minutes. */
const PLANS = {
  full: {
    inProcess: LONG,
    bytes: { bytes: 200, warmUp: 1000, requests: 200 },
    http: { rounds: 3, seconds: 1 },
    scale: { few: 1000, many: 1_000_000, rounds: 7, slot: 30 },
    sql: { few: 1000, many: 1_000_000, rounds: 9, slot: 150, warmUp: 4000 },
  },
  quick: {
    inProcess: SHORT,
    bytes: { bytes: 200, warmUp: 200, requests: 50 },
    http: { rounds: 1, seconds: 1 },
    scale: { few: 1000, many: 20_000, rounds: 3, slot: 20 },
    sql: { few: 1000, many: 20_000, rounds: 3, slot: 50, warmUp: 1000 },
  },
};

/** A runtime that is measured. */
interface Runtime {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly storages: readonly Storage[];
}

const quick = Deno.args.includes("--quick");
const only = Deno.args.slice(Deno.args.indexOf("--only") + 1).filter((arg) => PARTS.includes(arg));
const isWhole = !quick && !Deno.args.includes("--only");
const parts = Deno.args.includes("--only")
  ? only
  : quick
  ? PARTS.filter((part) => !LONG_PARTS.includes(part))
  : PARTS;
const plans = quick ? PLANS.quick : PLANS.full;
const cores = Number(Deno.env.get(PINNED) ?? navigator.hardwareConcurrency);

if (canPin() && !Deno.env.has(PINNED)) Deno.exit(await repeatPinned());
if (Deno.args.includes("--profile")) await showProfiles();
else if (Deno.args.includes("--device")) await showDevice();
else if (Deno.args.includes("--record")) await recordBytes();
else await main();

async function main(): Promise<void> {
  const start = performance.now();
  await using redis = skipRedis() ? undefined : await RedisServer.start(["--appendonly", "no"]);
  if (redis) Deno.env.set("REDIS_URL", redis.url);
  const about = await aboutOf(`deno task bench ${Deno.args.join(" ")}`.trim());
  const isOnNode = !quick && (parts.includes("node") || parts.includes("bytes"));
  await using nodeFolder = isOnNode ? await makeNodeFolder(about.versions.hono!) : undefined;
  const storages = STORAGES.filter((storage) => storage !== "redis" || redis);
  const runtimes: Record<string, Measured> = {};
  for (const runtime of runtimesOf(storages, nodeFolder)) {
    const part = runtime.name === "Node" ? "node" : "deno";
    runtimes[runtime.name] = {
      inProcess: parts.includes(part) ? await measureInProcess(runtime, plans.inProcess) : [],
      allocations: parts.includes("bytes") ? await countBytes(runtime, plans.bytes) : [],
      http: parts.includes("http") ? await measureHttp(runtime, plans.http) : [],
    };
  }
  const scale = parts.includes("scale") ? await measureScale(plans.scale) : [];
  const sql = parts.includes("sql") ? await measureSql(plans.sql) : [];
  const footprints = parts.includes("bytes") && redis ? await countFootprints() : [];
  const results: Results = { about, runtimes, footprints, scale, sql };
  console.log(reportOf(results));
  await write(results);
  console.log(`\ntook ${((performance.now() - start) / 1000).toFixed(0)} seconds`);
}

/** Shows where the bytes come from that a request allocates. */
async function showProfiles(): Promise<void> {
  for (const storage of ["map", "encrypted"] as const) {
    for (const scenario of ["read", "write"]) {
      console.log(`\n${storage}, ${scenario}: bytes by the function that allocates them`);
      const plan: ProfilePlan = { storage, scenario };
      const program = [...DENO, ...v8Flags("Deno", PROFILING), path("Deno", "heap_profile.ts")];
      for (const { bytes, name } of await linesOf<Source>([...program, JSON.stringify(plan)])) {
        console.log(`${String(bytes).padStart(6)}  ${name}`);
      }
    }
  }
}

/** Shows what the option `device` costs a request. */
async function showDevice(): Promise<void> {
  const program = [...DENO, ...v8Flags("Deno", COUNTING), path("Deno", "device.ts")];
  for (const { name, bytes, microseconds } of await linesOf<DeviceCost>(program)) {
    console.log(`${name.padEnd(28)} ${bytes} bytes, ${microseconds.toFixed(1)} µs`);
  }
}

/** Records how many bytes a request allocates, which a test holds it to. */
async function recordBytes(): Promise<void> {
  await using redis = await RedisServer.start(["--appendonly", "no"]);
  Deno.env.set("REDIS_URL", redis.url);
  const counted: Recorded[] = [];
  for (const storage of RECORDED_STORAGES) {
    for (let time = 0; time < 3; time++) counted.push(await countAnew(storage));
  }
  await record(counted);
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
    const program = [...command, ...v8Flags(name, COLLECTING), path(name, "in_process.ts")];
    groups.push(...await linesOf<Group>([...program, JSON.stringify(plan)], cwd));
  }
  return groups;
}

async function countBytes(
  { name, command, cwd, storages }: Runtime,
  options: Omit<AllocationPlan, "storage">,
): Promise<Allocations[]> {
  const allocations: Allocations[] = [];
  for (const storage of storages) {
    say(`${name}, ${storage}, bytes`);
    const plan: AllocationPlan = { storage, ...options };
    const program = [...command, ...v8Flags(name, COUNTING), path(name, "allocations.ts")];
    allocations.push(...await linesOf<Allocations>([...program, JSON.stringify(plan)], cwd));
  }
  return allocations;
}

async function countFootprints(): Promise<Footprint[]> {
  say("bytes at rest and on the wire");
  return await linesOf<Footprint>([...DENO, path("Deno", "footprints.ts")]);
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
  const flags = v8Flags("Deno", [...COLLECTING, "--max-old-space-size=4096"]);
  const program = [...DENO, ...flags, path("Deno", "scale.ts")];
  return await linesOf<Finding>([...program, JSON.stringify(plan)]);
}

async function measureSql(plan: SqlPlan): Promise<SqlGroup[]> {
  // What runs beside it by itself would be part of what is measured.
  await using postgres = skipPostgres()
    ? undefined
    : await PostgresServer.start({ autovacuum: "off" });
  if (postgres) Deno.env.set("POSTGRES_URL", postgres.url);
  say("SQL");
  return await linesOf<SqlGroup>([...DENO, path("Deno", "sql.ts"), JSON.stringify(plan)]);
}

function path(runtime: string, name: string): string {
  return runtime === "Deno" ? `scripts/bench/${name}` : name;
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
