import process from "node:process";
// @ts-ignore -- only Bun has this module
import { RedisClient } from "bun";
// @ts-ignore -- only Bun has this module
import { expect, test } from "bun:test";
import { RedisStore } from "../../stores/redis.ts";
import { storeConformance } from "../../stores/testing.ts";
import { FakeClock } from "../_support/clock.ts";
import { DroppingProxy } from "../_support/dropping_proxy.ts";
import { makeRecord } from "../_support/record.ts";

const url = process.env["REDIS_URL"]!;

async function connect(to = url) {
  const client = new RedisClient(to);
  await client.connect();
  return client;
}

storeConformance({
  name: "RedisStore",
  capabilities: new RedisStore({ client: () => Promise.reject() }).capabilities,
  canFail: true,
  test,
  async open(clock) {
    const client = await connect();
    const close = () => client.close();
    return { store: new RedisStore({ client, clock }), fail: close, close };
  },
  onSkip: () => {},
});

test("RedisStore: a dropped connection is tried once more, and nothing is done twice", async () => {
  await using proxy = await DroppingProxy.start(Number(new URL(url).port));
  const client = await connect(proxy.url);
  const clock = new FakeClock();
  const store = new RedisStore({ client, clock: clock.now });
  const record = makeRecord(clock);
  const next = { ...record, version: 2 };
  await store.create("before", record);
  proxy.drop();
  expect(await store.create("key", record)).toBe(true);
  proxy.drop();
  expect(await store.update("key", next, record)).toBe(true);
  proxy.drop();
  expect(await store.read("key")).toEqual(next);
  expect(proxy.drops).toBe(0);
  client.close();
});
