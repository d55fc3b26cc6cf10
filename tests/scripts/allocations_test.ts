import { assertEquals } from "@std/assert";
import { countAnew, RECORDED, RECORDED_STORAGES } from "../../scripts/bench/recorded.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";

/** What may be allocated beside what is recorded. Most runs differ by less than 1 %. */
const TOLERANCE = 1.05;
/** How often it is counted: one run in ten is off by 5 %, when V8 has compiled something else. */
const TIMES = 3;

for (const storage of RECORDED_STORAGES) {
  Deno.test({
    name: `a read and a write allocate no more than is recorded: ${storage}`,
    ignore: storage === "redis" && skipRedis(),
    async fn() {
      await using redis = storage === "redis" ? await RedisServer.start() : undefined;
      if (redis) Deno.env.set("REDIS_URL", redis.url);
      let beyond: string[] = [];
      for (let time = 0; time === 0 || beyond.length > 0 && time < TIMES; time++) {
        beyond = Object.entries(await countAnew(storage))
          .filter(([name, bytes]) => bytes > RECORDED[name]! * TOLERANCE)
          .map(([name, bytes]) => `${name}: ${bytes} bytes, ${RECORDED[name]} are recorded`);
      }
      const way = "look for them with `deno task bench --profile`, or record them with `--record`";
      assertEquals(beyond, [], way);
    },
  });
}
