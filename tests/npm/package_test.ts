import { assert, assertEquals } from "@std/assert";
import {
  defaultStore,
  dependencies,
  entryPoints,
  mappings,
  packageJson,
  peerDependencies,
} from "../../scripts/npm/package.ts";
import { run } from "../../scripts/npm/run.ts";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";
import { ignoredExample } from "../_support/documents.ts";
import { installed, skipNpm } from "./_npm.ts";
import { packageFolder, packageTarball } from "./_package.ts";

const IMPORT_REGEXP = /\b(?:from|import)\s*\(?\s*"([^"]+)"/g;

const folder = await packageFolder();
const manifest = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
const code = await readAll(`${folder}/esm`, ".js");
const declarations = await readAll(`${folder}/esm`, ".d.ts");

/** The files of a folder, by path, without their comments. */
async function readAll(folder: string, ending: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) { for (const entry of await readAll(path, ending)) files.set(...entry); }
    else if (name.endsWith(ending)) files.set(path, withoutComments(await Deno.readTextFile(path)));
  }
  return files;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/gm, "");
}

/** The packages and their modules that files import, each once. */
function foreignImports(files: Map<string, string>): string[] {
  const all = [...files.values()].flatMap((text) => [...text.matchAll(IMPORT_REGEXP)])
    .map(([, specifier]) => specifier!);
  return [...new Set(all)].filter((specifier) => !specifier.startsWith(".")).toSorted();
}

Deno.test("npm: the entry points are those of JSR and ./global", () => {
  const names = entryPoints.map(({ name }) => name);
  assertEquals(Object.keys(manifest.exports).toSorted(), [...names, "./global"].toSorted());
});

Deno.test("npm: every entry point has its code and its types", () => {
  for (const { types, default: path } of Object.values<Record<string, string>>(manifest.exports)) {
    assert(types?.endsWith(".d.ts") && path?.endsWith(".js"));
    for (const file of [types, path]) assert(Deno.statSync(`${folder}/${file}`).isFile, file);
  }
});

Deno.test("npm: the default store is chosen by who imports the main entry point, and by nothing else", () => {
  const { to, conditions } = defaultStore;
  assertEquals(manifest.imports, { [to]: conditions });
  for (const path of Object.values(conditions)) {
    assert(code.has(`${folder}/${path.slice(2)}`), path);
  }
  const importers = [...code].filter(([, text]) => text.includes(to)).map(([path]) => path);
  assertEquals(importers, [`${folder}/esm/mod.js`]);
});

Deno.test("npm: the manifest says what the package is and needs", () => {
  const { name, version, type, sideEffects, engines, license, peerDependenciesMeta } = packageJson;
  const needs = { dependencies, peerDependencies };
  const optional = { peerDependenciesMeta };
  const expected = { name, version, type, sideEffects, engines, license, ...needs, ...optional };
  const picked = Object.fromEntries(Object.keys(expected).map((key) => [key, manifest[key]]));
  assertEquals(picked, expected);
  for (const key of ["devDependencies", "optionalDependencies", "main"]) {
    assertEquals(manifest[key], undefined, key);
  }
});

Deno.test("npm: the mappings are the modules of Hono that the source imports", async () => {
  const entry = withoutComments(await Deno.readTextFile(new URL("mod.ts", ROOT)));
  const source = new Map([["mod.ts", entry]]);
  for (const name of ["src", "stores"]) {
    for (const entry of await readAll(fromFileUrl(new URL(name, ROOT)), ".ts")) {
      source.set(...entry);
    }
  }
  const used = foreignImports(source).filter((name) => !name.startsWith("@x/hono-session"));
  const bundled = used.filter((name) => name.startsWith("@std/crypto/"));
  const known = [...Object.keys(mappings), ...Object.keys(dependencies), ...bundled];
  assertEquals(used, known.toSorted());
});

Deno.test("npm: the code imports Hono and the dependencies by name, and nothing else", () => {
  const known = [...Object.keys(mappings), ...Object.keys(dependencies)];
  const packages = foreignImports(code).filter((name) => name !== defaultStore.to);
  const typesAlone = ["hono", "hono/ws"];
  assertEquals(packages, known.filter((name) => !typesAlone.includes(name)).toSorted());
  // By its own name the package is imported where it augments Hono.
  const types = foreignImports(declarations).filter((name) => name !== manifest.name);
  for (const name of types) assert(known.includes(name), name);
});

Deno.test("npm: the code needs no Deno, names no registry and carries no Hono of its own", () => {
  assert(code.size > 40);
  for (const [path, text] of code) {
    assert(!/\bDeno\.(?!openKv)/.test(text), `${path} needs Deno`);
    // A name below .invalid (RFC 2606) is no host, and the event of a logout token is only called by an address.
    const others = text.replaceAll(/https:\/\/\w+\.invalid\/|http:\/\/schemas\.openid\.net\//g, "");
    assert(!/["'`](npm|jsr|https?):/.test(others), `${path} names a registry`);
    assert(!/class \w*Hono\b|class HTTPException/.test(text), `${path} is Hono's`);
    assert(!/declare (module|global)/.test(text), path);
  }
});

Deno.test("npm: the types of c.session are the lines of the reference", async () => {
  const block = await ignoredExample(".github/REFERENCE.md", 'declare module "hono"');
  assertEquals(
    declarations.get(`${folder}/esm/global.d.ts`)?.trim(),
    withoutComments(block).trim(),
  );
});

Deno.test({
  name: "npm: publint and attw have nothing to say, and one Hono is installed",
  ignore: skipNpm(),
  async fn() {
    const tarball = await packageTarball();
    const cwd = await installed([tarball, "publint@0.3", "@arethetypeswrong/cli@0.18"]);
    await run(["node_modules/.bin/publint", "run", tarball, "--strict"], { cwd });
    await run(["node_modules/.bin/attw", tarball, "--profile", "esm-only"], { cwd });
    const query = JSON.parse(await run(["npm", "query", "#hono", "--json"], { cwd }));
    assertEquals(query.length, 1);
  },
});
