import { run } from "../../scripts/npm/run.ts";
import { requireOrSkip } from "../_support/available.ts";

/** Whether tests with npm are to be skipped. */
export function skipNpm(): boolean {
  return requireOrSkip("npm", hasNpm(), "Node 20 or newer, which has it");
}

function hasNpm(): boolean {
  try {
    return new Deno.Command("npm", { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

/**
 * Makes an empty folder, which is removed when the tests have ended, and installs packages into it. Those of the folder
 * around it are found as well.
 */
export async function installed(packages: string[], around?: string): Promise<string> {
  const folder = await temporaryFolder(around);
  await Deno.writeTextFile(`${folder}/package.json`, '{ "private": true, "type": "module" }');
  const quietly = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  await run(["npm", "install", ...quietly, ...packages], { cwd: folder });
  return folder;
}

/** A folder that is removed when the tests have ended. */
export async function temporaryFolder(dir?: string): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "hono-session-npm-", ...(dir && { dir }) });
  if (!dir) addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return folder;
}

/** The oldest Node that the package runs on: of this machine, else from npm. */
export async function findOldestNode(): Promise<string> {
  const cwd = Deno.cwd();
  const version = await run(["node", "--version"], { cwd });
  if (version.startsWith("v20.")) return "node";
  const { arch, os } = Deno.build;
  const name = `node-${os}-${arch === "aarch64" ? "arm64" : "x64"}`;
  return `${await installed([`${name}@20`])}/node_modules/${name}/bin/node`;
}
