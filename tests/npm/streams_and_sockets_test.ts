// The streams and sockets of .github/REFERENCE.md on the runtimes that it names.
import { assert, assertEquals } from "@std/assert";
import { run } from "../../scripts/npm/run.ts";
import { Client } from "../_support/client.ts";
import { ignoredExample } from "../_support/documents.ts";
import { findRuntime } from "../_support/runtimes.ts";
import { freePort } from "../_support/server_process.ts";
import { findOldestNode, installed, skipNpm } from "./_npm.ts";
import { packageTarball } from "./_package.ts";
import { Server } from "./_server.ts";

const REFERENCE = ".github/REFERENCE.md";

const PACKAGES = ["hono@4", "@hono/node-server@2", "ws@8", "esbuild@0.28"];

/** Has a server of Node listen at a free port. */
const ON_NODE = `
import net from "node:net";

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function () {
  return listen.call(this, Number(process.env.PORT), "127.0.0.1");
};`;

/** Tells the tests where the server listens, once it does, and ends with them. */
const READY = `
import process from "node:process";

process.stdin.resume().on("end", () => process.exit());
const url = "http://127.0.0.1:" + process.env.PORT;
const timer = setInterval(async () => {
  const response = await fetch(url).catch(() => {});
  if (!response) return;
  await response.body?.cancel();
  clearInterval(timer);
  console.log("serving at " + url);
}, 20);`;

/** A runtime, and the command that serves the entry file of the document. */
interface Runtime {
  name: string;
  command: string[] | undefined;
}

/** How long an end may take to arrive, in milliseconds. */
const LATEST = 1000;

async function checkStreamsAndSockets(url: string): Promise<void> {
  const serve = (request: Request) =>
    fetch(new Request(url + new URL(request.url).pathname, request), { redirect: "manual" });
  const visitorOf = () => new Client({ fetch: serve });
  const [ada, bob] = [visitorOf(), visitorOf()];
  for (const client of [ada, bob]) {
    assertEquals(await client.text("/login", { method: "POST" }), "welcome");
  }
  const open = async (client: Client) => {
    const events = await client.fetch("/events");
    let isOver = false;
    const text = events.text().then((text) => (isOver = true, text));
    const headers = { cookie: await client.cookie() };
    const socket = new WebSocket(`${url.replace("http", "ws")}/socket`, { headers } as never);
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve));
    const answer = new Promise<string>((resolve) =>
      socket.addEventListener("message", ({ data }) => resolve(data))
    );
    socket.addEventListener("open", () => socket.send("hello"));
    assertEquals(await answer, "You said hello");
    return { text, socket, closed, isOver: () => isOver };
  };
  const [hers, his] = [await open(ada), await open(bob)];
  const start = performance.now();
  assertEquals(await ada.text("/logout", { method: "POST" }), "bye");
  const { code, reason } = await hers.closed;
  assertEquals(await hers.text, "data: welcome\n\n");
  assertEquals([code, reason], [4401, "logout"]);
  assert(performance.now() - start < LATEST);
  for (const path of ["/events", "/socket"]) {
    const { status, body } = await ada.fetch(path);
    await body?.cancel();
    assertEquals(status, 401);
  }
  assertEquals([his.socket.readyState, his.isOver()], [WebSocket.OPEN, false]);
  await bob.text("/logout", { method: "POST" });
  await Promise.all([his.closed, his.text]);
}

if (!skipNpm()) {
  const cwd = await installed([await packageTarball(), ...PACKAGES]);
  const [oldest, newest, bun] = [
    await findOldestNode(),
    await findRuntime("node"),
    await findRuntime("bun"),
  ];
  const files = {
    "app.ts": await ignoredExample(REFERENCE, "// app.ts"),
    "node.ts": await ignoredExample(REFERENCE, "// On Node"),
    "bun.ts": await ignoredExample(REFERENCE, "// On Bun"),
    "deno.ts": `import "./ready.mjs";\n${await ignoredExample(REFERENCE, "// On Deno")}`,
    "on_node.mjs": ON_NODE,
    "ready.mjs": READY,
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${cwd}/${name}`, text);
  }
  for (const name of ["node", "bun", "deno"]) {
    const options = [
      "--bundle",
      "--packages=external",
      "--external:./ready.mjs",
      "--format=esm",
      `--outfile=${name}.mjs`,
    ];
    await run(["node_modules/.bin/esbuild", `${name}.ts`, ...options], { cwd });
  }
  const onNode = ["--import", "./on_node.mjs", "--import", "./ready.mjs", "node.mjs"];
  const serve = [Deno.execPath(), "serve", "-A", "--node-modules-dir=manual", "--host=127.0.0.1"];
  const port = freePort();
  const runtimes: Runtime[] = [
    { name: "Node 20", command: [oldest, ...onNode] },
    { name: "Node", command: newest ? [newest, ...onNode] : undefined },
    { name: "Bun", command: bun ? [bun, "--preload", "./ready.mjs", "bun.mjs"] : undefined },
    {
      name: "Deno",
      command: [...serve, `--port=${port}`, "deno.mjs"],
    },
  ];
  for (const { name, command } of runtimes) {
    Deno.test({
      name: `npm: streams and sockets end with their session on ${name}`,
      ignore: command === undefined,
      async fn() {
        const env = { PORT: String(name === "Deno" ? port : freePort()) };
        await using server = new Server(command!, { cwd, env });
        await checkStreamsAndSockets(await server.url());
      },
    });
  }
}
