import { assertEquals } from "@std/assert";
import { packageJson } from "../../scripts/npm/package.ts";
import { fromFileUrl } from "../../scripts/paths.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";
import { findRuntime } from "../_support/runtimes.ts";
import { HONO_VERSIONS } from "../consumer/_consumer.ts";
import { findOldestNode, installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";
import { Server } from "./_server.ts";
import { checkStore } from "./_suite.ts";

const SERVERS = fromFileUrl(new URL("runtimes", import.meta.url));

/** What is installed beside each version of Hono. */
const PACKAGES = ["@opentelemetry/api@1", "@hono/node-server@2"];

/** What is large, knows nothing of Hono, and is installed once. */
const LARGE_PACKAGES = ["@deno/kv@0.14", "miniflare@4", "esbuild@0.28"];

const EVERY_ENTRY_POINT = Object.keys(packageJson.exports)
  .map((name, at) => `import * as e${at} from "${name.replace(".", packageJson.name)}";\n`)
  .join("") +
  `export const entryPoints = [${Object.keys(packageJson.exports).map((_, at) => `e${at}`)}];`;

interface Runtime {
  name: string;
  command: string[] | undefined;
  /** What it serves beside the stores that there are everywhere. */
  stores: string[];
}

const hasRedis = !skipRedis();

async function runtimes(): Promise<Runtime[]> {
  const oldest = await findOldestNode();
  const newest = await findRuntime("node");
  const bun = await findRuntime("bun");
  const onNode = ["default", "deno-kv"];
  const workers = [oldest, "workers_server.js"];
  const onWorkers = ["default", "cloudflare-kv", "durable-objects"];
  const deno = [
    Deno.execPath(),
    "run",
    "-A",
    "--unstable-kv",
    "--node-modules-dir=manual",
  ];
  return [
    { name: "Node 20", command: [oldest, "node_server.js"], stores: onNode },
    { name: "Node", command: newest ? [newest, "node_server.js"] : undefined, stores: onNode },
    {
      name: "Bun",
      command: bun ? [bun, "bun_server.js"] : undefined,
      stores: [...onNode, ...hasRedis ? ["redis"] : []],
    },
    {
      name: "Deno",
      command: [...deno, "deno_server.js"],
      stores: ["deno-kv", "default-on-deno"],
    },
    { name: "workerd", command: workers, stores: onWorkers },
    {
      name: "workerd with nodejs_compat",
      command: [...workers, "nodejs_compat"],
      stores: onWorkers,
    },
  ];
}

/** Installs the package and the servers beside a version of Hono. */
async function install(hono: string, around: string): Promise<string> {
  const packages = [await packageTarball(), `hono@${hono}`, ...PACKAGES];
  const folder = await installed(packages, around);
  for await (const { name } of Deno.readDir(SERVERS)) {
    await Deno.copyFile(`${SERVERS}/${name}`, `${folder}/${name}`);
  }
  await Deno.writeTextFile(`${folder}/every_entry_point.js`, EVERY_ENTRY_POINT);
  return folder;
}

if (!skipNpm()) {
  const all = await runtimes();
  const around = await installed(LARGE_PACKAGES);
  for (const hono of HONO_VERSIONS) {
    const cwd = await install(hono, around);
    for (const { name, command, stores } of all) {
      Deno.test({
        name: `npm: the package works on ${name}, with hono@${hono}`,
        ignore: command === undefined,
        async fn(t) {
          await using redis = stores.includes("redis") ? await RedisServer.start() : undefined;
          const env: Record<string, string> = redis ? { REDIS_URL: redis.url } : {};
          await using server = new Server(command!, { cwd, env });
          const url = await server.url();
          const served: string[] = await (await fetch(url)).json();
          assertEquals(served, ["encrypted", "sealed", "map", ...stores]);
          for (const store of served) await t.step(store, () => checkStore(url, store));
        },
      });
    }
  }
}
