import type { Awaitable } from "../../src/util/awaitable.ts";
import { insteadOf, withoutContext } from "../../src/util/option_errors.ts";
import { toError } from "./errors.ts";
import type { IoredisLike, NodeRedisLike, NodeRedisOptions, RedisClientLike } from "./like.ts";
import { isRedisClient, MISTAKEN_CLIENTS } from "./mistakes.ts";

/** A command, and the positions of its keys. */
export interface Command {
  /** Its name and its arguments. */
  readonly args: string[];
  /** The position of the first key. */
  readonly at: number;
  /** The number of consecutive keys. */
  readonly keys: number;
}

/** Commands whose keys may be on several nodes, or whose first argument is not a key. */
const SCATTERED = new Set(["EVAL", "EVALSHA", "MGET"]);

/**
 * Finds the client of a request.
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
    throw new TypeError(`Cannot use RedisStore: client(c) failed${withoutContext(c)}`, { cause });
  }
  const instead = insteadOf(found, MISTAKEN_CLIENTS);
  if (isRedisClient(found) && !instead) return found;
  throw new TypeError(
    instead
      ? `Cannot use RedisStore: the client of client(c) is not valid: ${instead}`
      : "Cannot use RedisStore: client(c) returned no client of node-redis, ioredis or Bun",
  );
}

/** Sends a command to the primary of its keys. A signal aborts it, if the client supports it. */
export type Sender = (
  command: Command,
  signal: AbortSignal | undefined,
) => PromiseLike<unknown>;

/** Returns the function that sends commands with a client. */
export function senderOf(client: RedisClientLike): Sender {
  // ioredis also has a sendCommand, with other parameters.
  if ("call" in client) return ({ args }) => sendByIoredis(client, args);
  if (!("sendCommand" in client)) return ({ args: [name, ...rest] }) => client.send(name!, rest);
  const prefix = "_keyPrefix" in client ? String(client._keyPrefix ?? "") : "";
  if ("masters" in client) {
    return (command, signal) => {
      const args = withPrefix(command, prefix);
      return client.sendCommand(args[command.at]!, false, args, toOptions(signal));
    };
  }
  if ("getMasterNode" in client) {
    return (command, signal) =>
      client.sendCommand(false, withPrefix(command, prefix), toOptions(signal));
  }
  const toOwnOptions = hasOwnTimeout(client) ? toOptions : toUntimedOptions;
  return (command, signal) => client.sendCommand(withPrefix(command, prefix), toOwnOptions(signal));
}

function toOptions(signal: AbortSignal | undefined): NodeRedisOptions {
  return signal ? { abortSignal: signal, signal } : {};
}

/** Returns options without the default timer of node-redis for every command: the signal limits the time. */
function toUntimedOptions(signal: AbortSignal | undefined): NodeRedisOptions {
  return signal ? { ...toOptions(signal), timeout: undefined } : {};
}

/** Checks whether the application has set a timeout on a client of node-redis. */
function hasOwnTimeout(client: NodeRedisLike): boolean {
  const options = "options" in client ? client.options as ClientOptions | undefined : undefined;
  return options?.commandOptions?.timeout !== undefined;
}

/** The options of a node-redis client that are used. */
interface ClientOptions {
  readonly commandOptions?: { readonly timeout?: number };
}

/**
 * Adds the key prefix of node-redis, which has existed since version 6.3 and is not applied by `sendCommand`.
 */
function withPrefix({ args, at, keys }: Command, prefix: string): string[] {
  if (prefix === "") return args;
  return args.map((arg, index) => index >= at && index < at + keys ? prefix + arg : arg);
}

/** Further properties of a client of ioredis. */
interface Ioredis extends IoredisLike {
  readonly isCluster?: boolean;
  readonly options?: { readonly enableAutoPipelining?: boolean };
  createBuiltinCommand?(name: string): { string(...args: string[]): PromiseLike<unknown> };
}

/**
 * Sends a command with the method of its name. In older versions `call` does not know the keys of a command: a
 * cluster then uses any node, and `keyPrefix` is not applied. In a cluster, pipelined commands go to the node
 * of their first argument, so commands whose first argument is not a key are sent alone.
 */
function sendByIoredis(client: Ioredis, args: string[]): PromiseLike<unknown> {
  const [command, ...rest] = args;
  const name = command!.toLowerCase();
  if (client.isCluster && client.options?.enableAutoPipelining && SCATTERED.has(command!)) {
    const alone = client.createBuiltinCommand?.(name).string;
    if (alone) return alone.apply(client, rest);
  }
  const method: unknown = Reflect.get(client, name);
  return typeof method === "function" ? method.apply(client, rest) : client.call(command!, ...rest);
}
