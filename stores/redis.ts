/**
 * Sessions in Redis or Valkey: one server, a cluster, or whatever speaks their protocol and runs Lua.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session";
 * import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * // In your app, with `createClient` of the npm package redis:
 * // await createClient({ url: "redis://127.0.0.1:6379" }).on("error", console.error).connect()
 * const client: RedisClientLike = { sendCommand: () => Promise.reject(new Error("no server")) };
 *
 * const app = new Hono()
 *   .use(session<{ name?: string }>({ store: new RedisStore({ client }) }))
 *   .get("/", (c) => c.text(`Hello ${c.var.session.name ?? "stranger"}`));
 *
 * // Who has no session is served without Redis.
 * assertEquals(await (await app.request("/")).text(), "Hello stranger");
 * ```
 *
 * @module
 */

import type { SessionRecord, SessionTimes } from "../src/record.ts";
import {
  type Awaitable,
  type Clock,
  type SessionStore,
  type StoreCapabilities,
  type StoreReplacement,
  systemClock,
} from "../src/store.ts";
import {
  type BunRedisLike,
  findClient,
  type IoredisLike,
  isRedisClient,
  type NodeRedisClusterLike,
  type NodeRedisLike,
  type NodeRedisOptions,
  type RedisClientLike,
  send,
} from "./redis/client.ts";
import { isCrossSlot, isDropped, isUnknownScript, withoutCommand } from "./redis/errors.ts";
import { REMOVE, REPLACE, type Script, TOUCH, WRITE } from "./redis/scripts.ts";
import { fromValue, toTimes, toValue } from "./redis/value.ts";

export type {
  BunRedisLike,
  IoredisLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisOptions,
  RedisClientLike,
};

/**
 * Options of {@linkcode RedisStore}.
 *
 * @example A client that comes with the request
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
   * A connected client: of node-redis 4, 5 or 6 (client, cluster or pool), of ioredis (client or cluster), or
   * Bun's. It stays yours to close.
   *
   * Or a function that finds it in the Hono context, such as `(c) => c.get("redis")`; outside of a request `c`
   * is `undefined`. It is called for each operation, so let it give a client that is there rather than open one.
   */
  // deno-lint-ignore no-explicit-any -- Only the application knows its context.
  client: RedisClientLike | ((c: any) => Awaitable<RedisClientLike>);
  /**
   * What all keys begin with.
   *
   * @default {"session:"}
   */
  prefix?: string;
  /**
   * Tells the time, for tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/** What a script is run with. */
interface ScriptArguments {
  readonly keys: string[];
  readonly args: string[];
}

/** What one operation runs with. */
interface Run {
  readonly client: RedisClientLike;
  readonly signal: AbortSignal | undefined;
}

/**
 * Keeps sessions in Redis. Every promise of the store contract holds as long as one primary answers; what it
 * answered to may be lost with it, because Redis replicates afterwards.
 *
 * A record is one text under `prefix` and its key, with the time to live that it has. Each operation is one
 * round trip; a write is a script that looks and writes in one step. In a cluster `regenerate()` takes two steps,
 * because the old and the new key lie on different nodes: a crash in between ends the session.
 *
 * When the connection is dropped an operation is tried once more. Each write carries a name of its own, by which it
 * finds out that it had been done; only when another request wrote in between is it taken for a conflict, and an
 * `update()` counts twice.
 *
 * What is called off is never sent by node-redis. ioredis and Bun's client keep it and send it when they are
 * connected again, unless they are told not to: `enableOfflineQueue: false`.
 *
 * Reads must go to the primary: leave `scaleReads` of ioredis alone.
 *
 * @example Usage
 * ```ts
 * import { type RedisClientLike, RedisStore } from "@x/hono-session/stores/redis";
 * import { assertEquals } from "@std/assert";
 *
 * // In your app: await createClient({ url }).on("error", console.error).connect()
 * const client: RedisClientLike = { sendCommand: () => Promise.resolve(null) };
 * const store = new RedisStore({ client });
 * assertEquals(await store.read("unknown"), undefined);
 * ```
 */
export class RedisStore implements SessionStore {
  /** Atomic, and strongly consistent on one primary. */
  readonly capabilities: StoreCapabilities = {
    atomic: true,
    index: false,
    consistency: "strong",
    abortable: true,
  };
  readonly #client: RedisStoreOptions["client"];
  readonly #prefix: string;
  readonly #clock: Clock;
  /** The clients whose server refused two keys in one script, as a cluster does. */
  readonly #clusters = new WeakSet<RedisClientLike>();

  /**
   * Connects to nothing.
   *
   * @param options Which client.
   * @throws {TypeError} When `client` is neither a client of a known kind nor a function.
   */
  constructor(options: RedisStoreOptions) {
    const { client, prefix = "session:", clock = systemClock } = options;
    if (typeof client !== "function" && !isRedisClient(client)) {
      throw new TypeError(
        "Cannot create RedisStore: client is no client of node-redis, ioredis or Bun, and no function that finds one",
      );
    }
    this.#client = client;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  /**
   * The record under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The record, or `undefined` when there is none or it has expired.
   * @throws {TypeError} When no client is found.
   */
  async read(key: string, c?: unknown, signal?: AbortSignal): Promise<SessionRecord | undefined> {
    const record = fromValue(await this.#send(["GET", this.#key(key)], await this.#run(c, signal)));
    return record && this.#clock() < record.expiresAt ? record : undefined;
  }

  /**
   * Stores a record under a key that holds none.
   *
   * @param key The key.
   * @param record The record.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns Whether it was stored.
   * @throws {TypeError} When no client is found.
   */
  async create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const given = this.#write([key], record, "");
    return await this.#script(WRITE, given, await this.#run(c, signal));
  }

  /**
   * Stores a record in place of the one that was read.
   *
   * @param key The key.
   * @param record The record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns Whether it was stored.
   * @throws {TypeError} When no client is found.
   */
  async update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const given = this.#write([key], record, `${previous.version}`);
    return await this.#script(WRITE, given, await this.#run(c, signal));
  }

  /**
   * Moves a session to another key: in one step, but in a cluster first the old record is deleted.
   *
   * @param key The key until now.
   * @param next The key from now on and its record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns Whether it was moved.
   * @throws {TypeError} When no client is found.
   */
  async replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const given = this.#write([key, next.key], next.record, `${previous.version}`);
    const run = await this.#run(c, signal);
    if (!this.#clusters.has(run.client)) {
      try {
        return await this.#script(REPLACE, given, run);
      } catch (error) {
        if (!isCrossSlot(error)) throw error;
        this.#clusters.add(run.client);
      }
    }
    const removal = { keys: given.keys.slice(0, 1), args: given.args.slice(0, 3) };
    return await this.#script(REMOVE, removal, run) &&
      await this.#script(WRITE, this.#write([next.key], next.record, ""), run);
  }

  /**
   * Moves the times of a record.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns Whether they were moved.
   * @throws {TypeError} When no client is found.
   */
  async touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const args = [this.#now(), `${previous.version}`, toTimes(times), this.#timeToLive(times)];
    return await this.#script(
      TOUCH,
      { keys: [this.#key(key)], args },
      await this.#run(c, signal),
    );
  }

  /**
   * Deletes a record.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @throws {TypeError} When no client is found.
   */
  async delete(key: string, c?: unknown, signal?: AbortSignal): Promise<void> {
    await this.#send(["DEL", this.#key(key)], await this.#run(c, signal));
  }

  /** Finds the client once for all commands of an operation. */
  async #run(c: unknown, signal: AbortSignal | undefined): Promise<Run> {
    const client = this.#client;
    return { client: typeof client === "function" ? await findClient(client, c) : client, signal };
  }

  /** What a script is given to write a record over a previous version. */
  #write(keys: string[], record: SessionRecord, version: string): ScriptArguments {
    // It need only differ between writers of the same version of the same session.
    const write = Math.random().toString(36).slice(2);
    return {
      keys: keys.map((key) => this.#key(key)),
      args: [this.#now(), version, write, toValue(record, write), this.#timeToLive(record)],
    };
  }

  /** Runs a script by its hash, or by its text where the server does not know it. */
  async #script(script: Script, { keys, args }: ScriptArguments, run: Run): Promise<boolean> {
    const given = [String(keys.length), ...keys, ...args];
    const sha1 = await script.sha1();
    let answer: unknown;
    try {
      answer = await this.#send(["EVALSHA", sha1, ...given], { ...run, key: keys[0]! });
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      answer = await this.#send(["EVAL", script.text, ...given], { ...run, key: keys[0]! });
    }
    return Number(answer) === 1;
  }

  /** Sends a command, and once more when the connection is dropped. */
  async #send(
    args: string[],
    { client, signal, key = args[1]! }: Run & { key?: string },
  ): Promise<unknown> {
    signal?.throwIfAborted();
    const ask = async () => {
      try {
        return await send(client, args, { key, signal });
      } catch (error) {
        throw withoutCommand(error);
      }
    };
    try {
      return await ask();
    } catch (error) {
      if (signal?.aborted || !isDropped(error)) throw error;
      return await ask();
    }
  }

  #key(key: string): string {
    return this.#prefix + key;
  }

  #now(): string {
    return String(this.#clock());
  }

  /** The time that a record has to live, in whole milliseconds. */
  #timeToLive({ expiresAt }: SessionTimes): string {
    return String(Math.max(Math.ceil(expiresAt - this.#clock()), 1));
  }
}
