import { assertEquals } from "@std/assert";
import { run } from "../../scripts/npm/run.ts";
import { ignoredExample, withPrograms } from "../_support/documents.ts";
import { findOldestNode, installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";
import { ANY_PORT, Server } from "./_server.ts";

const PACKAGES = ["hono@4", "@hono/node-server@2", "esbuild@0.28"];

Deno.test({
  name: "npm: the entry file of the README serves its smallest app on Node",
  ignore: skipNpm(),
  async fn() {
    const cwd = await installed([await packageTarball(), ...PACKAGES]);
    const files = {
      "app.ts": await ignoredExample("README.md", "Hello, ${c.var.session.name"),
      "main.ts": await ignoredExample("README.md", "@hono/node-server"),
      "any_port.mjs": ANY_PORT,
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${cwd}/${name}`, text);
    }
    const options = ["--bundle", "--packages=external", "--format=esm", "--outfile=main.mjs"];
    await run(["node_modules/.bin/esbuild", "main.ts", ...options], { cwd });
    const node = await findOldestNode();
    await using server = new Server([node, "--import", "./any_port.mjs", "main.mjs"], { cwd });
    const url = await server.url();
    const [first, named] = [
      await fetch(url),
      await fetch(`${url}/name`, {
        method: "POST",
        body: new URLSearchParams({ name: "Ada" }),
        redirect: "manual",
      }),
    ];
    await named.body?.cancel();
    const headers = { cookie: named.headers.getSetCookie()[0]!.split(";")[0]! };
    const again = await fetch(url, { headers });
    assertEquals([await first.text(), await again.text()], ["Hello, stranger", "Hello, Ada"]);
  },
});

Deno.test("the smallest app of the README is an entry file of Deno", async () => {
  const app = await ignoredExample("README.md", "Hello, ${c.var.session.name");
  const map = Deno.env.get("HONO_SESSION_IMPORT_MAP");
  await withPrograms({ "app.ts": app }, async (folder) => {
    // Without --unstable-kv, so that it leaves no database.
    const options = ["-A", "--no-check", "--host=127.0.0.1", "--port=0"];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["serve", ...options, ...(map ? [`--import-map=${map}`] : []), `${folder}/app.ts`],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let [printed, text] = ["", ""];
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
      printed += part;
      const [, url] = /Listening on (http:\S+)/.exec(printed) ?? [];
      if (!url || text) continue;
      text = await (await fetch(url)).text();
      child.kill();
    }
    await child.status;
    assertEquals(text, "Hello, stranger", printed);
  });
});
