import { buildWithTsc } from "../../scripts/npm/build_with_tsc.ts";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";
import { run } from "../../scripts/npm/run.ts";
import { temporaryFolder } from "./_npm.ts";

/** Names a folder in which the package was built, to test that one: `npm` after `deno task build-npm`. */
const BUILT = Deno.env.get("HONO_SESSION_NPM_FOLDER");

let folder: Promise<string> | undefined;
let tarball: Promise<string> | undefined;

/** The folder of the built package, which is built when it is asked for first. */
export function packageFolder(): Promise<string> {
  return folder ??= BUILT ? Promise.resolve(fromFileUrl(new URL(`${BUILT}/`, ROOT))) : build();
}

/** The package as `npm publish` would send it. */
export function packageTarball(): Promise<string> {
  return tarball ??= pack();
}

async function build(): Promise<string> {
  const folder = await temporaryFolder();
  await buildWithTsc(folder);
  return folder;
}

async function pack(): Promise<string> {
  const cwd = await temporaryFolder();
  const name = await run(["npm", "pack", "--silent", await packageFolder()], { cwd });
  return `${cwd}/${name.trim()}`;
}
