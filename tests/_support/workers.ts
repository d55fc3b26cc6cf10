import type { KvNamespaceLike } from "@x/hono-session/stores/cloudflare-kv";
import type { D1Like } from "@x/hono-session/stores/d1";
import { createRequire } from "node:module";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";
import { requireOrSkip } from "./available.ts";

type Miniflare = import("miniflare").Miniflare;

const IDLE = "export default { fetch: () => new Response() }";

/** A namespace of Workers KV, with what only tests ask of it. */
export interface KvNamespace extends KvNamespaceLike {
  list(): Promise<{ keys: { name: string; expiration?: number }[] }>;
}

/** A D1 database, with what only tests ask of it. */
export interface D1Database extends D1Like {
  exec(text: string): Promise<unknown>;
}

/** workerd with one namespace of Workers KV, and one D1 database. */
export interface Workers extends AsyncDisposable {
  readonly namespace: KvNamespace;
  readonly database: D1Database;
  /** Where it serves its program. */
  readonly url: URL;
}

/** What a program is bound to beside the namespace of Workers KV. */
export interface WorkersOptions {
  /** The bindings of Durable Objects with SQLite, and the classes that the program exports for them. */
  readonly objects?: Readonly<Record<string, string>>;
}

/** Starts workerd; `undefined`, with a line that says why, where it does not start. */
export async function openWorkers(
  program: string = IDLE,
  options: WorkersOptions = {},
): Promise<Workers | undefined> {
  const opened = await startWorkers(program, options).catch((error: unknown) => String(error));
  const found = typeof opened !== "string";
  if (requireOrSkip("workerd", found, found ? "" : `npm:miniflare, ${opened}`)) return undefined;
  return opened as Workers;
}

/** A program in one file, as Workers take it. */
export async function bundleText(program: string): Promise<string> {
  const file = await Deno.makeTempFile({
    dir: fromFileUrl(ROOT),
    prefix: ".worker-",
    suffix: ".ts",
  });
  try {
    await Deno.writeTextFile(file, program);
    return await bundle(file);
  } finally {
    await Deno.remove(file);
  }
}

/** An application of this folder in one file, as Workers take it. */
export async function bundleApp(name: string): Promise<string> {
  return await bundle(fromFileUrl(new URL(name, import.meta.url)));
}

async function bundle(path: string): Promise<string> {
  const importMap = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform=browser"],
      ...(importMap ? [`--import-map=${importMap}`] : []),
      path,
    ],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Starts workerd with a program. */
export async function startWorkers(
  script: string,
  { objects = {} }: WorkersOptions = {},
): Promise<Workers> {
  const { Miniflare } = await import("miniflare");
  const folder = await Deno.makeTempDir();
  let miniflare: Miniflare | undefined;
  const close = async () => {
    await miniflare?.dispose();
    await Deno.remove(folder, { recursive: true });
  };
  try {
    Deno.env.set("MINIFLARE_WORKERD_PATH", await writeLauncher(folder));
    miniflare = new Miniflare({
      modules: true,
      script,
      compatibilityDate: "2025-01-01",
      kvNamespaces: ["SESSION"],
      d1Databases: ["DB"],
      durableObjects: Object.fromEntries(
        Object.entries(objects).map(([name, className]) => [name, { className, useSQLite: true }]),
      ),
      bindings: { SECRET: "a secret of thirty-two characters or more" },
      // Otherwise it asks the network where on earth it is.
      cf: false,
    });
    const url = await miniflare.ready;
    const namespace = await miniflare.getKVNamespace("SESSION") as unknown as KvNamespace;
    const database = await miniflare.getD1Database("DB");
    return { url, namespace, database, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    Deno.env.delete("MINIFLARE_WORKERD_PATH");
  }
}

/** A program that becomes workerd and ends it when the test is gone, however that ended. */
async function writeLauncher(folder: string): Promise<string> {
  const { default: workerd } = createRequire(import.meta.resolve("miniflare"))("workerd");
  const launcher = `${folder}/workerd`;
  await Deno.writeTextFile(
    launcher,
    `#!/bin/sh
(while kill -0 $PPID && kill -0 $$; do sleep 0.2; done; kill -9 $$) <&- >&- 2>&- 3>&- &
exec '${workerd}' "$@"
`,
    { mode: 0o755 },
  );
  return launcher;
}
