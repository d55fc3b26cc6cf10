// Runs the tasks of deno.json: with JSR where it can be reached, with npm alone where it can't.
import { DenoProcesses } from "./deno_processes.ts";
import { buildWithTsc } from "./npm/build_with_tsc.ts";
import { fromFileUrl, ROOT } from "./paths.ts";
import { canResolve } from "./registry.ts";
import { findTestFiles } from "./test_files.ts";
import { runTests } from "./test_queue.ts";

const NPM_IMPORT_MAP = fromFileUrl(new URL("scripts/npm_import_map.json", ROOT));
const CODE = ["mod.ts", "src", "stores", "scripts", "tests"];
const DOCUMENTED = [
  ...["mod.ts", "src", "stores"],
  ...["README.md", ".github/REFERENCE.md", ".github/MIGRATING.md", ".github/CONFIRMING.md"],
  ".github/LOGOUT.md",
  ".github/METRICS.md",
];

/** Findings that are none: types of Hono in signatures are not ours to export, and setters return nothing. */
const FALSE_FINDINGS = [
  /private-type-ref.*'(Handler|MiddlewareHandler|Context|WSEvents)'/,
  /missing-return-type[^]*\|\s+set /,
];

/** A test leaves nothing open that it does not say. `--trace-leaks` shows where it began, at twice the CPU time. */
const SANITIZERS = ["--sanitize-resources"];

/** How many test files run at the same time: two for each core, as many tests wait. */
const JOBS = Number(Deno.env.get("DENO_JOBS") ?? navigator.hardwareConcurrency * 2);

const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
const entryPoints: string[] = Object.values(config.exports);
const importMap = await canResolve(config.imports.hono) ? [] : [`--import-map=${NPM_IMPORT_MAP}`];
const processes = new DenoProcesses();
// Tests that start processes of their own hand it on.
if (importMap.length) processes.env.HONO_SESSION_IMPORT_MAP = NPM_IMPORT_MAP;

const tasks: Record<string, (args: string[]) => Promise<boolean>> = {
  demo: (args) => processes.run(["run", "-A", ...importMap, "scripts/demo/main.ts", ...args]),
  bench: (args) => processes.run(["run", "-A", ...importMap, "scripts/bench/main.ts", ...args]),
  test,
  "test:fast": testFast,
  fuzz: (args) => processes.run(["run", "-A", ...importMap, "scripts/fuzz.ts", ...args]),
  check,
};

const names = Deno.args.filter((arg) => Object.hasOwn(tasks, arg));
const rest = Deno.args.filter((arg) => !Object.hasOwn(tasks, arg));
if (importMap.length) {
  console.log("JSR can't be reached: Hono comes from npm, @std from scripts/std");
}
for (const name of names) {
  if (!await tasks[name]!(rest)) Deno.exit(1);
}

/**
 * Runs the tests: the named ones, or all. Before all, types are checked and the npm package is built, once for all
 * files.
 */
async function test(args: string[]): Promise<boolean> {
  if (args.some((arg) => !arg.startsWith("-"))) return await runBatches([args]);
  const flags = unchecked(args);
  const isReady = await Promise.all([flags === args || checkTypes(), sharePackage()]);
  if (processes.isInterrupted || !isReady.every(Boolean)) return false;
  const { suites, fast, long, programs } = await findTestFiles();
  // What takes long keeps a core busy, and is not left for the end. The others wait most of the time.
  const others = [...suites, ...programs];
  const mixed = long.flatMap((file) => [file, ...others.splice(0, 1)]);
  const single = [...mixed, ...others].map((file) => [file]);
  return await runBatches([[...DOCUMENTED, ...fast], ...single], flags);
}

/** Builds the npm package for all test files that use it, which would build it each for themselves. */
async function sharePackage(): Promise<boolean> {
  if (Deno.env.has("HONO_SESSION_NPM_FOLDER")) return true;
  const folder = await Deno.makeTempDir({ prefix: "hono-session-npm-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  try {
    await buildWithTsc(folder);
  } catch (error) {
    console.error(error);
    return false;
  }
  processes.env.HONO_SESSION_NPM_FOLDER = folder;
  return true;
}

/** Runs the tests that start no other program, unchecked, with few runs of the model. */
async function testFast(args: string[]): Promise<boolean> {
  const { suites, fast } = await findTestFiles();
  processes.env.HONO_SESSION_RUNS = Deno.env.get("HONO_SESSION_RUNS") ?? "150";
  processes.env.DENO_JOBS = String(JOBS);
  return await runBatches([suites, fast], ["--parallel", ...unchecked(args)]);
}

/** The arguments, with the one that leaves out the check of types. */
function unchecked(args: string[]): string[] {
  return args.includes("--no-check") ? args : [...args, "--no-check"];
}

/** Runs batches of test files, or of arguments, in a process each. */
async function runBatches(batches: string[][], flags: string[] = []): Promise<boolean> {
  const command = ["test", "-A", "--doc", ...SANITIZERS, ...importMap, ...flags];
  // The first batch, of all that runs in one process, has its own.
  return await runTests(batches, { processes, command, jobs: JOBS + 1 });
}

async function check(): Promise<boolean> {
  return await processes.run(["fmt", "--check"]) &&
    await processes.run(["lint", "--quiet"]) &&
    await checkTypes() &&
    await lintDocs() &&
    await dryRun();
}

/** Checks the types of all code, examples included. Deno remembers what passed. */
async function checkTypes(): Promise<boolean> {
  return await processes.run(["check", "--doc", "--quiet", ...importMap, ...CODE, ...DOCUMENTED]);
}

/** Shows what would be published. `deno publish` takes its imports from the configuration alone. */
async function dryRun(): Promise<boolean> {
  const publish = ["publish", "--dry-run", "--allow-dirty"];
  if (!importMap.length) return await processes.run(publish);
  const { imports } = JSON.parse(await Deno.readTextFile(NPM_IMPORT_MAP));
  for (const [name, target] of Object.entries<string>(imports)) {
    if (target.startsWith("./")) imports[name] = `./scripts/${target.slice(2)}`;
  }
  const file = new URL("deno.npm.json", ROOT);
  // The stand-ins are not published, but here they are part of what is checked.
  const include = [...config.publish.include, "scripts/std"];
  await Deno.writeTextFile(file, JSON.stringify({ ...config, imports, publish: { include } }));
  try {
    return await processes.run([...publish, `--config=${fromFileUrl(file)}`]);
  } finally {
    await Deno.remove(file);
  }
}

/** Lints the docs. */
async function lintDocs(): Promise<boolean> {
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--lint", "--quiet", ...importMap, ...entryPoints],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdout: "null",
  }).output();
  const findings = new TextDecoder().decode(stderr).split(/\n{2,}/)
    .filter((finding) => finding.startsWith("error["))
    .filter((finding) => !FALSE_FINDINGS.some((regexp) => regexp.test(finding)));
  for (const finding of findings) console.error(finding);
  return findings.length === 0;
}
