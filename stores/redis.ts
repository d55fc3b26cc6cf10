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

import type { SessionRecord, SessionTimes } from "../src/record/record.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
} from "../src/store/contract.ts";
import { isPromiseLike } from "../src/util/awaitable.ts";
import { type Clock, systemClock } from "../src/util/clock.ts";
import { Clients } from "./redis/clients.ts";
import type { Connection, ScriptArguments } from "./redis/connection.ts";
import { changeOf, toEntry } from "./redis/entry.ts";
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
import { DELETE, REPLACE, TOUCH, WRITE } from "./redis/scripts.ts";
import { Subjects } from "./redis/subjects.ts";
import { fromStored, makeWrite, toEnd, toRest, toValue } from "./redis/value.ts";

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

/**
 * Keeps sessions in Redis. Every promise of the store contract holds as long as one primary answers; what it
 * answered to may be lost with it, because Redis replicates afterwards.
 *
 * A record is one text under `prefix` and its key, with the time to live that it has: what there is beside the data takes some
 * fifty bytes. Each operation is one
 * round trip; a write is a script that looks and writes in one step. The sessions of a subject are a sorted set of
 * their keys, which the same script writes; the deletion of such a session takes a second round trip. Redis must not
 * evict keys to make room (`maxmemory-policy noeviction`): a session might live on without its entry.
 *
 * In a cluster, records and sets lie on different nodes. `regenerate()` takes two steps, so that a crash in between
 * ends the session, which its subject's list may then show for another minute. What binds a session to a subject, or
 * renews one that is bound, writes the entry first. When the record is there, what binds looks again whether the
 * sessions of the subject were ended meanwhile. A crash before that can leave a session that was to be ended; it is
 * listed, and the next `deleteAll` ends it.
 *
 * When the connection is dropped, or the primary has become a replica, an operation is tried once more. Each write carries a name of its own, by which it
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
  /** Atomic, with an index, and strongly consistent on one primary. */
  readonly capabilities: StoreCapabilities = {
    atomic: true,
    index: true,
    ordered: true,
    consistency: "strong",
    abortable: true,
  };
  readonly #clients: Clients;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #subjects: Subjects;

  /**
   * Connects to nothing.
   *
   * @param options Which client.
   * @throws {TypeError} When an option is unknown or of the wrong kind, or `client` is neither a connected client of a
   * known kind nor a function.
   */
  constructor(options: RedisStoreOptions) {
    checkOptions(options);
    const { client, prefix = "session:", clock = systemClock } = options;
    this.#clients = new Clients(client);
    this.#prefix = prefix;
    this.#clock = clock;
    this.#subjects = new Subjects({ prefix, clock });
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
    const found = this.#clients.connect(c, signal);
    const connection = isPromiseLike(found) ? await found : found;
    const record = fromStored(await connection.send(["GET", this.#key(key)]));
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
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   * @throws {TypeError} When no client is found.
   */
  async create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const given = this.#toArguments([key], record, "");
    const change = changeOf({ key, record });
    return await this.#subjects.write(await this.#clients.connect(c, signal), {
      script: WRITE,
      change,
      ...given,
    });
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
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   * @throws {TypeError} When no client is found.
   */
  async update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const given = this.#toArguments([key], record, `${previous.version}`);
    const change = changeOf({ key, record }, { key, record: previous });
    return await this.#subjects.write(await this.#clients.connect(c, signal), {
      script: WRITE,
      change,
      ...given,
    });
  }

  /**
   * Moves a session to another key: in one step, but in a cluster in several.
   *
   * @param key The key until now.
   * @param next The key from now on and its record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns Whether it was moved.
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   * @throws {TypeError} When no client is found.
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
    const inSteps = () =>
      moveInSteps(connection, {
        keys,
        args,
        left,
        next,
        previous,
        undo: () => this.#delete(next.key, connection.finishing()),
      });
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
    const record = { ...previous, ...times };
    const change = changeOf({ key, record }, { key, record: previous });
    const connection = await this.#clients.connect(c, signal);
    const keys = [this.#key(key)];
    const version = `${previous.version}`;
    const head = [toEnd(record), toRest(record)];
    const args = [this.#now(), version, ...head, this.#timeToLive(times)];
    if (await this.#subjects.write(connection, { script: TOUCH, keys, args, change })) return true;
    // Only what version 0.1 has written is there still in this version.
    const whole = this.#toArguments([key], record, version);
    return await this.#subjects.write(connection, { script: WRITE, change, ...whole });
  }

  /**
   * Deletes a record, then its entry in the list of its subject.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @throws {TypeError} When no client is found.
   */
  async delete(key: string, c?: unknown, signal?: AbortSignal): Promise<void> {
    await this.#delete(key, await this.#clients.connect(c, signal));
  }

  async #delete(key: string, connection: Connection): Promise<void> {
    const owner = await connection.run(DELETE, { keys: [this.#key(key)], args: [this.#now()] });
    const text = String(owner ?? "");
    const entry = text === "" ? undefined : toEntry(key, fromOwner(text));
    if (entry) await this.#subjects.remove(connection, entry);
  }

  /**
   * The live sessions of a subject. All entries of its list are read, and no more records than are wanted. Those that had ended when it
   * was asked are taken off its list.
   *
   * @param subject The subject.
   * @param page Which part of them.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @throws {TypeError} When no client is found.
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
   * The present generation of a subject's sessions.
   *
   * @param subject The subject.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The generation, 0 where none is remembered.
   * @throws {TypeError} When no client is found.
   */
  async generation(subject: string, c?: unknown, signal?: AbortSignal): Promise<number> {
    return await this.#subjects.generation(await this.#clients.connect(c, signal), subject);
  }

  /**
   * Ends all sessions of a subject, and refuses those that are on their way.
   *
   * @param subject The subject.
   * @param options Which one stays.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns How many were ended.
   * @throws {TypeError} When no client is found.
   */
  async deleteAll(
    subject: string,
    options: DeleteAllOptions,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<number> {
    return await this.#subjects.endAll(await this.#clients.connect(c, signal), subject, options);
  }

  /** What a script is given to write a record over a previous version. */
  #toArguments(keys: string[], record: SessionRecord, version: string): ScriptArguments {
    const write = makeWrite();
    return {
      keys: keys.map((key) => this.#key(key)),
      args: [this.#now(), version, write, toValue(record, write), this.#timeToLive(record)],
    };
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
