// Serves one contestant on loopback, on Deno and on Node, until its input ends. It prints its URL and the cookies of its
// visitors.
import process from "node:process";
import { openBackend, type Storage } from "./backends.ts";
import { LIBRARIES, makeApp } from "./libraries.ts";
import { cookiesOf } from "./scenarios.ts";

/** What is served. */
export interface Serving {
  readonly library: string;
  readonly storage: Storage;
  readonly bytes: number;
  readonly visitors: number;
}

/** Where it is served, and to whom. */
export interface Served {
  readonly origin: string;
  readonly cookies: string[];
}

const { library: name, storage, bytes, visitors }: Serving = JSON.parse(process.argv[2]!);
const backend = await openBackend(storage);
const library = LIBRARIES.find((library) => library.name === name);
const app = makeApp((await library!.setUp(backend))!, bytes);
app.get("/cpu", (c) => {
  const { user, system } = process.cpuUsage();
  return c.json((user + system) / 1e6);
});

const cookies = visitors === 0 ? [] : await cookiesOf(app, visitors);
const address = { hostname: "127.0.0.1", port: 0 };
if ("Deno" in globalThis) {
  Deno.serve({ ...address, onListen: ({ port }) => tell(port) }, app.fetch);
} else {
  const { serve } = await import("@hono/node-server" as string);
  serve({ fetch: app.fetch, ...address }, ({ port }: { port: number }) => tell(port));
}

process.stdin.resume().on("end", () => process.exit());

function tell(port: number): void {
  const served: Served = { origin: `http://127.0.0.1:${port}`, cookies };
  console.log(JSON.stringify(served));
}
