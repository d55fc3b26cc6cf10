// Shows what `device` costs a request that reads a session from a Map, beside the same middleware without it: bytes and
// microseconds, for a session that is not bound and for one that is. It prints a line of JSON for each.
import process from "node:process";
import { session, type SessionOptions } from "@x/hono-session";
import { MapStore } from "@x/hono-session/stores/map";
import { Hono } from "hono";
import { Client } from "../../tests/_support/client.ts";
import { Browser } from "../../tests/_support/device.ts";
import { SECRET } from "./backends.ts";
import { type Contestant, cpuClock, measure, warmUp } from "./measure.ts";
import { median } from "./statistics.ts";

/** What a request costs. */
export interface DeviceCost {
  readonly name: string;
  readonly bytes: number;
  readonly microseconds: number;
}

const WARM_UP = 10_000;
const REQUESTS = 1000;
const TIMES = 3;

const collect = (globalThis as { gc?: () => void }).gc!;

if (import.meta.main) {
  const contestants = [
    await visitor("neither secret nor device", {}),
    await visitor("secret alone", { secret: SECRET }),
    await visitor("secret and device, not bound", { secret: SECRET, device: true }),
    await visitor("secret and device, bound", { secret: SECRET, device: true }, true),
  ];
  await warmUp(contestants, WARM_UP);
  const bytes: number[] = [];
  for (const contestant of contestants) bytes.push(await bytesOf(contestant));
  const options = { rounds: 9, slot: 60, inFlight: 1, clock: cpuClock, collect };
  const { rounds } = await measure(contestants, options);
  for (const [at, { name }] of contestants.entries()) {
    const microseconds = median(rounds.map((round) => round[at]!));
    console.log(JSON.stringify({ name, bytes: bytes[at]!, microseconds } satisfies DeviceCost));
  }
}

/** A visitor who is logged in and reads the session again and again. */
async function visitor(
  name: string,
  options: SessionOptions,
  binds = false,
): Promise<Contestant> {
  const app = new Hono()
    .use(session<{ visits?: number }>({ store: new MapStore(), ...options } as SessionOptions))
    .get("/login", async (c) => {
      await c.var.session.regenerate();
      c.var.session.visits = 1;
      return c.text("welcome");
    })
    .get("/read", (c) => c.text(String(c.var.session.visits)));
  const client = binds ? await Browser.open(app) : new Client(app);
  await (client instanceof Browser ? client.login("/login") : client.fetch("/login"));
  const headers = { cookie: await client.cookie() };
  const request = new Request("https://app.test/read", { headers });
  if (await (await app.fetch(request)).text() !== "1") throw new Error(`Cannot measure ${name}`);
  return { name, run: async () => await (await app.fetch(request)).text() };
}

async function bytesOf(contestant: Contestant): Promise<number> {
  const counts: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    await warmUp([contestant], REQUESTS);
    counts.push((process.memoryUsage().heapUsed - before) / REQUESTS);
  }
  return Math.round(Math.min(...counts));
}
