import { HONO_RANGE, LIB, packageJson, TARGET } from "../../scripts/npm/package.ts";
import { run } from "../../scripts/npm/run.ts";
import { installed, skipNpm, temporaryFolder } from "../npm/_npm.ts";
import { packageTarball } from "../npm/_package.ts";

/** The oldest and the newest Hono that the package works with. */
export const HONO_VERSIONS = [HONO_RANGE.replace("^", ""), HONO_RANGE];

/** The newest of each major version of TypeScript, as npm has them. */
export const TYPESCRIPT_VERSIONS = ["5", "6", "7"];

/** Whether tests with consumers are to be skipped. */
export const skipConsumer = skipNpm;

/** Who installs the package. */
export interface Consumer {
  /** Which Hono, as `npm install` takes it. */
  hono?: string;
  /** Which TypeScript, of {@linkcode TYPESCRIPT_VERSIONS}. */
  typescript?: string;
  compilerOptions?: Record<string, unknown>;
  /** What is installed as well. */
  packages?: readonly string[];
}

let compilers: Promise<string> | undefined;
const folders = new Map<string, Promise<string>>();

/** What `tsc --strict` has to say of a program that uses the installed package: a line for each error. */
export async function checkAsConsumer(program: string, consumer: Consumer = {}): Promise<string[]> {
  const { hono = HONO_RANGE, typescript = "6", compilerOptions, packages = [] } = consumer;
  const cwd = await folderWith([`hono@${hono}`, ...packages]);
  const configPath = `${crypto.randomUUID()}.json`;
  const programPath = configPath.replace("json", "ts");
  const config = {
    compilerOptions: {
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      // Half of the time would go into the libraries of TypeScript itself.
      skipDefaultLibCheck: true,
      target: TARGET,
      lib: LIB,
      types: [],
      module: "NodeNext",
      ...compilerOptions,
      noEmit: true,
    },
    files: [programPath],
  };
  await Deno.writeTextFile(`${cwd}/${configPath}`, JSON.stringify(config));
  await Deno.writeTextFile(`${cwd}/${programPath}`, program);
  const tsc =
    `${await (compilers ??= installCompilers())}/node_modules/typescript-${typescript}/bin/tsc`;
  const { code, stdout } = await new Deno.Command("node", {
    // A compiler that ends after two seconds is not worth optimizing.
    args: ["--no-opt", tsc, "--pretty", "false", "-p", configPath],
    cwd,
  }).output();
  const output = new TextDecoder().decode(stdout).trim();
  if ((code === 0) !== (output === "")) {
    throw new Error(`Cannot check program of ${packageJson.name}'s consumer: ${code} ${output}`);
  }
  return output ? output.split(/\n(?! )/) : [];
}

/** Installs the package once beside each choice of other packages. */
async function folderWith(packages: string[]): Promise<string> {
  const key = packages.join(" ");
  const folder = folders.get(key) ??
    packageTarball().then((tarball) => installed([tarball, ...packages]));
  folders.set(key, folder);
  return await folder;
}

/** Installs every TypeScript, over Deno's cache of npm. */
async function installCompilers(): Promise<string> {
  const cwd = await temporaryFolder();
  const dependencies = Object.fromEntries(
    TYPESCRIPT_VERSIONS.map((version) => [`typescript-${version}`, `npm:typescript@${version}`]),
  );
  await Deno.writeTextFile(`${cwd}/package.json`, JSON.stringify({ dependencies }));
  await run([Deno.execPath(), "install", "--quiet", "--node-modules-dir=auto"], { cwd });
  return cwd;
}
