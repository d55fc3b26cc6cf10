/**
 * The methods of a client or pool of node-redis 4, 5 or 6 that {@linkcode RedisStore} uses.
 *
 * @example A stub client
 * ```ts
 * import { type NodeRedisLike, RedisStore } from "@x/hono-session/stores/redis";
 *
 * // In your app: await createClient({ url }).on("error", console.error).connect()
 * const client: NodeRedisLike = { sendCommand: () => Promise.resolve(null) };
 * new RedisStore({ client });
 * ```
 */
export interface NodeRedisLike {
  /**
   * Sends any command.
   *
   * @param args The name of the command and its arguments.
   * @param options The abort signal and the timeout.
   */
  sendCommand(args: string[], options?: NodeRedisOptions): PromiseLike<unknown>;
}

/**
 * The methods of a cluster client of node-redis 4, 5 or 6 that {@linkcode RedisStore} uses.
 *
 * @example A stub cluster
 * ```ts
 * import { type NodeRedisClusterLike, RedisStore } from "@x/hono-session/stores/redis";
 *
 * // In your app: await createCluster({ rootNodes }).on("error", console.error).connect()
 * const client: NodeRedisClusterLike = { masters: [], sendCommand: () => Promise.resolve(null) };
 * new RedisStore({ client });
 * ```
 */
export interface NodeRedisClusterLike {
  /** The primary nodes. */
  readonly masters: readonly unknown[];
  /**
   * Sends any command.
   *
   * @param firstKey The key that determines the node.
   * @param isReadonly Whether a replica may answer.
   * @param args The name of the command and its arguments.
   * @param options The abort signal and the timeout.
   */
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: string[],
    options?: NodeRedisOptions,
  ): PromiseLike<unknown>;
}

/**
 * The methods of a sentinel client of node-redis 5 or 6 that {@linkcode RedisStore} uses.
 *
 * @example A stub sentinel
 * ```ts
 * import { type NodeRedisSentinelLike, RedisStore } from "@x/hono-session/stores/redis";
 *
 * // In your app: await createSentinel({ name, sentinelRootNodes }).on("error", console.error).connect()
 * const client: NodeRedisSentinelLike = {
 *   getMasterNode: () => undefined,
 *   sendCommand: () => Promise.resolve(null),
 * };
 * new RedisStore({ client });
 * ```
 */
export interface NodeRedisSentinelLike {
  /** Returns the current primary. */
  getMasterNode(): unknown;
  /**
   * Sends any command.
   *
   * @param isReadonly Whether a replica may answer.
   * @param args The name of the command and its arguments.
   * @param options The abort signal and the timeout.
   */
  sendCommand(
    isReadonly: boolean,
    args: string[],
    options?: NodeRedisOptions,
  ): PromiseLike<unknown>;
}

/**
 * The options of a command of node-redis.
 *
 * @example Usage
 * ```ts
 * import type { NodeRedisOptions } from "@x/hono-session/stores/redis";
 * import { assert } from "@std/assert";
 *
 * const abort = new AbortController();
 * const options: NodeRedisOptions = { abortSignal: abort.signal };
 * abort.abort();
 * assert(options.abortSignal?.aborted);
 * ```
 */
export interface NodeRedisOptions {
  /** The abort signal, since version 5. */
  abortSignal?: AbortSignal;
  /** The abort signal in version 4. */
  signal?: AbortSignal;
  /** How long the command may wait to be sent, in milliseconds; `undefined` for no limit except the signal. */
  timeout?: number | undefined;
}

/**
 * The methods of a client or cluster of ioredis or iovalkey that {@linkcode RedisStore} uses. If the client has
 * a method for a command, it is called: unlike `call`, it knows the keys of the command in every version.
 *
 * @example A stub client
 * ```ts
 * import { type IoredisLike, RedisStore } from "@x/hono-session/stores/redis";
 *
 * // In your app: new Redis(url), or new Cluster(nodes)
 * const client: IoredisLike = { call: () => Promise.resolve(null) };
 * new RedisStore({ client });
 * ```
 */
export interface IoredisLike {
  /**
   * Sends any command.
   *
   * @param command Its name.
   * @param args Its arguments.
   */
  call(command: string, ...args: string[]): PromiseLike<unknown>;
}

/**
 * The methods of Bun's `RedisClient` that {@linkcode RedisStore} uses.
 *
 * @example A stub client
 * ```ts
 * import { type BunRedisLike, RedisStore } from "@x/hono-session/stores/redis";
 *
 * // In your app: new RedisClient(url), or `redis` of "bun"
 * const client: BunRedisLike = { send: () => Promise.resolve(null) };
 * new RedisStore({ client });
 * ```
 */
export interface BunRedisLike {
  /**
   * Sends any command.
   *
   * @param command Its name.
   * @param args Its arguments.
   */
  send(command: string, args: string[]): PromiseLike<unknown>;
}

/**
 * A Redis client that {@linkcode RedisStore} supports.
 *
 * @example A store for any supported client
 * ```ts
 * import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";
 * import { assertEquals } from "@std/assert";
 *
 * const open = (client: RedisClientLike) => new RedisStore({ client, prefix: "my-app:" });
 * const store = open({ send: () => Promise.resolve(null) });
 * assertEquals(await store.read("unknown"), undefined);
 * ```
 */
export type RedisClientLike =
  | NodeRedisLike
  | NodeRedisClusterLike
  | NodeRedisSentinelLike
  | IoredisLike
  | BunRedisLike;
