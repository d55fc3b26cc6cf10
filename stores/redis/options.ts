import { storeTable } from "../../src/store/store_options.ts";
import type { Awaitable } from "../../src/util/awaitable.ts";
import type { Clock } from "../../src/util/clock.ts";
import { insteadOf, refuse } from "../../src/util/option_errors.ts";
import { checkTable } from "../../src/util/option_table.ts";
import { ANY, STRING } from "../../src/util/shapes.ts";
import type { RedisClientLike } from "./like.ts";
import { isRedisClient, MISTAKEN_CLIENTS } from "./mistakes.ts";

/**
 * Options of {@linkcode RedisStore}.
 *
 * @example A client per request
 * ```ts
 * import { RedisStore, type RedisStoreOptions } from "@x/hono-session/stores/redis";
 *
 * const options: RedisStoreOptions = {
 *   client: (c) => c.get("redis"),
 *   prefix: "my-app:session:",
 * };
 * new RedisStore(options);
 * ```
 */
export interface RedisStoreOptions {
  /**
   * A connected client: of node-redis 4, 5 or 6 (client, cluster, pool or sentinel), of ioredis or iovalkey
   * (client or cluster), or Bun's. The application closes it.
   *
   * Or a function that returns it for the Hono context, such as `(c) => c.get("redis")`; outside of a request
   * `c` is `undefined`. It is called for each operation, so it must return an open client instead of opening
   * one.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context.
  client: RedisClientLike | ((c: any) => Awaitable<RedisClientLike>);
  /**
   * The prefix of all keys.
   *
   * @default {"session:"}
   */
  prefix?: string;
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

const OPTIONS = storeTable("RedisStore", {
  shapes: { client: ANY, prefix: STRING },
  instead: {
    getClient: "use client: (c) => …",
    ttl: "pass session() maxAge, in seconds",
    url: "connect a client and pass it as client",
  },
  mistakes: [[isRedisClient, "write { client }"]],
});

/** @throws {TypeError} When an option is unknown or invalid. */
export function checkOptions(options: RedisStoreOptions): void {
  checkTable(OPTIONS, options);
  const { client } = options;
  const instead = insteadOf(client, MISTAKEN_CLIENTS);
  if (instead) refuse("client", instead, OPTIONS);
  if (typeof client === "function" || isRedisClient(client)) return;
  refuse(
    "client",
    "a client of node-redis, ioredis or Bun is required, or a function that finds one",
    OPTIONS,
  );
}
