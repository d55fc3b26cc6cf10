/**
 * Sessions in Redis or Valkey: a single server, a cluster, or a compatible server that runs Lua.
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
 * // A request without a session does not access Redis.
 * assertEquals(await (await app.request("/")).text(), "Hello stranger");
 * ```
 *
 * @module
 */

import type { SessionEndReason } from "../src/record/end_reason.ts";
import type { SessionRecord, SessionTimes } from "../src/record/record.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  OnSessionEnd,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
} from "../src/store/contract.ts";
import { EndWatchers } from "../src/store/end_watchers.ts";
import { makeWriteId } from "../src/store/write_id.ts";
import { isPromiseLike } from "../src/util/awaitable.ts";
import { type Clock, systemClock } from "../src/util/clock.ts";
import { Clients } from "./redis/clients.ts";
import type { Connection, ScriptArguments } from "./redis/connection.ts";
import { changeOf, type Placed, toEntry } from "./redis/entry.ts";
import type {
  BunRedisLike,
  IoredisLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisOptions,
  NodeRedisSentinelLike,
  RedisClientLike,
} from "./redis/like.ts";
import { moveInSteps } from "./redis/move.ts";
import { checkOptions, type RedisStoreOptions } from "./redis/options.ts";
import { fromOwner } from "./redis/owner.ts";
import { END, REPLACE, TOUCH, WRITE } from "./redis/scripts.ts";
import { isPubSub, reportMove, subscriberOf } from "./redis/subscriber.ts";
import { Subjects } from "./redis/subjects.ts";
import type { Write } from "./redis/write.ts";
import { fromStored, toEnd, toRest, toValue } from "./redis/value.ts";

export type {
  BunRedisLike,
  IoredisLike,
  NodeRedisClusterLike,
  NodeRedisLike,
  NodeRedisOptions,
  NodeRedisSentinelLike,
  RedisClientLike,
  RedisStoreOptions,
};

const CAPABILITIES = {
  atomic: true,
  index: true,
  ordered: true,
  consistency: "strong",
  abortable: true,
} as const;

/**
 * Keeps sessions in Redis. Every guarantee of the store contract holds as long as the primary lives.
 * Acknowledged writes can be lost with it, because Redis replicates asynchronously.
 *
 * A record is one string under `prefix` and its key, with its time to live. Besides the data it has about fifty
 * bytes. Each operation is one round trip; a write is a script that checks and writes in one step. The sessions
 * of a subject are a sorted set of their keys, which the same script writes; deleting such a session requires a
 * second round trip. Redis must not evict keys (`maxmemory-policy noeviction`): a session could remain without
 * its entry.
 *
 * In a cluster, records and sets are on different nodes:
 *
 * - `regenerate()` requires two steps. A crash in between ends the session, and its subject's list may show it
 *   for another minute.
 * - A write that binds a session to a subject, or renews a bound one, writes the entry first. After a binding
 *   write has stored the record, it checks again whether the sessions of the subject were ended in the
 *   meantime. A crash before that check can leave a session that should have ended; it is listed, and the next
 *   `deleteAll` ends it.
 *
 * When the connection is dropped, or the primary has become a replica, an operation is retried once. Each write
 * has an identifier by which the retry recognizes that it was done. Only if another request wrote in between
 * does the write count as a conflict, and an `update()` is applied twice.
 *
 * node-redis never sends an aborted command. ioredis and Bun's client queue it and send it when they are
 * connected again, unless `enableOfflineQueue: false` is set.
 *
 * Reads must go to the primary: don't set `scaleReads` of ioredis.
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
  /** Atomic, with an index, and strongly consistent on one primary. */
  readonly capabilities: StoreCapabilities;
  readonly #watchers = new EndWatchers();
  readonly #clients: Clients;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #subjects: Subjects;

  /**
   * Creates the store. It does not connect.
   *
   * @param options The client, and other options.
   * @throws {TypeError} When an option is unknown or of the wrong kind, or `client` is neither a connected client of a
   * known kind nor a function.
   */
  constructor(options: RedisStoreOptions) {
    checkOptions(options);
    const { client, prefix = "session:", clock = systemClock } = options;
    const canWatch = typeof client === "function" || isPubSub(client);
    this.capabilities = { ...CAPABILITIES, ...(canWatch ? { watch: true } : {}) };
    this.#clients = new Clients(client);
    this.#prefix = prefix;
    this.#clock = clock;
    this.#subjects = new Subjects({ prefix, clock });
  }

  /**
   * Reads the record under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The record, or `undefined` when there is none or it has expired.
   * @throws {TypeError} When no client was found.
   */
  read(key: string, c?: unknown, signal?: AbortSignal): Promise<SessionRecord | undefined> {
    const found = this.#clients.connect(c, signal);
    return isPromiseLike(found)
      ? found.then((connection) => this.#read(connection, key))
      : this.#read(found, key);
  }

  #read(connection: Connection, key: string): Promise<SessionRecord | undefined> {
    return connection.send(["GET", this.#key(key)]).then((value) => {
      const record = fromStored(value);
      return record && this.#clock() < record.expiresAt ? record : undefined;
    });
  }

  /**
   * Stores a record under a new key.
   *
   * @param key The key.
   * @param record The record.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was stored.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no client was found.
   */
  async create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    return await this.#write(this.#toWrite({ key, record }), c, signal);
  }

  /**
   * Replaces the record that was read.
   *
   * @param key The key.
   * @param record The record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was stored.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no client was found.
   */
  update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    return this.#write(this.#toWrite({ key, record }, previous), c, signal);
  }

  #write(write: Write, c: unknown, signal: AbortSignal | undefined): Promise<boolean> {
    const found = this.#clients.connect(c, signal);
    return isPromiseLike(found)
      ? found.then((connection) => this.#subjects.write(connection, write))
      : this.#subjects.write(found, write);
  }

  /**
   * Moves a session to another key: in one step, in a cluster in several.
   *
   * @param key The previous key.
   * @param next The new key and its record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was moved.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no client was found.
   */
  async replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const connection = await this.#clients.connect(c, signal);
    const { keys, args } = this.#toArguments([key, next.key], next.record, `${previous.version}`);
    const write = args[2]!;
    const left = next.left ? [toValue(next.left, write), this.#timeToLive(next.left)] : ["", ""];
    const undo = () => this.#delete(next.key, connection.finishing());
    const inSteps = async () => {
      const isMoved = await moveInSteps(connection, { keys, args, left, next, previous, undo });
      if (isMoved) await reportMove(connection.finishing(), keys[0]!);
      return isMoved;
    };
    const change = changeOf(next, { key, record: previous });
    return await this.#subjects.write(connection, {
      script: REPLACE,
      change,
      inSteps,
      keys,
      args: [...args, ...left],
    });
  }

  /**
   * Changes the times of a record.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether they were changed.
   * @throws {TypeError} When no client was found.
   */
  async touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const record = { ...previous, ...times };
    const change = changeOf({ key, record }, { key, record: previous });
    const keys = [this.#key(key)];
    const head = [toEnd(record), toRest(record)];
    const args = [`${this.#clock()}`, `${previous.version}`, ...head, this.#timeToLive(times)];
    if (await this.#write({ script: TOUCH, change, keys, args }, c, signal)) return true;
    // A record that is still in this version was written by version 0.1.
    return await this.#write(this.#toWrite({ key, record }, previous), c, signal);
  }

  /**
   * Deletes a record, then its entry in the list of its subject.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @param reason The reason, for `watch`.
   * @throws {TypeError} When no client was found.
   */
  async delete(
    key: string,
    c?: unknown,
    signal?: AbortSignal,
    reason?: SessionEndReason,
  ): Promise<void> {
    await this.#delete(key, await this.#clients.connect(c, signal), reason);
  }

  async #delete(key: string, connection: Connection, reason?: SessionEndReason): Promise<void> {
    const args = [`${this.#clock()}`, reason ?? ""];
    // The script returns a list: the owner, or nothing.
    const owner = String(await connection.run(END, { keys: [this.#key(key)], args }));
    const entry = owner === "" ? undefined : toEntry(key, fromOwner(owner));
    if (entry) await this.#subjects.remove(connection, entry);
  }

  /**
   * Lists the live sessions of a subject. It reads all entries of the list, but only the requested records.
   * Entries without a session are removed.
   *
   * @param subject The subject.
   * @param page The part of the list.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @throws {TypeError} When no client was found.
   */
  async *list(
    subject: string,
    page: ListPage = {},
    c?: unknown,
    signal?: AbortSignal,
  ): AsyncGenerator<ListedSession> {
    yield* this.#subjects.list(await this.#clients.connect(c, signal), subject, page);
  }

  /**
   * Returns the current generation of a subject's sessions.
   *
   * @param subject The subject.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The generation; 0 when none is stored.
   * @throws {TypeError} When no client was found.
   */
  async generation(subject: string, c?: unknown, signal?: AbortSignal): Promise<number> {
    return await this.#subjects.generation(await this.#clients.connect(c, signal), subject);
  }

  /**
   * Ends all sessions of a subject, including logins in flight.
   *
   * @param subject The subject.
   * @param options The session that is not ended.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The number of sessions that were ended.
   * @throws {TypeError} When no client was found.
   */
  async deleteAll(
    subject: string,
    options: DeleteAllOptions,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<number> {
    return await this.#subjects.endAll(await this.#clients.connect(c, signal), subject, options);
  }

  /**
   * Calls a function with the key of each session that is ended or moved from now on, by any process. All watchers of
   * the store share one subscription, over a connection of its own that is closed when the last one stops. A pool of
   * node-redis has no subscriptions, so nothing is reported.
   *
   * @param onEnd Receives the key and the reason.
   * @param c The Hono context.
   * @returns A function that stops the notifications.
   * @throws {TypeError} When no client was found.
   */
  async watch(onEnd: OnSessionEnd, c?: unknown): Promise<() => Promise<void>> {
    return await this.#watchers.add(onEnd, subscriberOf(await this.#clients.find(c)));
  }

  /** Returns the write of a record over the previous one. */
  #toWrite({ key, record }: Placed, previous?: SessionRecord): Write {
    const change = changeOf({ key, record }, previous && { key, record: previous });
    const { keys, args } = this.#toArguments([key], record, `${previous?.version ?? ""}`);
    return { script: WRITE, change, keys, args };
  }

  /** Returns the arguments of a script that writes over a previous version. */
  #toArguments(keys: string[], record: SessionRecord, version: string): ScriptArguments {
    const write = makeWriteId();
    return {
      keys: keys.map((key) => this.#key(key)),
      args: [`${this.#clock()}`, version, write, toValue(record, write), this.#timeToLive(record)],
    };
  }

  #key(key: string): string {
    return this.#prefix + key;
  }

  /** Returns the time to live of a record, in whole milliseconds. */
  #timeToLive({ expiresAt }: SessionTimes): string {
    return String(Math.max(Math.ceil(expiresAt - this.#clock()), 1));
  }
}
