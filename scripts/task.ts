// Runs the tasks of deno.json: with JSR where it can be reached, with npm alone where it can't.
import { buildWithTsc } from "./npm/build_with_tsc.ts";
import { fromFileUrl, ROOT } from "./paths.ts";
import { canResolve } from "./registry.ts";
import { findTestFiles } from "./test_files.ts";

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

/** How many processes share the tests that start other programs. */
const PROCESSES = 4;

const SUMMARY_REGEXP = /\| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed/;

const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
const entryPoints: string[] = Object.values(config.exports);
const importMap = await canResolve(config.imports.hono) ? [] : [`--import-map=${NPM_IMPORT_MAP}`];
// Tests that start processes of their own hand it on.
const env: Record<string, string> = importMap.length
  ? { HONO_SESSION_IMPORT_MAP: NPM_IMPORT_MAP }
  : {};

/** The programs that are running. A signal ends them, and none is started afterwards. */
const running = new Set<Deno.ChildProcess>();
let isInterrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    isInterrupted = true;
    // A terminal interrupts them itself, and the demo stops at once when it is asked twice.
    if (signal === "SIGINT" && Deno.stdin.isTerminal()) return;
    for (const child of running) child.kill(signal);
  });
}

const tasks: Record<string, (args: string[]) => Promise<boolean>> = {
  demo: (args) => deno(["run", "-A", ...importMap, "scripts/demo/main.ts", ...args]),
  bench: (args) => deno(["run", "-A", ...importMap, "scripts/bench/main.ts", ...args]),
  test,
  "test:fast": testFast,
  fuzz: (args) => deno(["run", "-A", ...importMap, "scripts/fuzz.ts", ...args]),
  check,
};

const names = Deno.args.filter((arg) => arg in tasks);
const rest = Deno.args.filter((arg) => !(arg in tasks));
if (importMap.length) {
  console.log("JSR can't be reached: Hono comes from npm, @std from scripts/std");
}
for (const name of names) {
  if (!await tasks[name]!(rest)) Deno.exit(1);
}

/**
 * Runs the tests: the named ones, or all. Before all, types are checked and the npm package is built, once for all
 * files. What starts other programs waits for them most of the time, and is shared out among processes.
 */
async function test(args: string[]): Promise<boolean> {
  if (args.some((arg) => !arg.startsWith("-"))) return await runTests([args]);
  const isUnchecked = args.includes("--no-check");
  const isReady = await Promise.all([isUnchecked || checkTypes(), sharePackage()]);
  if (isInterrupted || !isReady.every(Boolean)) return false;
  const { suites, fast, programs } = await findTestFiles();
  const flags = new Set([...args, "--no-check"]);
  const shares = Array.from(
    { length: PROCESSES },
    (_, share) => programs.filter((_, index) => index % PROCESSES === share),
  );
  return await runTests(
    [[...DOCUMENTED, ...suites, ...fast], ...shares].map((files) => [...flags, ...files]),
  );
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
  env.HONO_SESSION_NPM_FOLDER = folder;
  return true;
}

/** Runs the tests that start no other program, unchecked, with few runs of the model. */
async function testFast(args: string[]): Promise<boolean> {
  const { suites, fast } = await findTestFiles();
  env.HONO_SESSION_RUNS ??= Deno.env.get("HONO_SESSION_RUNS") ?? "150";
  // Two for each core, as many tests wait.
  env.DENO_JOBS = Deno.env.get("DENO_JOBS") ?? String(navigator.hardwareConcurrency * 2);
  return await runTests(
    [suites, fast].map((files) => [...args, "--no-check", "--parallel", ...files]),
  );
}

/** Runs groups of tests at the same time, shows one after the other, and ends with a plain line of counts. */
async function runTests(groups: string[][]): Promise<boolean> {
  const counts = { passed: 0, failed: 0 };
  let shown = Promise.resolve();
  const results = await Promise.all(groups.map(async (group) => {
    const before = shown;
    const { promise, resolve } = Promise.withResolvers<void>();
    shown = promise;
    const command = ["test", "-A", "--doc", ...SANITIZERS, ...importMap, ...group];
    let hasSummary = false;
    const onLine = (line: string) => {
      const [summary, passed, failed] = SUMMARY_REGEXP.exec(line) ?? [];
      if (!summary) return;
      hasSummary = true;
      counts.passed += Number(passed);
      counts.failed += Number(failed);
    };
    const success = await deno(command, { onLine, after: before });
    if (!hasSummary) {
      console.log("\nA process ended before its tests did");
      counts.failed++;
    }
    resolve();
    return success;
  }));
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  return results.every(Boolean) && counts.passed > 0;
}

async function check(): Promise<boolean> {
  return await deno(["fmt", "--check"]) &&
    await deno(["lint", "--quiet"]) &&
    await checkTypes() &&
    await lintDocs() &&
    await dryRun();
}

/** Checks the types of all code, examples included. Deno remembers what passed. */
async function checkTypes(): Promise<boolean> {
  return await deno(["check", "--doc", "--quiet", ...importMap, ...CODE, ...DOCUMENTED]);
}

/** Shows what would be published. `deno publish` takes its imports from the configuration alone. */
async function dryRun(): Promise<boolean> {
  const publish = ["publish", "--dry-run", "--allow-dirty"];
  if (!importMap.length) return await deno(publish);
  const { imports } = JSON.parse(await Deno.readTextFile(NPM_IMPORT_MAP));
  for (const [name, target] of Object.entries<string>(imports)) {
    if (target.startsWith("./")) imports[name] = `./scripts/${target.slice(2)}`;
  }
  const file = new URL("deno.npm.json", ROOT);
  // The stand-ins are not published, but here they are part of what is checked.
  const include = [...config.publish.include, "scripts/std"];
  await Deno.writeTextFile(file, JSON.stringify({ ...config, imports, publish: { include } }));
  try {
    return await deno([...publish, `--config=${fromFileUrl(file)}`]);
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

interface DenoOptions {
  /** Called with each line of the output. */
  onLine?: (line: string) => void;
  /** The output is held back until then. */
  after?: Promise<void>;
}

/** Runs Deno, and shows its output. */
async function deno(args: string[], { onLine, after }: DenoOptions = {}): Promise<boolean> {
  if (isInterrupted) return false;
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    env,
    stdout: onLine ? "piped" : "inherit",
  }).spawn();
  running.add(child);
  const ended = child.status.finally(() => running.delete(child));
  if (onLine) {
    let last = "";
    let shown = after ?? Promise.resolve();
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      shown = shown.then(() => write(text));
      const lines = (last + text).split("\n");
      last = lines.pop()!;
      for (const line of lines) onLine(line);
    }
    await shown;
  }
  const { success } = await ended;
  return success;
}

async function write(text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length;) {
    written += await Deno.stdout.write(bytes.subarray(written));
  }
}
