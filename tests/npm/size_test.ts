import { assert, assertEquals } from "@std/assert";
import { run } from "../../scripts/npm/run.ts";
import { installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";

/** What an application with the fewest options imports, of this package and of others. */
const APPS: Record<string, string> = {
  "@x/hono-session": "session",
  "hono-sessions": "sessionMiddleware, CookieStore",
  "@hono/session": "useSession, useSessionStorage",
  "iron-session": "getIronSession",
};

const OPTIONS = [
  ...["--bundle", "--minify", "--format=esm", "--platform=neutral", "--log-level=error"],
  ...["--main-fields=module,main", "--external:hono", "--external:hono/*", "--external:node:*"],
];

/** A bundle: what it is made of, and how large. */
interface Bundle {
  files: string[];
  text: Uint8Array<ArrayBuffer>;
}

async function bundle(cwd: string, name: string): Promise<Bundle> {
  const stem = crypto.randomUUID();
  await Deno.writeTextFile(`${cwd}/${stem}.js`, `export { ${APPS[name]} } from "${name}";`);
  const outputs = [`--outfile=${stem}.min.js`, `--metafile=${stem}.json`];
  await run(["node_modules/.bin/esbuild", `${stem}.js`, ...OPTIONS, ...outputs], { cwd });
  const { outputs: made } = JSON.parse(await Deno.readTextFile(`${cwd}/${stem}.json`));
  const { inputs } = made[`${stem}.min.js`];
  return {
    files: Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0),
    text: await Deno.readFile(`${cwd}/${stem}.min.js`),
  };
}

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

Deno.test({
  name: "npm: an application carries no store but the default ones",
  ignore: skipNpm(),
  async fn() {
    const peers = Object.keys(APPS).filter((name) => name !== "@x/hono-session");
    const cwd = await installed([await packageTarball(), "esbuild@0.28", "hono@4", ...peers]);
    const { files } = await bundle(cwd, "@x/hono-session");
    const stores = files.map((path) => /\/esm\/stores\/(\w+(?:\/\w+)?)/.exec(path)?.[1])
      .filter((name) => name !== undefined);
    const carried = stores.filter((name) => !/^deno_kv\b/.test(name));
    assert(carried.length < stores.length);
    assert(carried.includes("cookie/sealed"));
    const others = carried.filter((name) =>
      !/^cookie\/(?!encrypted|signed|unsigned|compact|keys)/.test(name)
    );
    assertEquals(others, []);
    for (const name of Object.keys(APPS)) {
      const { text } = await bundle(cwd, name);
      console.log(`${name}: ${text.length} bytes minified, ${await gzipped(text)} with gzip`);
    }
  },
});
