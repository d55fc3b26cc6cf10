import { assert, assertEquals } from "@std/assert";
import { readDocument } from "../_support/documents.ts";
import { minify } from "./_minified.ts";
import { installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";

/** What an application with the fewest options imports, of this package and of others. */
const APPS: Record<string, string> = {
  "@x/hono-session": "session",
  "hono-sessions": "sessionMiddleware, CookieStore",
  "@hono/session": "useSession, useSessionStorage",
  "iron-session": "getIronSession",
};

/** The bundle of an application: what it is made of, and how large. */
async function bundle(cwd: string, name: string) {
  const { path, files } = await minify(cwd, `export { ${APPS[name]} } from "${name}";`);
  return { files, text: await Deno.readFile(path) };
}

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

Deno.test({
  name:
    "npm: an application carries no store but the default ones, and is as large as the README says",
  ignore: skipNpm(),
  async fn() {
    const peers = Object.keys(APPS).filter((name) => name !== "@x/hono-session");
    const cwd = await installed([await packageTarball(), "esbuild@0.28", "hono@4", ...peers]);
    const { files } = await bundle(cwd, "@x/hono-session");
    const stores = files.map((path) => /\/esm\/stores\/(\w+(?:\/\w+)?)/.exec(path)?.[1])
      .filter((name) => name !== undefined);
    const carried = stores.filter((name) => !/^(?:default|deno_kv)\b/.test(name));
    assert(carried.length < stores.length);
    assert(carried.includes("cookie/sealed"));
    const others = carried.filter((name) =>
      !/^cookie\/(?!encrypted|signed|unsigned|compact|keys)/.test(name)
    );
    assertEquals(others, []);
    const readme = await readDocument("README.md");
    for (const name of Object.keys(APPS)) {
      const { text } = await bundle(cwd, name);
      const size = await gzipped(text);
      console.log(`${name}: ${text.length} bytes minified, ${size} with gzip`);
      const [, said] = new RegExp(`${name} (\\d+) kB`).exec(readme) ?? [];
      assert(said, `the README gives no size of ${name}`);
      // Others may have a new version.
      if (name === "@x/hono-session") assert(Math.abs(size / 1000 - Number(said)) < 1, `${size}`);
    }
  },
});
