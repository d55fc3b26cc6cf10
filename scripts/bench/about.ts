import { fromFileUrl, ROOT } from "../paths.ts";
import { run } from "../npm/run.ts";
import config from "../../deno.json" with { type: "json" };
import type { About } from "./results.ts";

/** The modules that import what is measured. */
const MODULES = ["scripts/bench/peers.ts", "scripts/bench/sql.ts"];

const PACKAGES = [
  "hono",
  "hono-session",
  "hono-sessions",
  "@hono/session",
  "iron-session",
  "@hattip/session",
  "postgres",
  "pg",
  "connect-pg-simple",
];

/** What a run was made with, and where. */
export async function aboutOf(command: string): Promise<About> {
  const versions = await versionsOf();
  return {
    date: new Date().toISOString().slice(0, 10),
    command,
    machine: await machine(),
    versions: { deno: Deno.version.deno, [config.name]: config.version, ...versions },
  };
}

/** The versions that are in use. */
async function versionsOf(): Promise<Record<string, string>> {
  const importMap = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  const used: { name: string; version: string }[] = [];
  for (const module of MODULES) {
    const text = await run([
      Deno.execPath(),
      "info",
      "--json",
      ...importMap ? [`--import-map=${importMap}`] : [],
      module,
    ], { cwd: fromFileUrl(ROOT) });
    const { npmPackages } = JSON.parse(text) as { npmPackages: Record<string, typeof used[0]> };
    used.push(...Object.values(npmPackages));
  }
  return Object.fromEntries(PACKAGES.map((name) => {
    const found = used.find((each) => each.name === name);
    return [name, found?.version ?? "unknown"];
  }));
}

async function machine(): Promise<string> {
  const cpu = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const [, model] = /^model name\s*: (.+)$/m.exec(cpu) ?? [];
  return `${model ?? Deno.build.arch}, ${Deno.build.os}, one core`;
}
