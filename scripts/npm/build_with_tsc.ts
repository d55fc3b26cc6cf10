// Builds the npm package with TypeScript alone, where dnt, which comes from JSR, can't be had.
import npmImportMap from "../npm_import_map.json" with { type: "json" };
import config from "../../deno.json" with { type: "json" };
import { fromFileUrl, ROOT } from "../paths.ts";
import {
  defaultStore,
  dependencies,
  entryPoints,
  files,
  LIB,
  packageJson,
  peerDependencies,
  TARGET,
} from "./package.ts";
import { run } from "./run.ts";

const TYPESCRIPT_RANGE = "^6.0.0";

const SOURCE = ["mod.ts", "src", "stores"];

/** Local files that stand for packages which the build takes in. */
const BUNDLED: [specifier: string, path: string][] = Object.entries(npmImportMap.imports)
  .filter(([specifier, path]) => path.startsWith("./") && specifier.startsWith("@std/crypto/"));

/** Brings the types of `Symbol.asyncDispose` along. */
const DISPOSABLE = '/// <reference lib="esnext.disposable" preserve="true" />\n';

/** Builds the package into a folder. */
export async function buildWithTsc(outFolder: string): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "hono-session-build-" });
  try {
    for (const path of SOURCE) await copySource(path, `${work}/source`);
    for (const [, path] of BUNDLED) {
      await copySource(`scripts/${path.slice(2)}`, `${work}/source`, bundledPath(path));
    }
    await writeJson(`${work}/package.json`, {
      type: "module",
      dependencies: { ...dependencies, ...peerDependencies, typescript: TYPESCRIPT_RANGE },
    });
    await writeJson(`${work}/tsconfig.json`, {
      compilerOptions: {
        ...config.compilerOptions,
        target: TARGET,
        lib: LIB,
        types: [],
        module: "NodeNext",
        declaration: true,
        skipLibCheck: true,
        rootDir: "source",
        outDir: `${outFolder}/esm`,
      },
      files: entryPoints.map(({ path }) => `source/${path.slice(2)}`),
    });
    await run([Deno.execPath(), "install", "--quiet", "--node-modules-dir=auto"], { cwd: work });
    await run([Deno.execPath(), "run", "-A", "node_modules/typescript/lib/tsc.js"], { cwd: work });
  } finally {
    await Deno.remove(work, { recursive: true });
  }
  await finish(outFolder);
  await writeJson(`${outFolder}/package.json`, { ...packageJson, dependencies, peerDependencies });
}

/**
 * Puts the files that are no code beside it, and those that are written by hand, names the libraries of types, and lets
 * whoever imports the package choose the default store.
 */
export async function finish(outFolder: string): Promise<void> {
  await importByCondition(outFolder);
  for (const [from, to] of Object.entries(files)) {
    const target = `${outFolder}/${to}`;
    await Deno.mkdir(target.replace(/\/[^/]+$/, ""), { recursive: true });
    await Deno.copyFile(fromFileUrl(new URL(from, ROOT)), target);
  }
  for (const { path } of entryPoints) {
    const types = `${outFolder}/esm/${path.slice(2).replace(/\.ts$/, ".d.ts")}`;
    const text = await Deno.readTextFile(types);
    // JSR lets no source name one, and not every consumer has it.
    if (text.includes("Symbol.asyncDispose")) await Deno.writeTextFile(types, DISPOSABLE + text);
  }
}

/** @throws {Error} When the default store is not imported once, as it is known. */
async function importByCondition(outFolder: string): Promise<void> {
  const { importedBy, from, to } = defaultStore;
  const path = `${outFolder}/${importedBy}`;
  const parts = (await Deno.readTextFile(path)).split(` from "${from}";`);
  if (parts.length !== 2) {
    throw new Error(`Cannot build npm package: no import of ${from} in ${path}`);
  }
  await Deno.writeTextFile(path, parts.join(` from "${to}";`));
}

/** Copies a file or a folder, its imports as npm needs them. */
async function copySource(path: string, folder: string, to = path): Promise<void> {
  const from = new URL(path, ROOT);
  if ((await Deno.stat(from)).isDirectory) {
    for await (const { name } of Deno.readDir(from)) await copySource(`${path}/${name}`, folder);
    return;
  }
  const target = `${folder}/${to}`;
  await Deno.mkdir(target.replace(/\/[^/]+$/, ""), { recursive: true });
  await Deno.writeTextFile(target, rewriteImports(await Deno.readTextFile(from), to));
}

function rewriteImports(text: string, path: string): string {
  const up = "../".repeat(path.split("/").length - 1) || "./";
  return text.replaceAll(/(?<= from ")[^"]+(?=";$)/gm, (specifier) => {
    const [, bundled] = BUNDLED.find(([name]) => name === specifier) ?? [];
    const local = bundled ? up + bundledPath(bundled) : specifier;
    return local.startsWith(".") ? local.replace(/\.ts$/, ".js") : local;
  });
}

function bundledPath(path: string): string {
  return path.replace("./", "deps/");
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(value, undefined, 2) + "\n");
}
