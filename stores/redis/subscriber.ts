import type { ReceiveEnd, Unsubscribe } from "../../src/store/end_watchers.ts";
import { type Awaitable, orElse } from "../../src/util/awaitable.ts";
import { hasMethods } from "../../src/util/option_errors.ts";
import type { Connection } from "./connection.ts";
import type { RedisClientLike } from "./like.ts";
import { CHANNEL } from "./lua.ts";

/** The methods of a client of any kind for subscriptions. */
interface PubSub {
  duplicate(...options: unknown[]): Awaitable<PubSub>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, receive?: ReceiveEnd): Promise<unknown>;
  unsubscribe(channel: string, receive: ReceiveEnd): Promise<unknown>;
}

/** Returns the function that subscribes with a client. */
export function subscriberOf(
  client: RedisClientLike,
): (receive: ReceiveEnd) => Promise<Unsubscribe> {
  return (receive) => subscribe(client, receive);
}

/** Subscribes with a connection of its own. If the client can't open one, nothing is received. */
async function subscribe(
  client: RedisClientLike,
  receive: ReceiveEnd,
): Promise<Unsubscribe> {
  if (!isPubSub(client)) return () => {};
  // Clusters and Sentinel have a connection of their own for subscriptions.
  if ("masters" in client || "getMasterNode" in client) {
    await client.subscribe(CHANNEL, receive);
    return () => client.unsubscribe(CHANNEL, receive);
  }
  const own = await duplicate(client);
  // The method that closes the connection is named differently by each kind of client. node-redis 5 throws when the
  // connection is already closed.
  const stop = () => void orElse(() => callFirst(own, "destroy", "disconnect", "close"), ignore);
  try {
    if ("call" in client) {
      own.on("error", ignore);
      own.on("message", (_channel, message) => receive(message));
      await own.subscribe(CHANNEL);
      return stop;
    }
    if ("sendCommand" in client) {
      own.on("error", ignore);
      await own.connect();
      callFirst(own, "unref");
    }
    await own.subscribe(CHANNEL, receive);
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

function duplicate(client: PubSub): Awaitable<PubSub> {
  if (!("call" in client)) return client.duplicate();
  const options = { enableOfflineQueue: true, keyPrefix: "" };
  const isCluster = Reflect.get(client, "isCluster") === true;
  return isCluster ? client.duplicate([], options) : client.duplicate(options);
}

/** Calls the first of these methods that a client has. */
function callFirst(client: PubSub, ...names: string[]): unknown {
  const name = names.find((name) => hasMethods(client, name));
  return name && Reflect.apply(Reflect.get(client, name), client, []);
}

/** Checks whether a client can subscribe to a channel. A pool of node-redis can't. */
export function isPubSub(client: unknown): client is PubSub {
  return hasMethods(client, "duplicate", "subscribe", "unsubscribe");
}

/** Reports that a session was moved in several steps. */
export async function reportMove(connection: Connection, key: string): Promise<void> {
  // A failure is ignored: watched sessions are read at intervals as well.
  await connection.send(["PUBLISH", CHANNEL, `${key} `], 0).catch(ignore);
}

/** The client reports failures of its connection, and connects again. */
function ignore(): void {}
