import { requireOrSkip } from "./available.ts";

const { arch, os } = Deno.build;
const isArm = arch === "aarch64";

/**
 * What is known of the runtimes. On npm each has a package for every platform that holds the program itself; those
 * that are called `bun` and `node` fetch it by a script, which Deno does not run unless it is told to.
 */
const RUNTIMES = {
  bun: { oldest: 1, packageName: `@oven/bun-${os}-${isArm ? "aarch64" : "x64"}`, range: "^1.3.0" },
  // The first with a long-term release that runs TypeScript without being told to.
  node: { oldest: 24, packageName: `node-${os}-${isArm ? "arm64" : "x64"}`, range: ">=24.0.0" },
};

type Name = keyof typeof RUNTIMES;

/**
 * The program of a runtime: of this machine where it is new enough, else from npm; `undefined`, with a line that says
 * why, where there is neither.
 */
export async function findRuntime(name: Name): Promise<string | undefined> {
  const { oldest, packageName } = RUNTIMES[name];
  const path = await isNewEnough(name, oldest) ? name : await fromNpm(name);
  const what = `${name} ${oldest} or newer`;
  const install = `${what}, or let npm:${packageName} be reached`;
  return requireOrSkip(what, path !== undefined, install) ? undefined : path;
}

async function isNewEnough(path: string, oldest: number): Promise<boolean> {
  try {
    const { stdout } = await new Deno.Command(path, { args: ["--version"] }).output();
    const [version] = /\d+/.exec(new TextDecoder().decode(stdout)) ?? [];
    return Number(version) >= oldest;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Installs a runtime, over Deno's cache of npm, in a folder that is removed when the tests have ended. */
async function fromNpm(name: Name): Promise<string | undefined> {
  const { oldest, packageName, range } = RUNTIMES[name];
  const folder = await Deno.makeTempDir();
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const manifest = { dependencies: { [packageName]: range } };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest));
  await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--node-modules-dir=auto"],
    cwd: folder,
    stderr: "null",
  }).output();
  const path = `${folder}/node_modules/${packageName}/bin/${name}`;
  return await isNewEnough(path, oldest) ? path : undefined;
}
