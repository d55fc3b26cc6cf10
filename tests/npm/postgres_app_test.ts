// The app that stores/README.md shows for Postgres, on Deno and Node.
import { assertEquals } from "@std/assert";
import { run } from "../../scripts/npm/run.ts";
import { ignoredExample, withPrograms } from "../_support/documents.ts";
import { PostgresServer, skipPostgres } from "../_support/postgres.ts";
import { findOldestNode, installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";
import { ANY_PORT, Server } from "./_server.ts";

const ignore = skipPostgres();
const PACKAGES = ["hono@4", "@hono/node-server@2", "postgres@3", "esbuild@0.28"];

/** What prints where Deno serves an app, and ends with the tests. */
const SERVE = `
import app from "./app.ts";

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log("serving at http://127.0.0.1:" + port),
}, app.fetch);
for await (const _ of Deno.stdin.readable);
Deno.exit();
`;

/** Logs in to one process, and comes back to the next one. */
async function keepsLogin(serve: () => Server): Promise<void> {
  let cookie = "";
  {
    await using server = serve();
    const url = await server.url();
    assertEquals(await (await fetch(url)).text(), "Hello, stranger");
    const body = new URLSearchParams({ name: "Ada" });
    const login = await fetch(`${url}/login`, { method: "POST", body, redirect: "manual" });
    await login.body?.cancel();
    cookie = login.headers.getSetCookie()[0]!.split(";")[0]!;
  }
  await using server = serve();
  const response = await fetch(await server.url(), { headers: { cookie } });
  assertEquals(await response.text(), "Hello, Ada");
}

const app = await ignoredExample("stores/README.md", "DATABASE_URL");

Deno.test({
  name: "the app of the documents keeps a login in Postgres, on Deno",
  ignore,
  async fn() {
    await using postgres = await PostgresServer.start();
    const map = Deno.env.get("HONO_SESSION_IMPORT_MAP");
    await withPrograms({ "app.ts": app, "serve.ts": SERVE }, async (cwd) => {
      const options = ["-A", "--no-check", ...(map ? [`--import-map=${map}`] : [])];
      const command = [Deno.execPath(), "run", ...options, "serve.ts"];
      await keepsLogin(() => new Server(command, { cwd, env: { DATABASE_URL: postgres.url } }));
    });
  },
});

Deno.test({
  name: "npm: the app of the documents keeps a login in Postgres, on Node",
  ignore: ignore || skipNpm(),
  async fn() {
    await using postgres = await PostgresServer.start();
    const cwd = await installed([await packageTarball(), ...PACKAGES]);
    const files = {
      "app.ts": app,
      "main.ts": await ignoredExample("README.md", "@hono/node-server"),
      "any_port.mjs": ANY_PORT,
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${cwd}/${name}`, text);
    }
    const options = ["--bundle", "--packages=external", "--format=esm", "--outfile=main.mjs"];
    await run(["node_modules/.bin/esbuild", "main.ts", ...options], { cwd });
    const command = [await findOldestNode(), "--import", "./any_port.mjs", "main.mjs"];
    await keepsLogin(() => new Server(command, { cwd, env: { DATABASE_URL: postgres.url } }));
  },
});
