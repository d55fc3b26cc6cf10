import { assert } from "@std/assert";
import { countAnew, RECORDED, RECORDED_STORAGES } from "../../scripts/bench/recorded.ts";
import { RedisServer, skipRedis } from "../_support/redis.ts";

/** What may be allocated beside what is recorded: runs differ by up to 1.5 %. */
const TOLERANCE = 1.05;

for (const storage of RECORDED_STORAGES) {
  Deno.test({
    name: `a read and a write allocate no more than is recorded: ${storage}`,
    ignore: storage === "redis" && skipRedis(),
    async fn() {
      await using redis = storage === "redis" ? await RedisServer.start() : undefined;
      if (redis) Deno.env.set("REDIS_URL", redis.url);
      const counted = await countAnew(storage);
      for (const [name, bytes] of Object.entries(counted)) {
        const recorded = RECORDED[name]!;
        assert(
          bytes <= recorded * TOLERANCE,
          `${name} allocates ${bytes} bytes, ${recorded} are recorded; ` +
            "look for them with `deno task bench --profile`, or record them with `deno task bench --record`",
        );
      }
    },
  });
}
