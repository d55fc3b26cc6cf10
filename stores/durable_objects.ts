/**
 * Sessions in Cloudflare Durable Objects: strongly consistent on Workers.
 *
 * @example On Cloudflare Workers
 * ```ts
 * import { session } from "@x/hono-session/core";
 * import { type DurableObjectNamespaceLike, DurableObjectStore } from "@x/hono-session/stores/durable-objects";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * // In your Worker. In wrangler.toml: the binding SESSIONS, and a migration with new_sqlite_classes = ["SessionObject"].
 * // export { SessionObject } from "@x/hono-session/stores/durable-objects";
 * const app = new Hono<{ Bindings: { SESSIONS: DurableObjectNamespaceLike } }>()
 *   .use(session<{ name?: string }>({
 *     store: new DurableObjectStore({ namespace: (c) => c.env.SESSIONS }),
 *   }))
 *   .post("/login", async (c) => {
 *     await c.var.session.regenerate();
 *     c.var.session.name = "Ada";
 *     return c.redirect("/");
 *   })
 *   .get("/", (c) => c.text(`Hello ${c.var.session.name ?? "stranger"}`));
 * // export default app;
 *
 * // A request without a session makes no request to an object.
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
import { makeWriteId } from "../src/store/write_id.ts";
import { systemClock } from "../src/util/clock.ts";
import type {
  DurableObjectNamespaceLike,
  DurableObjectSocketLike,
  DurableObjectStateLike,
  DurableObjectStorageLike,
  DurableObjectStubLike,
} from "./durable_objects/like.ts";
import { connect, type Connection, type Place } from "./durable_objects/connection.ts";
import { checkOptions, type DurableObjectStoreOptions } from "./durable_objects/options.ts";
import { SessionObject, type SessionObjectOptions } from "./durable_objects/session_object.ts";
import { checkSize, MAX_BYTES } from "./durable_objects/size.ts";
import { endSessions, listSessions } from "./durable_objects/subjects.ts";
import { watchRecord } from "./durable_objects/watch.ts";
import { move, strike, writeListed } from "./durable_objects/writes.ts";

export {
  type DurableObjectNamespaceLike,
  type DurableObjectSocketLike,
  type DurableObjectStateLike,
  type DurableObjectStorageLike,
  type DurableObjectStoreOptions,
  type DurableObjectStubLike,
  SessionObject,
  type SessionObjectOptions,
};

/**
 * Keeps sessions in Durable Objects of the class {@linkcode SessionObject}. Every guarantee of the store contract holds,
 * in every location.
 *
 * A hash of the key selects one of `shards` objects for a record, so that a read is one request. A hash of the subject
 * selects the object of its list and its generation. The list holds only keys: the records decide what is listed.
 *
 * - A login writes the entry first, in one step with the check of the generation. A logout removes the entry last. A crash
 *   in between leaves an entry without a session.
 * - `deleteAll` starts the next generation and reads the entries of older ones in one step, then ends each session in the
 *   object of its record. An object that doesn't have the record yet rejects it for a day. So a login in flight is either
 *   listed, and rejected when its record arrives, or rejected by the generation.
 * - `regenerate()` ends the old record first. A session with a subject stays listed until the new record is stored,
 *   so that it can be ended for good in the meantime. A rotated token is stored first, because the old one leads to it. A crash
 *   in between ends the session.
 *
 * A request that the runtime marks as retryable, because the object is moved or updated, is repeated once. Each write has
 * an identifier, by which the object recognizes a repeated one.
 *
 * @example Usage
 * ```ts
 * import { DurableObjectStore } from "@x/hono-session/stores/durable-objects";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new DurableObjectStore({ namespace: (c) => c.env.SESSIONS });
 * assertEquals(store.capabilities.consistency, "strong");
 * ```
 */
export class DurableObjectStore implements SessionStore {
  /** Atomic, with an index, and strongly consistent. */
  readonly capabilities: StoreCapabilities = {
    atomic: true,
    index: true,
    ordered: true,
    consistency: "strong",
    maxBytes: MAX_BYTES,
    abortable: true,
    watch: "record",
  };
  readonly #place: Place;

  /**
   * Creates the store. It does not access an object yet.
   *
   * @param options The namespace, and other options.
   * @throws {TypeError} When an option is unknown or of the wrong kind, or `namespace` is neither a namespace nor a
   * function.
   * @throws {RangeError} When `shards` is not an integer from 1 to 10,000, or `prefix` is too long.
   */
  constructor(options: DurableObjectStoreOptions) {
    checkOptions(options);
    const { namespace, prefix = "session", shards = 32, clock = systemClock } = options;
    this.#place = { namespace, prefix, shards, clock };
  }

  /**
   * Reads the record under a key, in one request.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The record, or `undefined` when there is none or it has expired.
   * @throws {TypeError} When no namespace was found.
   */
  async read(key: string, c?: unknown, signal?: AbortSignal): Promise<SessionRecord | undefined> {
    const connection = await this.#connect(c, signal);
    return await connection.ask(key, { operation: "read", key }) ?? undefined;
  }

  /**
   * Stores a record under a new key.
   *
   * @param key The key.
   * @param record The record.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 1,990,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no namespace was found.
   */
  async create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    checkSize(record);
    const connection = await this.#connect(c, signal);
    const call = { operation: "write", key, record, write: makeWriteId() } as const;
    return await writeListed(connection, {
      next: { key, record },
      run: () => connection.ask(key, call),
    });
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
   * @throws {SessionTooLargeError} When it is larger than 1,990,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no namespace was found.
   */
  async update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    checkSize(record);
    const connection = await this.#connect(c, signal);
    const { version } = previous;
    const call = { operation: "write", key, record, version, write: makeWriteId() } as const;
    return await writeListed(connection, {
      next: { key, record },
      previous: { key, record: previous },
      run: () => connection.ask(key, call),
    });
  }

  /**
   * Moves a session to another key, in several steps: another object may hold the new key.
   *
   * @param key The previous key.
   * @param next The new key and its record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was moved.
   * @throws {SessionTooLargeError} When it is larger than 1,990,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no namespace was found.
   */
  async replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    checkSize(next.record);
    const connection = await this.#connect(c, signal);
    return await writeListed(connection, {
      next,
      previous: { key, record: previous },
      run: () => move(connection, { key, next, previous }),
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
   * @throws {TypeError} When no namespace was found.
   */
  async touch(
    key: string,
    { lastSeenAt, renewedAt, expiresAt }: SessionTimes,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const connection = await this.#connect(c, signal);
    const times = { lastSeenAt, renewedAt, expiresAt };
    const { version } = previous;
    return await writeListed(connection, {
      next: { key, record: { ...previous, ...times } },
      previous: { key, record: previous },
      run: () => connection.ask(key, { operation: "touch", key, version, times }),
    });
  }

  /**
   * Deletes a record, then its entry in the list of its subject.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @param reason The reason, for `watch`.
   * @throws {TypeError} When no namespace was found.
   */
  async delete(
    key: string,
    c?: unknown,
    signal?: AbortSignal,
    reason?: SessionEndReason,
  ): Promise<void> {
    const connection = await this.#connect(c, signal);
    const call = { operation: "delete", key, ...(reason && { reason }) } as const;
    const entry = await connection.ask(key, call);
    if (entry) await strike(connection, entry);
  }

  /**
   * Lists the live sessions of a subject, without their data. It reads all entries of the list, but only the requested
   * records.
   *
   * @param subject The subject.
   * @param page The part of the list.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @throws {TypeError} When no namespace was found.
   */
  async *list(
    subject: string,
    page: ListPage = {},
    c?: unknown,
    signal?: AbortSignal,
  ): AsyncGenerator<ListedSession> {
    yield* listSessions(await this.#connect(c, signal), { subject, page });
  }

  /**
   * Returns the current generation of a subject's sessions.
   *
   * @param subject The subject.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The generation; 0 when none is stored.
   * @throws {TypeError} When no namespace was found.
   */
  async generation(subject: string, c?: unknown, signal?: AbortSignal): Promise<number> {
    const connection = await this.#connect(c, signal);
    return await connection.ask(subject, { operation: "generation", subject });
  }

  /**
   * Ends all sessions of a subject, including logins in flight.
   *
   * @param subject The subject.
   * @param options The session that is not ended.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The number of sessions that were ended.
   * @throws {TypeError} When no namespace was found.
   */
  async deleteAll(
    subject: string,
    options: DeleteAllOptions,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<number> {
    return await endSessions(await this.#connect(c, signal), { ...options, subject });
  }

  /**
   * Calls a function when a record is deleted or moved, over a WebSocket to its object. The object hibernates in the
   * meantime. When the WebSocket is lost, another one is opened.
   *
   * @param onEnd Receives the key and the reason.
   * @param c The Hono context.
   * @param key The key.
   * @returns A function that stops the notifications.
   * @throws {TypeError} When no namespace was found.
   */
  async watch(onEnd: OnSessionEnd, c: unknown, key: string): Promise<() => void> {
    return await watchRecord(await this.#connect(c, undefined), key, onEnd);
  }

  #connect(c: unknown, signal: AbortSignal | undefined): Promise<Connection> {
    return connect(this.#place, { c, signal });
  }
}
