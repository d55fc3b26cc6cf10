// Counts the bytes that a session takes in Redis and on the way there. It prints a line of JSON for every library.
import { createSessions } from "@x/hono-session";
import { RedisStore } from "@x/hono-session/stores/redis";
import type { Hono } from "hono";
import { openBackend, type RedisClient } from "./backends.ts";
import { makeData } from "./data.ts";
import { LIBRARIES, makeApp, WITHOUT_SESSION } from "./libraries.ts";
import { lazy, ours } from "./ours.ts";
import { cookiesOf, requestsOf, SCENARIOS } from "./scenarios.ts";

/** The bytes of one session, its data included. */
export interface Footprint {
  readonly library: string;
  /** The size of its data as JSON. */
  readonly data: number;
  /** What it takes in Redis. */
  readonly atRest: number;
  /** What it takes there if it is somebody's, so that it is in a list as well. */
  readonly ofSubject?: number;
  /** What is sent for a write, without the read before it. */
  readonly sent: number;
  /** What Redis answers to a read. */
  readonly answered: number;
}

const BYTES = 200;
/** Among so many requests it makes no difference that counting is counted as well. */
const REQUESTS = 1000;

if (import.meta.main) {
  await using backend = await openBackend("redis");
  const redis = backend.redis!;
  for (const library of LIBRARIES) {
    const setup = await library.setUp(backend);
    if (!setup || [...WITHOUT_SESSION, lazy].includes(library)) continue;
    const app = makeApp(setup, BYTES);
    await redis.flushAll();
    const [cookie] = await cookiesOf(app, 1);
    const atRest = await memoryOf(redis);
    const read = await trafficOf(redis, { app, cookie: cookie!, scenario: "read" });
    const written = await trafficOf(redis, { app, cookie: cookie!, scenario: "write" });
    const footprint: Footprint = {
      ...{ library: library.name, data: BYTES, atRest },
      ...(library === ours ? { ofSubject: await memoryOfSubject(redis) } : {}),
      sent: Math.round(written.input - read.input),
      answered: Math.round(read.output),
    };
    console.log(JSON.stringify(footprint));
  }
}

/** The memory that everything in Redis takes. */
async function memoryOf(redis: RedisClient): Promise<number> {
  const sizes = (await redis.keys("*")).map((key) => redis.memoryUsage(key));
  return (await Promise.all(sizes)).reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

async function memoryOfSubject(redis: RedisClient): Promise<number> {
  await redis.flushAll();
  const sessions = createSessions({ store: new RedisStore({ client: redis }) });
  await sessions.create(makeData(BYTES), { subject: "user:42" });
  return await memoryOf(redis);
}

/** The bytes that Redis gets and gives for one request. */
async function trafficOf(
  redis: RedisClient,
  { app, cookie, scenario }: { app: Hono; cookie: string; scenario: string },
): Promise<Traffic> {
  const [request] = requestsOf({ ...SCENARIOS[scenario]!, visitors: "one" }, [cookie]);
  await app.fetch(request!);
  const before = await trafficUntilNow(redis);
  for (let done = 0; done < REQUESTS; done++) await app.fetch(request!);
  const after = await trafficUntilNow(redis);
  return {
    input: (after.input - before.input) / REQUESTS,
    output: (after.output - before.output) / REQUESTS,
  };
}

interface Traffic {
  readonly input: number;
  readonly output: number;
}

async function trafficUntilNow(redis: RedisClient): Promise<Traffic> {
  const stats = await redis.info("stats");
  const figure = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(stats)![1]);
  return { input: figure("total_net_input_bytes"), output: figure("total_net_output_bytes") };
}
