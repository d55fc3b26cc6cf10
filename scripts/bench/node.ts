import config from "../../deno.json" with { type: "json" };
import { findRuntime } from "../../tests/_support/runtimes.ts";
import { buildWithTsc } from "../npm/build_with_tsc.ts";
import { run } from "../npm/run.ts";
import { fromFileUrl } from "../paths.ts";

const PEERS = [
  "@hattip/session",
  "@hono/session",
  "hono-session",
  "hono-sessions",
  "iron-session",
  "iron-webcrypto",
  "redis",
] as const;

const NODE_SERVER = { "@hono/node-server": "^2.0.0" };

/** Node, and a folder with the built package, its peers and this benchmark. */
export interface NodeFolder extends AsyncDisposable {
  readonly path: string;
  readonly node: string;
}

/** Makes the folder; `undefined` where there is no Node that is new enough. */
export async function makeNodeFolder(hono: string): Promise<NodeFolder | undefined> {
  const node = await findRuntime("node");
  if (node === undefined) return undefined;
  const path = await Deno.makeTempDir({ prefix: "hono-session-bench-" });
  const peers = PEERS.map((name) => [name, config.imports[name].replace(/^npm:.+@/, "")]);
  const dependencies = { ...Object.fromEntries(peers), hono, ...NODE_SERVER };
  await Deno.writeTextFile(
    `${path}/package.json`,
    JSON.stringify({ type: "module", dependencies }),
  );
  await run([Deno.execPath(), "install", "--quiet", "--node-modules-dir=auto"], { cwd: path });
  await Deno.mkdir(`${path}/node_modules/@x`, { recursive: true });
  await buildWithTsc(`${path}/node_modules/@x/hono-session`);
  const here = new URL("./", import.meta.url);
  for await (const { name } of Deno.readDir(here)) {
    if (name.endsWith(".ts")) {
      await Deno.copyFile(fromFileUrl(new URL(name, here)), `${path}/${name}`);
    }
  }
  return { path, node, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
