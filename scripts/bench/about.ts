import { fromFileUrl, ROOT } from "../paths.ts";
import { run } from "../npm/run.ts";
import config from "../../deno.json" with { type: "json" };
import type { About } from "./results.ts";

const PACKAGES = [
  "hono",
  "hono-session",
  "hono-sessions",
  "@hono/session",
  "iron-session",
  "@hattip/session",
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
  const text = await run([
    Deno.execPath(),
    "info",
    "--json",
    ...importMap ? [`--import-map=${importMap}`] : [],
    "scripts/bench/peers.ts",
  ], { cwd: fromFileUrl(ROOT) });
  const { npmPackages } = JSON.parse(text) as {
    npmPackages: Record<string, { name: string; version: string }>;
  };
  return Object.fromEntries(PACKAGES.map((name) => {
    const found = Object.values(npmPackages).find((each) => each.name === name);
    return [name, found?.version ?? "unknown"];
  }));
}

async function machine(): Promise<string> {
  const cpu = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const [, model] = /^model name\s*: (.+)$/m.exec(cpu) ?? [];
  return `${model ?? Deno.build.arch}, ${Deno.build.os}, one core`;
}
