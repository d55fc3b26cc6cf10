import type { Awaitable } from "../../src/util/awaitable.ts";
import { insteadOf } from "../../src/util/option_errors.ts";
import { toError } from "./errors.ts";
import type { IoredisLike, NodeRedisLike, NodeRedisOptions, RedisClientLike } from "./like.ts";
import { isRedisClient, MISTAKEN_CLIENTS } from "./mistakes.ts";

/** A command, and which of its arguments are keys. */
export interface Command {
  /** Its name and its arguments. */
  readonly args: string[];
  /** Where the first key is among them. */
  readonly at: number;
  /** How many keys there are, one after the other. */
  readonly keys: number;
}

/** Commands that may have keys of several nodes, or whose first argument is none. */
const SCATTERED = new Set(["EVAL", "EVALSHA", "MGET"]);

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
    instead
      ? `Cannot use RedisStore: the client of client(c) is not valid: ${instead}`
      : "Cannot use RedisStore: client(c) gave no client of node-redis, ioredis or Bun",
  );
}

/** Sends commands to the primary that has their keys. A signal calls a command off where the client can. */
export type Sender = (
  command: Command,
  signal: AbortSignal | undefined,
) => PromiseLike<unknown>;

/** How commands are sent with a client. */
export function senderOf(client: RedisClientLike): Sender {
  // ioredis has a sendCommand too, of another kind.
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

/** The same without the timer that node-redis sets for every command by default: the signal says when it is late. */
function toUntimedOptions(signal: AbortSignal | undefined): NodeRedisOptions {
  return signal ? { abortSignal: signal, signal, timeout: undefined } : {};
}

/** Whether the application has told a client of node-redis how long a command may wait. */
function hasOwnTimeout(client: NodeRedisLike): boolean {
  const options = "options" in client ? client.options as ClientOptions | undefined : undefined;
  return options?.commandOptions?.timeout !== undefined;
}

/** The part that is used of the options of a client of node-redis. */
interface ClientOptions {
  readonly commandOptions?: { readonly timeout?: number };
}

/**
 * The arguments with the prefix for all keys that node-redis can be given since version 6.3, and that it doesn't give to
 * commands that are sent by their names.
 */
function withPrefix({ args, at, keys }: Command, prefix: string): string[] {
  if (prefix === "") return args;
  return args.map((arg, index) => index >= at && index < at + keys ? prefix + arg : arg);
}

/** What else is known of a client of ioredis, if it is one. */
interface Ioredis extends IoredisLike {
  readonly isCluster?: boolean;
  readonly options?: { readonly enableAutoPipelining?: boolean };
  createBuiltinCommand?(name: string): { string(...args: string[]): PromiseLike<unknown> };
}

/**
 * Sends a command by the method of its name: what `call` is given has no keys in older versions, so that a cluster is
 * asked at any node and `keyPrefix` is left out. In a cluster, commands that are pipelined together are sent to the node of
 * their first argument, so those that it is no key of go alone.
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
