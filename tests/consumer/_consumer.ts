import { HONO_RANGE, LIB, packageJson, TARGET } from "../../scripts/npm/package.ts";
import { installed, skipNpm } from "../npm/_npm.ts";
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
  /** Which TypeScript, as `npm install` takes it. */
  typescript?: string;
  compilerOptions?: Record<string, unknown>;
  /** What is installed as well. */
  packages?: readonly string[];
}

const folders = new Map<string, Promise<string>>();

/** What `tsc --strict` has to say of a program that uses the installed package: a line for each error. */
export async function checkAsConsumer(program: string, consumer: Consumer = {}): Promise<string[]> {
  const { hono = HONO_RANGE, typescript = "6", compilerOptions, packages = [] } = consumer;
  const cwd = await folderWith([`hono@${hono}`, `typescript@${typescript}`, ...packages]);
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
  const { code, stdout } = await new Deno.Command("node_modules/.bin/tsc", {
    args: ["--pretty", "false", "-p", configPath],
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
