import type { SessionEndReason } from "../record/end_reason.ts";
import type { SessionRecord, SessionTimes } from "../record/record.ts";
import type { Awaitable } from "../util/awaitable.ts";

/**
 * The guarantees of a store. Stores declare them; they are never guessed.
 *
 * @example Usage
 * ```ts
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(new MapStore().capabilities.atomic, true);
 * ```
 */
export interface StoreCapabilities {
  /**
   * `create`, `update`, `replace` and `touch` check and write in one step, so that of two concurrent requests
   * one learns that it was too late.
   */
  readonly atomic: boolean;
  /** The sessions of a subject can be listed and ended: the store has `list`, `generation` and `deleteAll`. */
  readonly index: boolean;
  /** `"strong"`: a read sees every write that was acknowledged before the read started. */
  readonly consistency: "strong" | "eventual";
  /**
   * The client holds the record itself, sealed in its token. Such a store receives the token instead of the
   * key, and returns the token to send from every write.
   *
   * @default {false}
   */
  readonly stateless?: boolean;
  /**
   * The largest number of cookies over which the token of a stateless store is split.
   *
   * @default {1}
   */
  readonly chunks?: number;
  /**
   * The store may drop records before they expire, such as the oldest when it is full. This may end a session
   * early; a mark that records the end of a session must never be dropped.
   *
   * @default {false}
   */
  readonly evicts?: boolean;
  /**
   * `list` returns the sessions from the requested position on, most recently bound to the subject first. From any other
   * store all sessions are read and sorted.
   *
   * @default {false}
   */
  readonly ordered?: boolean;
  /** The size of the largest record, in bytes of its JSON. */
  readonly maxBytes?: number;
  /** The shortest time to live that the backend accepts, in seconds. */
  readonly minTtl?: number;
  /**
   * Operations can be aborted: they receive an `AbortSignal` after the Hono context, and an operation that is
   * aborted before it was sent is never carried out.
   *
   * @default {false}
   */
  readonly abortable?: boolean;
  /**
   * `watch` notifies processes of records that any process deletes or moves. `"record"`: each call of `watch` receives
   * the key of one record and notifies only of this record, within the request of its context.
   *
   * @default {false}
   */
  readonly watch?: boolean | "record";
  /**
   * The store can count its sessions: it has `stats`.
   *
   * @default {false}
   */
  readonly stats?: boolean;
}

/**
 * The numbers of a store.
 *
 * @example Usage
 * ```ts
 * import type { StoreStats } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const stats: StoreStats = new MapStore().stats();
 * assertEquals(stats, { sessions: 0, subjects: 0 });
 * ```
 */
export interface StoreStats {
  /** The number of live sessions that belong to a subject. */
  readonly sessions: number;
  /** The number of their subjects. */
  readonly subjects: number;
}

/**
 * The result of a write: `true` when it was done, `false` when it was refused. A stateless store returns the
 * token that now holds the record instead of `true`.
 *
 * @example Usage
 * ```ts
 * import type { StoreWrite } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const refused: StoreWrite = false;
 * assertEquals(refused, false);
 * ```
 */
export type StoreWrite = boolean | string;

/**
 * Receives notifications of a store: the key of a record that was deleted or moved, and the reason if it is known.
 *
 * @example Usage
 * ```ts
 * import type { OnSessionEnd } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const ends: unknown[] = [];
 * const onEnd: OnSessionEnd = (key, reason) => ends.push([key, reason]);
 * const store = new MapStore();
 * const stop = store.watch(onEnd);
 * store.delete("key", undefined, undefined, "logout");
 * assertEquals(ends, [["key", "logout"]]);
 * stop();
 * ```
 */
export type OnSessionEnd = (key: string, reason?: SessionEndReason) => unknown;

/**
 * The new key of a session, and the record to store under it.
 *
 * @example Usage
 * ```ts
 * import type { StoreReplacement } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const record = {
 *   format: 1,
 *   sid: "pXo9tUjcNKQGL1lXUmT0Nw",
 *   version: 1,
 *   data: "{}",
 *   createdAt: Date.now(),
 *   lastSeenAt: Date.now(),
 *   renewedAt: Date.now(),
 *   expiresAt: Date.now() + 60_000,
 * } as const;
 * const store = new MapStore();
 * await store.create("old", record);
 * const next: StoreReplacement = { key: "new", record: { ...record, version: 2 } };
 * assertEquals(await store.replace("old", next, record), true);
 * assertEquals(await store.read("old"), undefined);
 * ```
 */
export interface StoreReplacement {
  /** The key of the next record. */
  readonly key: string;
  /** The next record. */
  readonly record: SessionRecord;
  /**
   * The record that stays under the previous key, written in the same step: a record with a `trace`, whose
   * version is the previous version plus 1. When absent, the previous key is deleted.
   */
  readonly left?: SessionRecord;
}

/**
 * A session in the list of its subject.
 *
 * @example Usage
 * ```ts
 * import type { ListedSession } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new MapStore();
 * await store.create("A".repeat(43), {
 *   format: 1,
 *   sid: "pXo9tUjcNKQGL1lXUmT0Nw",
 *   version: 1,
 *   data: "{}",
 *   subject: "user:42",
 *   subjectAt: Date.now(),
 *   createdAt: Date.now(),
 *   lastSeenAt: Date.now(),
 *   renewedAt: Date.now(),
 *   expiresAt: Date.now() + 60_000,
 * });
 * const listed: ListedSession[] = [];
 * for await (const session of store.list("user:42")) listed.push(session);
 * assertEquals(listed.map(({ record }) => record.sid), ["pXo9tUjcNKQGL1lXUmT0Nw"]);
 * ```
 */
export interface ListedSession {
  /** The key, for `delete`. Never show it to a client. */
  readonly key: string;
  /** Its record, with or without the data. */
  readonly record: Omit<SessionRecord, "data" | "flash">;
}

/**
 * A position in the list of a subject's sessions. The list is sorted by `subjectAt` and then by `sid`, both
 * descending.
 *
 * @example Usage
 * ```ts
 * import type { ListPlace } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const place: ListPlace = { subjectAt: 1000, sid: "pXo9tUjcNKQGL1lXUmT0Nw" };
 * assertEquals(place.subjectAt, 1000);
 * ```
 */
export interface ListPlace {
  /** When the session was bound to the subject, in epoch milliseconds; 0 when unknown. */
  readonly subjectAt: number;
  /** The public identifier of the session. */
  readonly sid: string;
}

/**
 * A part of the list of a subject's sessions.
 *
 * @example The newest one
 * ```ts
 * import type { ListPage } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const page: ListPage = { limit: 1 };
 * assertEquals(await Array.fromAsync(new MapStore().list("user:42", page)), []);
 * ```
 */
export interface ListPage {
  /**
   * The position before the first session of the page.
   *
   * @default {the start}
   */
  readonly after?: ListPlace;
  /**
   * The number of sessions per read. A store reads at most that many at a time, and continues as long as the
   * iteration does.
   *
   * @default {Infinity}
   */
  readonly limit?: number;
}

/**
 * Options of `deleteAll`.
 *
 * @example Usage
 * ```ts
 * import type { DeleteAllOptions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const options: DeleteAllOptions = { except: "pXo9tUjcNKQGL1lXUmT0Nw" };
 * assertEquals(await new MapStore().deleteAll("user:42", options), 0);
 * ```
 */
export interface DeleteAllOptions {
  /** The `sid` of a session that is not ended. */
  readonly except?: string;
}

/**
 * A store of sessions. This page is its specification; `storeConformance` of `@x/hono-session/testing` checks
 * it.
 *
 * Rules for all members:
 *
 * - A key is an opaque text of 43 characters, the hash of a token. It contains nothing of the session.
 * - **No upsert.** Creating, updating and touching are three operations. Only `create` and `replace` create a
 *   record, and never over an existing one (CVE-2025-46336).
 * - **Expiry comes from the record.** From `expiresAt` on, a record does not exist for any member, even if
 *   the backend still returns it: every backend expires entries late. The time to live of the backend is
 *   set as well, to reclaim the space.
 * - **A rejected promise means that the backend failed**, never that something was not found.
 * - A record that is larger than the store can hold is rejected with a `SessionTooLargeError` before the write.
 *   Everything in the record counts. A record whose JSON has exactly `maxBytes` is stored.
 * - Records are passed in and out as private copies.
 * - **A store with an index lists every live session of a subject**, and nothing else. An entry is written in
 *   the same step as its record, or before it where the backend has no such step: after a crash, no live
 *   session is missing from the list. Entries have their own time to live and are pruned when they are listed.
 * - **Ended sessions stay ended, later logins succeed.** Each `deleteAll` starts a new generation of the
 *   subject's sessions. From then on, a record of the subject with an older `generation` (0 when absent) can't
 *   be stored by `create`, by `replace`, or by an `update` that binds it to the subject: these fail with a
 *   `SessionEndedError`. The record of the excepted `sid` can be stored, unless an earlier `deleteAll` has
 *   ended it. No clock decides: the clocks of two servers may differ by a minute.
 * - Methods return values or promises; callers await both.
 * - `c` is the Hono context of the request, or `undefined` outside of one.
 * - `signal` is passed to stores that are `abortable`. It is aborted when the caller no longer waits for the
 *   result: operations that were not sent by then must not be sent later.
 *
 * @example Wrapping a store to count its calls
 * ```ts
 * import { session, type SessionStore } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const map = new MapStore();
 * let reads = 0;
 * const store: SessionStore = {
 *   capabilities: map.capabilities,
 *   read(key) {
 *     reads++;
 *     return map.read(key);
 *   },
 *   create: (key, record) => map.create(key, record),
 *   update: (key, record, previous) => map.update(key, record, previous),
 *   replace: (key, next, previous) => map.replace(key, next, previous),
 *   touch: (key, times, previous) => map.touch(key, times, previous),
 *   delete: (key) => map.delete(key),
 * };
 * const app = new Hono().use(session({ store })).get("/", (c) => c.text("hello"));
 * await app.request("/");
 * assertEquals(reads, 0);
 * ```
 */
export interface SessionStore {
  /** The guarantees of this store. */
  readonly capabilities: StoreCapabilities;

  /**
   * Reads the record under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns A private copy, or a frozen record that several calls may share, so that it is parsed only once.
   * `undefined` when there is no record or it has expired. For a token whose session continues under another
   * token, a stateless store that knows it returns a record with the trace `replaced` and without the data.
   */
  read(key: string, c?: unknown, signal?: AbortSignal): Awaitable<SessionRecord | undefined>;

  /**
   * Stores a record under a new key.
   *
   * @param key The key.
   * @param record The record.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns `false`, and nothing was written, when the key already holds a record. Keys are random: an
   * eventually consistent store may write without a check.
   */
  create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<StoreWrite>;

  /**
   * Replaces the record that was read.
   *
   * @param key The key.
   * @param record The new record; its version is the previous version plus 1.
   * @param previous The record that was read or last written. A touch in between does not make it outdated.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns `false`, and nothing was written, when the record is gone or has another version.
   */
  update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<StoreWrite>;

  /**
   * Moves a session to another key, with a new record, in one step: the new key identifies the session from the
   * moment at which the old key no longer does. The old key then holds `next.left`.
   *
   * A backend without such a step writes the old key first, so that a crash in between ends the session instead
   * of leaving two. When `next.left` has a `successor`, it writes the new key first, so that the successor
   * exists when it is looked up.
   *
   * @param key The previous key.
   * @param next The new key, which the store does not hold yet, and its record.
   * @param previous The record that was read or last written.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns `false`, and nothing was written, when the record is gone or has another version.
   */
  replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<StoreWrite>;

  /**
   * Changes the times of the record that was read and nothing else, not even its version, so that it can't undo
   * the write of another request.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read or last written.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns `false`, and nothing was written, when the record is gone or has another version.
   */
  touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<StoreWrite>;

  /**
   * Deletes a record. An unknown key is not an error.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @param reason The reason for which a session ends, for `watch`.
   */
  delete(
    key: string,
    c?: unknown,
    signal?: AbortSignal,
    reason?: SessionEndReason,
  ): Awaitable<void>;

  /**
   * Lists the live sessions of a subject, in any order unless `capabilities.ordered` is `true`. Required where
   * `capabilities.index` is `true`.
   *
   * @param subject The subject.
   * @param page The part of the list. A store that is not ordered may return all sessions.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   */
  list?(
    subject: string,
    page?: ListPage,
    c?: unknown,
    signal?: AbortSignal,
  ): AsyncIterable<ListedSession>;

  /**
   * Returns the current generation of a subject's sessions, which a login that starts now stores in its record.
   * Required together with `deleteAll`.
   *
   * Each `deleteAll` raises it to the current time in whole epoch milliseconds, or by 1 if that is larger. The
   * store may therefore forget it after a day, when no login that has read an older generation can still be in flight.
   * It is then 0 again.
   *
   * @param subject The subject.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   */
  generation?(subject: string, c?: unknown, signal?: AbortSignal): Awaitable<number>;

  /**
   * Starts a new generation of a subject's sessions, and ends the sessions of older generations, including
   * logins in flight (ASVS 5.0, 7.4.3). Required where `capabilities.index` is `true`.
   *
   * @param subject The subject.
   * @param options The session that is not ended.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The number of sessions that were ended.
   */
  deleteAll?(
    subject: string,
    options: DeleteAllOptions,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<number>;

  /**
   * Counts the live sessions that belong to a subject. Required if `capabilities.stats` is `true`.
   *
   * @param c The Hono context.
   * @param signal Aborts the operation.
   */
  stats?(c?: unknown, signal?: AbortSignal): Awaitable<StoreStats>;

  /**
   * Checks whether a record must be written again although nothing in it changed, such as a record that was
   * sealed with an older secret.
   *
   * @param record The same object that `read` returned.
   */
  outdated?(record: SessionRecord): boolean;

  /**
   * Calls a function with the key of each record that `delete`, `deleteAll` or `replace` removes from now on, in this
   * process or another. Required if `capabilities.watch` is declared.
   *
   * A notification is a hint: the record is read before a session counts as ended, and read again at intervals,
   * because notifications may get lost. A key may be reported more than once.
   *
   * @param onEnd Receives the key, and the reason if it is known: that of `delete`, or `"revoked"` from `deleteAll`.
   * @param c The Hono context.
   * @param key The record to watch. Passed if `capabilities.watch` is `"record"`.
   * @returns A function that stops the notifications and releases what they require.
   */
  watch?(onEnd: OnSessionEnd, c?: unknown, key?: string): Awaitable<() => Awaitable<void>>;

  /**
   * Returns the store for a cookie name, for stores whose tokens are bound to the name.
   *
   * @param cookieName The name, with its prefix.
   */
  forCookie?(cookieName: string): SessionStore;
}

/**
 * The simplest kind of store: an object with the methods of a `Map`. The middleware adapts it to a
 * {@linkcode SessionStore}.
 *
 * A plain `Map` gives every guarantee while its one process runs. An asynchronous one can't check and write in
 * one step: of two concurrent requests one may lose its change, and a slow request may revive a session that
 * was ended. Records are removed only by `delete`, not when they expire.
 *
 * @example A plain Map
 * ```ts
 * import { session } from "@x/hono-session";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new Map();
 * const app = new Hono().use(session<{ name?: string }>({ store })).get("/", (c) => {
 *   c.var.session.name = "Ada";
 *   return c.text("hello");
 * });
 * await app.request("/");
 * assertEquals(store.size, 1);
 * ```
 */
export interface KeyValueStore {
  /**
   * Returns the record under a key, or any other value when there is none.
   *
   * @param key The key.
   * @param c The Hono context.
   */
  get(key: string, c?: unknown): unknown;

  /**
   * Stores a record under a key. It is a flat, JSON-safe object; `expiresAt` is its expiry in epoch
   * milliseconds.
   *
   * @param key The key.
   * @param record The record.
   * @param c The Hono context.
   */
  set(key: string, record: SessionRecord, c?: unknown): unknown;

  /**
   * Deletes the record under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Never passed. It gives this method the signature of {@linkcode SessionStore}'s `delete`, so
   * that TypeScript can infer the parameters in either case.
   * @param reason Never passed, like `signal`.
   */
  delete(key: string, c?: unknown, signal?: AbortSignal, reason?: SessionEndReason): unknown;
}
