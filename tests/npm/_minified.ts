import { run } from "../../scripts/npm/run.ts";

const OPTIONS = [
  ...["--bundle", "--minify", "--format=esm", "--platform=neutral", "--log-level=error"],
  ...["--main-fields=module,main", "--external:hono", "--external:hono/*", "--external:node:*"],
];

/** What esbuild makes of a program. */
export interface Minified {
  /** Where it is. */
  path: string;
  /** The files that it is made of. */
  files: string[];
}

/** Bundles a program with all that it imports, but Hono and Node, and shortens its names. */
export async function minify(cwd: string, source: string): Promise<Minified> {
  const stem = crypto.randomUUID();
  await Deno.writeTextFile(`${cwd}/${stem}.js`, source);
  const outputs = [`--outfile=${stem}.min.js`, `--metafile=${stem}.json`];
  await run(["node_modules/.bin/esbuild", `${stem}.js`, ...OPTIONS, ...outputs], { cwd });
  const { outputs: made } = JSON.parse(await Deno.readTextFile(`${cwd}/${stem}.json`));
  const { inputs } = made[`${stem}.min.js`];
  return {
    path: `${cwd}/${stem}.min.js`,
    files: Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0),
  };
}
