// Measures end to end on loopback. Its argument is the plan; it prints what it measured as JSON. It is the client, on
// another core than the servers where there is one.
import process from "node:process";
import autocannon from "autocannon";
import { bare, floor, floorAndPromises } from "./floors.ts";
import { ours } from "./ours.ts";
import type { Served, Serving } from "./server.ts";
import { summarize, type Summary } from "./statistics.ts";

/** How it is measured. */
export interface HttpPlan {
  /** The command that starts a server, without its argument. */
  readonly command: string[];
  readonly cwd: string;
  readonly rounds: number;
  /** How long a server is asked in a round, in seconds. */
  readonly seconds: number;
}

/** What was measured of one server. */
export interface HttpResult {
  readonly name: string;
  readonly kind: string;
  /** Requests per second. */
  readonly rate: Summary;
  /** Requests per second of the server's CPU time, which the client has no part in. */
  readonly ratePerCpu: Summary;
}

/** What autocannon tells, of which there are no types. */
interface Answered {
  readonly "2xx": number;
  readonly non2xx: number;
  readonly errors: number;
}

const CONNECTIONS = 16;
/** Several requests at once on a connection, or the client would be what is measured. */
const PIPELINING = 4;
const BYTES = 200;
/** So many that a cookie is forgotten before another connection comes with it. */
const MANY = 4400;

/** The kinds of requests, who takes part, and how many different visitors ask. */
const KINDS: [kind: string, Omit<Serving, "library" | "bytes">, libraries: string[]][] = [
  ["map read", { storage: "map", visitors: MANY }, [
    bare.name,
    floor.name,
    floorAndPromises.name,
    ours.name,
    "hono-session",
    "@hattip/session",
  ]],
  ["encrypted read", { storage: "encrypted", visitors: MANY }, [
    floor.name,
    floorAndPromises.name,
    ours.name,
    "@hono/session",
    "@hattip/session",
  ]],
  ["encrypted read again", { storage: "encrypted", visitors: 1 }, [
    floor.name,
    floorAndPromises.name,
    ours.name,
  ]],
];

interface Server extends Served {
  readonly name: string;
  readonly kind: string;
  readonly rates: number[];
  readonly ratesPerCpu: number[];
}

if (import.meta.main) {
  const plan: HttpPlan = JSON.parse(process.argv[2]!);
  const children: Deno.ChildProcess[] = [];
  try {
    const servers: Server[] = [];
    for (const [kind, serving, libraries] of KINDS) {
      for (const library of libraries) {
        const visitors = library === bare.name ? 0 : serving.visitors;
        const child = start(plan, { ...serving, visitors, library, bytes: BYTES });
        children.push(child);
        servers.push({
          ...await readServed(child),
          name: library,
          kind,
          rates: [],
          ratesPerCpu: [],
        });
      }
    }
    for (const server of servers) await ask(server, Math.min(plan.seconds, 1));
    for (let round = 0; round < plan.rounds; round++) {
      for (const server of servers) {
        const { requests, seconds, cpu } = await ask(server, plan.seconds);
        server.rates.push(requests / seconds);
        server.ratesPerCpu.push(requests / cpu);
      }
    }
    const results = servers.map(({ name, kind, rates, ratesPerCpu }): HttpResult => ({
      ...{ name, kind },
      rate: summarize(rates),
      ratePerCpu: summarize(ratesPerCpu),
    }));
    console.log(JSON.stringify(results));
  } finally {
    for (const child of children) await child.stdin.close();
    for (const child of children) await child.status;
  }
}

function start({ command: [program, ...args], cwd }: HttpPlan, serving: Serving) {
  return new Deno.Command(program!, {
    args: [...args, JSON.stringify(serving)],
    cwd,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

async function readServed(child: Deno.ChildProcess): Promise<Served> {
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (text.endsWith("\n")) return JSON.parse(text);
  }
  throw new Error("Cannot measure server: it has ended");
}

/** Asks a server as fast as it answers. */
async function ask({ origin, cookies, name }: Server, seconds: number) {
  const requests = (cookies.length === 0 ? [""] : cookies)
    .map((cookie) => ({ path: "/read", headers: { cookie } }));
  const cpu = async (): Promise<number> => await (await fetch(`${origin}/cpu`)).json();
  const before = await cpu();
  const start = performance.now();
  const results: Answered[] = await Promise.all(
    Array.from({ length: CONNECTIONS }, (_, connection) => {
      // Each begins elsewhere, or all would ask for the same visitor.
      const from = Math.floor(connection * requests.length / CONNECTIONS);
      return autocannon({
        url: origin,
        connections: 1,
        pipelining: PIPELINING,
        duration: seconds,
        requests: [...requests.slice(from), ...requests.slice(0, from)],
      });
    }),
  );
  const taken = (performance.now() - start) / 1000;
  if (results.some(({ errors, non2xx }) => errors > 0 || non2xx > 0)) {
    throw new Error(`Cannot measure server: ${name}`);
  }
  return {
    requests: results.reduce((sum, result) => sum + result["2xx"], 0),
    seconds: taken,
    cpu: await cpu() - before,
  };
}
