/**
 * What {@linkcode RedisStore} needs of a client of node-redis 4, 5 or 6, or of its pool.
 *
 * @example A client that knows nothing
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
   * @param options How it is called off.
   */
  sendCommand(args: string[], options?: NodeRedisOptions): PromiseLike<unknown>;
}

/**
 * What {@linkcode RedisStore} needs of a cluster client of node-redis 4, 5 or 6.
 *
 * @example A cluster that knows nothing
 * ```ts
 * import { type NodeRedisClusterLike, RedisStore } from "@x/hono-session/stores/redis";
 *
 * // In your app: await createCluster({ rootNodes }).on("error", console.error).connect()
 * const client: NodeRedisClusterLike = { masters: [], sendCommand: () => Promise.resolve(null) };
 * new RedisStore({ client });
 * ```
 */
export interface NodeRedisClusterLike {
  /** The nodes that take writes. */
  readonly masters: readonly unknown[];
  /**
   * Sends any command.
   *
   * @param firstKey The key that decides on the node.
   * @param isReadonly Whether a replica may answer.
   * @param args The name of the command and its arguments.
   * @param options How it is called off.
   */
  sendCommand(
    firstKey: string,
    isReadonly: boolean,
    args: string[],
    options?: NodeRedisOptions,
  ): PromiseLike<unknown>;
}

/**
 * What {@linkcode RedisStore} needs of a sentinel client of node-redis 5 or 6.
 *
 * @example A sentinel that knows nothing
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
  /** The present primary. */
  getMasterNode(): unknown;
  /**
   * Sends any command.
   *
   * @param isReadonly Whether a replica may answer.
   * @param args The name of the command and its arguments.
   * @param options How it is called off.
   */
  sendCommand(
    isReadonly: boolean,
    args: string[],
    options?: NodeRedisOptions,
  ): PromiseLike<unknown>;
}

/**
 * How a command of node-redis is called off.
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
  /** By the name that it has since version 5. */
  abortSignal?: AbortSignal;
  /** By the name that it had in version 4. */
  signal?: AbortSignal;
  /** How long it may wait to be sent, in milliseconds: `undefined` for no limit but that of the signal. */
  timeout?: number | undefined;
}

/**
 * What {@linkcode RedisStore} needs of a client of ioredis or iovalkey, or of its cluster. Where the client has a method
 * for a command, that is called: unlike `call`, it knows the keys of the command in every version.
 *
 * @example A client that knows nothing
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
 * What {@linkcode RedisStore} needs of Bun's `RedisClient`.
 *
 * @example A client that knows nothing
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
 * A client of Redis that {@linkcode RedisStore} knows how to talk to.
 *
 * @example A store of whatever client there is
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
