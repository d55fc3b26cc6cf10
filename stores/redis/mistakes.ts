import { hasMethods, type Mistakes } from "../../src/util/option_errors.ts";
import type { RedisClientLike } from "./like.ts";

/** Common mistakes in the option `client`, and what to do instead. */
export const MISTAKEN_CLIENTS: Mistakes = [
  [
    (client) => hasMethods(client, "internal_send_command"),
    "it is a client of redis 3, which does not support promises; use redis 4 or a later version",
  ],
  [
    (client) => hasMethods(client, "sendCommand") && memberOf(client, "isConnected") !== undefined,
    "it is a client of Deno's redis module; use npm:redis or npm:ioredis",
  ],
  [
    isLegacy,
    "it is a client in legacy mode, which does not support promises; pass the client itself",
  ],
  [
    (client) => hasMethods(client, "createScript", "evalsha") && !hasMethods(client, "call"),
    "it is a client of Upstash, which speaks HTTP; use redis or ioredis with the rediss:// address of the database",
  ],
  [
    (client) => hasMethods(client, "customCommand"),
    "it is a client of Valkey GLIDE; use redis, ioredis or iovalkey",
  ],
  [
    (client) => hasMethods(client, "send") && memberOf(client, "middlewareStack") !== undefined,
    "it is a client of the AWS SDK",
  ],
  [
    isClosed,
    "it is not connected; await client.connect() before, or pass a function that finds it later",
  ],
];

/** Checks whether a value looks like a supported client. */
export function isRedisClient(value: unknown): value is RedisClientLike {
  return ["sendCommand", "call", "send"].some((name) => hasMethods(value, name));
}

/**
 * Checks whether a client is not opened yet, or closed. A client that connects or reconnects by itself counts
 * as open.
 */
export function isClosed(client: unknown): boolean {
  const { isOpen, status } = (client ?? {}) as { isOpen?: unknown; status?: unknown };
  return isOpen === false || status === "end";
}

/** Checks whether a client of node-redis uses callbacks instead of promises. */
function isLegacy(client: unknown): boolean {
  if (!hasMethods(client, "sendCommand")) return false;
  const options = memberOf(client, "options") as { legacyMode?: unknown } | undefined;
  // The result of `legacy()` has the commands of a client, but no properties of its connection.
  return options?.legacyMode === true ||
    hasMethods(client, "multi", "get", "GET") && memberOf(client, "isOpen") === undefined;
}

function memberOf(client: unknown, name: string): unknown {
  return Reflect.get(Object(client), name);
}
