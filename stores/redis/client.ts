import { type Awaitable, isPromiseLike } from "../../src/util/awaitable.ts";
import { hasMethods, insteadOf, type Mistakes } from "../../src/util/option_errors.ts";
import { toError } from "./errors.ts";

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
}

/**
 * What {@linkcode RedisStore} needs of a client of ioredis, or of its cluster.
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
export type RedisClientLike = NodeRedisLike | NodeRedisClusterLike | IoredisLike | BunRedisLike;

/** What is given as `client` and is none that answers with promises, and what to do instead. */
export const MISTAKEN_CLIENTS: Mistakes = [
  [isPromiseLike, "it is a promise, await it"],
  [
    (client) => hasMethods(client, "internal_send_command"),
    "it is a client of redis 3, which knows no promises; use redis 4 or a later version",
  ],
  [isLegacy, "it is a client in legacy mode, which knows no promises; give the client itself"],
];

/** Whether a client of node-redis has callbacks where the others have promises. */
function isLegacy(client: unknown): boolean {
  if (!hasMethods(client, "sendCommand")) return false;
  const { options, constructor } = client as { options?: { legacyMode?: unknown } };
  return options?.legacyMode === true || constructor?.name === "RedisLegacyClient";
}

/** Whether a value looks like a client of a kind that is known. */
export function isRedisClient(value: unknown): value is RedisClientLike {
  // A function has a `call` as well.
  if (typeof value !== "object") return false;
  const client = value as Record<string, unknown> | null;
  return ["sendCommand", "call", "send"].some((name) => typeof client?.[name] === "function");
}

/**
 * Finds the client for a request.
 *
 * @throws {TypeError} When there is none.
 */
export async function findClient(
  find: (c: unknown) => Awaitable<RedisClientLike>,
  c: unknown,
): Promise<RedisClientLike> {
  let found: unknown;
  try {
    found = await find(c);
  } catch (error) {
    const cause = toError(error);
    throw new TypeError("Cannot use RedisStore: client(c) gave an error", { cause });
  }
  const instead = insteadOf(found, MISTAKEN_CLIENTS);
  if (isRedisClient(found) && !instead) return found;
  throw new TypeError(
    `Cannot use RedisStore: client(c) gave no client of node-redis, ioredis or Bun${
      instead ? `: ${instead}` : ""
    }`,
  );
}

/**
 * Sends a command.
 *
 * @param args The name of the command and its arguments.
 * @param options The key that decides on the node of a cluster, and what calls the command off where the client can.
 */
export function send(
  client: RedisClientLike,
  args: string[],
  { key, signal }: { key: string; signal: AbortSignal | undefined },
): PromiseLike<unknown> {
  const [command, ...rest] = args;
  if ("masters" in client) return client.sendCommand(key, false, args, toOptions(signal));
  // ioredis has a sendCommand too, of another kind.
  if ("call" in client) return client.call(command!, ...rest);
  if ("sendCommand" in client) return client.sendCommand(args, toOptions(signal));
  return client.send(command!, rest);
}

function toOptions(signal: AbortSignal | undefined): NodeRedisOptions {
  return signal ? { abortSignal: signal, signal } : {};
}
