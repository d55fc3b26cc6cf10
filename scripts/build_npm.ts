// Builds the npm package with dnt, which comes from JSR, in the folder `npm`.
import { build, emptyDir } from "@deno/dnt";
import { finish } from "./npm/build_with_tsc.ts";
import { entryPoints, LIB, mappings, packageJson, TARGET } from "./npm/package.ts";
import { fromFileUrl, ROOT } from "./paths.ts";

const OUT_FOLDER = fromFileUrl(new URL("npm", ROOT));

await emptyDir(OUT_FOLDER);
await build({
  cwd: fromFileUrl(ROOT),
  entryPoints,
  outDir: OUT_FOLDER,
  package: packageJson,
  // It fails when one of these is not found in the source.
  mappings,
  shims: {},
  polyfills: false,
  scriptModule: false,
  test: false,
  skipSourceOutput: true,
  compilerOptions: {
    target: TARGET,
    lib: LIB,
    noImplicitReturns: true,
    noUncheckedIndexedAccess: true,
    useUnknownInCatchVariables: true,
  },
  async postBuild() {
    // Bundlers would take its silence for side effects.
    await Deno.remove(`${OUT_FOLDER}/esm/package.json`);
    await finish(OUT_FOLDER);
  },
});
