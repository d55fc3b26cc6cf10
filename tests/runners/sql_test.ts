// The stores for SQL with the clients that only other runtimes have.
import { assert, assertEquals } from "@std/assert";
import { run } from "../../scripts/npm/run.ts";
import { fromFileUrl, ROOT } from "../../scripts/paths.ts";
import { requireOrSkip } from "../_support/available.ts";
import { PostgresServer, skipPostgres } from "../_support/postgres.ts";
import { findRuntime } from "../_support/runtimes.ts";
import { installed, skipNpm, temporaryFolder } from "../npm/_npm.ts";

const noNpm = skipNpm();
const noPostgres = skipPostgres();

/** How a runtime runs a suite, and what it prints of it. */
const RUNTIMES = {
  node: {
    args: ["--test", "--test-reporter=tap"],
    passed: /^# pass (\d+)$/m,
    failed: /^# fail (\d+)$/m,
  },
  // On a busy machine, tests exceed the 5 seconds that are its default.
  bun: { args: ["test", "--timeout=60000"], passed: /^ *(\d+) pass$/m, failed: /^ *(\d+) fail$/m },
};

/** Runs a suite, all tests of which are to pass. */
async function passes(
  name: keyof typeof RUNTIMES,
  { program, suite, env, atLeast }: {
    program: string;
    suite: string;
    env: Record<string, string>;
    atLeast: number;
  },
): Promise<void> {
  const { args, passed, failed } = RUNTIMES[name];
  const { stdout, stderr } = await new Deno.Command(program, {
    args: [...args, suite],
    cwd: fromFileUrl(ROOT),
    env: { NO_COLOR: "1", ...env },
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const count = (regexp: RegExp) => Number(regexp.exec(output)?.[1]);
  assertEquals(count(failed), 0, output);
  assert(count(passed) >= atLeast, output);
}

const bun = await findRuntime("bun");
const node = await findRuntime("node");

Deno.test({
  name: "PostgresStore and SqliteStore pass the conformance suite with Bun's own clients",
  ignore: bun === undefined || noPostgres,
  async fn() {
    await using server = await PostgresServer.start();
    const env = { POSTGRES_URL: server.url };
    const suite = "./tests/runners/bun_sql_suite.ts";
    await passes("bun", { program: bun!, suite, env, atLeast: 170 });
  },
});

Deno.test({
  name:
    "PostgresStore and SqliteStore pass the conformance suite on Node, with pg, postgres.js and node:sqlite",
  ignore: node === undefined || noNpm || noPostgres,
  async fn() {
    await using server = await PostgresServer.start();
    const env = { POSTGRES_URL: server.url, SQL_FOLDER: await installed(["pg@8", "postgres@3"]) };
    const suite = "./tests/runners/node_sql_suite.ts";
    await passes("node", { program: node!, suite, env, atLeast: 170 });
  },
});

/** A folder with better-sqlite3 for the Node of this machine; `undefined`, with a line that says why, without it. */
async function findBetterSqlite(): Promise<string | undefined> {
  if (noNpm) return undefined;
  const folder = await temporaryFolder();
  await Deno.writeTextFile(`${folder}/package.json`, '{ "private": true }');
  let reason = "";
  try {
    // Its script fetches a program or compiles one: without optimization, which would take a minute of a core.
    const options = { cwd: folder, env: { CFLAGS: "-O0", CXXFLAGS: "-O0" } };
    await run(["npm", "install", "--no-audit", "--no-fund", "better-sqlite3@12"], options);
    await run(["node", "-e", 'new (require("better-sqlite3"))(":memory:")'], { cwd: folder });
  } catch (error) {
    reason = String(error).slice(0, 300);
  }
  const install = `a compiler for C++ and the headers of Node; ${reason}`;
  return requireOrSkip("better-sqlite3", reason === "", install) ? undefined : folder;
}

Deno.test({
  name: "SqliteStore passes the conformance suite with better-sqlite3",
  ignore: noNpm,
  async fn() {
    const folder = await findBetterSqlite();
    if (folder === undefined) return;
    const importMap = Deno.env.get("HONO_SESSION_IMPORT_MAP");
    // This Node may be one that runs no TypeScript.
    const bundle = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["bundle", "--quiet", "--platform=deno"],
        ...(importMap ? [`--import-map=${importMap}`] : []),
        "tests/runners/node_better_sqlite3_suite.ts",
      ],
      cwd: fromFileUrl(ROOT),
    }).output();
    const suite = `${folder}/suite.mjs`;
    await Deno.writeFile(suite, bundle.stdout);
    const env = { SQL_FOLDER: folder };
    await passes("node", { program: "node", suite, env, atLeast: 55 });
  },
});
