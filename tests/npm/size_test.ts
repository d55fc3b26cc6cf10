import { assert, assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import { readDocument } from "../_support/documents.ts";
import { type Minified, minify } from "./_minified.ts";
import { installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";

const CORE = 'export { session } from "@x/hono-session/core";';

/** What an application with the fewest options imports of other libraries. */
const PEERS: Record<string, string> = {
  "hono-sessions": "sessionMiddleware, CookieStore",
  "@hono/session": "useSession, useSessionStorage",
  "iron-session": "getIronSession",
};

/** Each store, and the most bytes that a bundle has more with it than without, minified and with gzip. */
const STORES: Record<string, [name: string, most: number]> = {
  map: ["MapStore", 6_000],
  "deno-kv": ["DenoKvStore", 6_000],
  redis: ["RedisStore", 7_600],
  dynamodb: ["DynamoDbStore", 6_000],
  postgres: ["PostgresStore", 6_000],
  sqlite: ["SqliteStore", 6_000],
  d1: ["D1Store", 6_000],
  "cloudflare-kv": ["CloudflareKvStore", 6_000],
  "durable-objects": ["DurableObjectStore, SessionObject", 6_000],
  cookie: ["EncryptedCookieStore", 6_000],
};

/** The most bytes of a bundle, minified and with gzip: what it takes now. Raise it only for what is worth it. */
const MOST = { main: 51_000, coreWithMap: 46_900 };

interface Bundle extends Minified {
  /** Its bytes with gzip. */
  size: number;
}

async function bundle(cwd: string, source: string): Promise<Bundle> {
  const minified = await minify(cwd, source);
  return { ...minified, size: gzipSync(await Deno.readFile(minified.path), { level: 9 }).length };
}

function withStore(path: string): string {
  return `${CORE} export { ${STORES[path]![0]} } from "@x/hono-session/stores/${path}";`;
}

/** The files of stores in a bundle: `cookie/sealed`. */
function storesIn({ files }: Bundle): string[] {
  return files.map((path) => /\/esm\/stores\/(\w+(?:\/\w+)?)/.exec(path)?.[1])
    .filter((name) => name !== undefined);
}

Deno.test({
  name:
    "npm: a bundle contains no store but those that it is for, and is as large as the README says",
  ignore: skipNpm(),
  async fn(t) {
    const peers = Object.keys(PEERS);
    const cwd = await installed([await packageTarball(), "esbuild@0.28", "hono@4", ...peers]);
    const readme = await readDocument("README.md");

    /** Compares a size with that of the README. Others may have a new version. */
    function compare(name: string, size: number, tolerance: number): void {
      console.log(`${name}: ${size} bytes`);
      const [, said] = new RegExp(`${name.replaceAll("`", "\\`")} (\\d+) kB`).exec(readme) ?? [];
      assert(said, `the README gives no size of ${name}`);
      assert(Math.abs(size / 1000 - Number(said)) < tolerance, `${name}: ${size}`);
    }

    await t.step("the main entry point", async () => {
      const main = await bundle(cwd, 'export { session } from "@x/hono-session";');
      const carried = storesIn(main).filter((name) => !/^default\b/.test(name));
      assert(carried.includes("cookie/sealed"));
      const others = carried.filter((name) =>
        !/^cookie\/(?!encrypted|signed|unsigned|compact|keys)/.test(name)
      );
      assertEquals(others, []);
      compare("@x/hono-session", main.size, 1);
      assert(main.size <= MOST.main, `${main.size}`);
    });

    const core = await bundle(cwd, CORE);

    await t.step("./core", async () => {
      assertEquals(storesIn(core), []);
      assert(!core.files.some((path) => path.includes("iron-webcrypto")));
      const withMap = await bundle(cwd, withStore("map"));
      compare("@x/hono-session/core with `MapStore`", withMap.size, 1);
      assert(withMap.size <= MOST.coreWithMap, `${withMap.size}`);
    });

    for (const [path, [name, most]] of Object.entries(STORES)) {
      await t.step(name, async () => {
        const { files, size } = await bundle(cwd, withStore(path));
        console.log(`${name}: ${size - core.size} bytes over ./core`);
        assert(
          storesIn({ files, size, path }).every((file) =>
            file.startsWith(path.replace("-", "_")) || file.startsWith("sql/")
          ),
        );
        assert(size - core.size <= most, `${size - core.size}`);
      });
    }

    for (const [name, imports] of Object.entries(PEERS)) {
      await t.step(name, async () => {
        const { size } = await bundle(cwd, `export { ${imports} } from "${name}";`);
        compare(name, size, Infinity);
      });
    }
  },
});
