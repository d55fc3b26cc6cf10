import type { SessionRecord, SessionTimes } from "../record/record.ts";
import type { Awaitable } from "../util/awaitable.ts";

/**
 * What a store can promise. Declared, never guessed.
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
   * Whether `create`, `update`, `replace` and `touch` look and write in one step, so that of two
   * requests at the same time one is told that it was too late.
   */
  readonly atomic: boolean;
  /** Whether the sessions of one subject can be listed and ended: the store has `list`, `generation` and `deleteAll`. */
  readonly index: boolean;
  /** Whether a read sees every write that was answered before it began. */
  readonly consistency: "strong" | "eventual";
  /**
   * Whether the client holds the record itself, sealed in its token. Such a store gets the token
   * where others get the key, and answers every write with the token to send.
   *
   * @default {false}
   */
  readonly stateless?: boolean;
  /**
   * Over how many cookies the token of a stateless store may be split.
   *
   * @default {1}
   */
  readonly chunks?: number;
  /**
   * Whether records are dropped before they expire, as the oldest are when the store is full. A session may end early by
   * it; a mark that says that one has ended may not.
   *
   * @default {false}
   */
  readonly evicts?: boolean;
  /**
   * Whether `list` gives the sessions in their order, those that became the subject's last first, and keeps to the page that
   * it is told. Of any other store all are read to be sorted.
   *
   * @default {false}
   */
  readonly ordered?: boolean;
  /** The largest record, in bytes of its JSON. */
  readonly maxBytes?: number;
  /** The shortest time to live that the backend takes, in seconds. */
  readonly minTtl?: number;
  /**
   * Whether the operations can be called off: they then get an `AbortSignal` after the Hono context, and one
   * that is called off before it was sent is never done. It is for stores that talk over a connection: what keeps the
   * process alive while an operation is under way is the connection, not the time that the operation has.
   *
   * @default {false}
   */
  readonly abortable?: boolean;
}

/**
 * The answer to a write: `true` when it was done, `false` when it was refused, or, from a stateless
 * store, the token that now holds the record.
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
 * The next home of a session: another key, and the record to put there.
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
   * What is left under the key until now, in the same step: a record with a `trace`, whose version is the previous
   * one's plus 1. Nothing is left when it is absent.
   */
  readonly left?: SessionRecord;
}

/**
 * A session as a store lists it among those of its subject.
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
  /** The key that `delete` takes. It is not for anybody else's eyes. */
  readonly key: string;
  /** What the store holds of it, with or without its data. */
  readonly record: Omit<SessionRecord, "data" | "flash">;
}

/**
 * A place in the list of a subject's sessions, which is in the order of `subjectAt` and then of `sid`, the largest first.
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
  /** Since when the session is the subject's, in epoch milliseconds; 0 where its record doesn't say. */
  readonly subjectAt: number;
  /** Its public handle. */
  readonly sid: string;
}

/**
 * Which part of a subject's sessions is listed.
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
   * The place before the first one.
   *
   * @default {the start}
   */
  readonly after?: ListPlace;
  /**
   * How many are wanted. A store reads no more than that at a time, but goes on as long as it is asked.
   *
   * @default {Infinity}
   */
  readonly limit?: number;
}

/**
 * Which sessions of a subject are ended.
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
  /** The `sid` of a session that stays. */
  readonly except?: string;
}

/**
 * Where sessions are kept. This page is the specification; `storeConformance` of
 * `@x/hono-session/testing` checks it.
 *
 * Rules for all members:
 *
 * - A key is an opaque text of 43 characters, the hash of a token, and says nothing of the session.
 * - **No upsert.** Creating, updating and touching are three operations. Only `create` and `replace`
 *   bring a record into being, and never over another one (CVE-2025-46336).
 * - **Expiry is the record's.** From `expiresAt` on a record does not exist for any member, whatever
 *   the backend's own time to live, which is late everywhere, still shows. The backend's is set as
 *   well, so that it reclaims the space.
 * - **A rejection means that the backend failed**, never that something was not found.
 * - A record that is larger than the store can hold is a `SessionTooLargeError`, before the write. All that it holds
 *   counts. One whose JSON has `maxBytes` is stored.
 * - Records come and go as private copies.
 * - **A store with an index lists every live session of a subject**, and nothing else. An entry is written in the same
 *   step as its record, or before it where the backend has no such step, so that a crash leaves nothing alive that
 *   the list doesn't show. Entries have a time to live of their own and are pruned when they are listed.
 * - **Who was ended stays ended, who comes later is let in.** Each `deleteAll` begins a new generation of the subject's
 *   sessions. From then on a record of the subject whose `generation`, 0 when absent, is older can't come into being, by
 *   `create`, by `replace` or by an `update` over a record of another subject or none: the answer is a
 *   `SessionEndedError`. A record of the `sid` that was excepted can, unless an earlier `deleteAll` has ended it. No clock
 *   decides: those of two servers may be a minute apart.
 * - Answers may be values or promises; whoever calls awaits both.
 * - `c` is the Hono context of the request, or `undefined` outside of one.
 * - `signal` comes to stores that declare themselves `abortable`. It fires when nobody waits for the answer any
 *   more: what was not sent by then is not to be sent later.
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
  /** What this store can promise. */
  readonly capabilities: StoreCapabilities;

  /**
   * The record under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns A private copy, or a record that is frozen, where the same one is handed out again and again: it is parsed
   * once. `undefined` when there is none or it has expired. A stateless store that knows of a token whose session goes on
   * under another one answers with a record that has the trace `replaced`, and none of its data.
   */
  read(key: string, c?: unknown, signal?: AbortSignal): Awaitable<SessionRecord | undefined>;

  /**
   * Stores a record under a key that holds none.
   *
   * @param key The key.
   * @param record The record.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns `false`, and nothing was written, when the key holds a record. Keys are random: a store that is eventually
   * consistent may write without a look.
   */
  create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<StoreWrite>;

  /**
   * Stores a record in place of the one that was read.
   *
   * @param key The key.
   * @param record The record; its version is the previous one's plus 1.
   * @param previous The record that was read or last written. A touch in between does not make it old.
   * @param c The Hono context.
   * @param signal Calls the operation off.
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
   * Moves a session to another key, with a new record, in one step: the old key identifies no session exactly when
   * the new one does, and holds what `next.left` says. A backend that can't do both in one step writes the old key
   * first, so that a crash in between ends the session rather than leaving two. Where `next.left` has a `successor`,
   * it writes the new key first, so that the successor is there for whoever finds it.
   *
   * @param key The key until now.
   * @param next The key from now on, unknown to the store, and its record.
   * @param previous The record that was read or last written.
   * @param c The Hono context.
   * @param signal Calls the operation off.
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
   * Moves the times of the record that was read and nothing else, its version included, so that it can't undo
   * the write of another request.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read or last written.
   * @param c The Hono context.
   * @param signal Calls the operation off.
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
   * Deletes a record; an unknown key is no error.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   */
  delete(key: string, c?: unknown, signal?: AbortSignal): Awaitable<void>;

  /**
   * The live sessions of a subject: in whatever order, unless `capabilities.ordered` is `true`. There where `capabilities.index`
   * is `true`.
   *
   * @param subject The subject.
   * @param page Which part of them. A store that is not ordered may give all.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   */
  list?(
    subject: string,
    page?: ListPage,
    c?: unknown,
    signal?: AbortSignal,
  ): AsyncIterable<ListedSession>;

  /**
   * The present generation of a subject's sessions: what a login that begins now puts into its record. There where
   * `deleteAll` is.
   *
   * A `deleteAll` raises it to the time, in whole epoch milliseconds, or to one more than it was, if that is more. So it
   * may be forgotten, and be 0 again, when no login is under way any more that has seen an older one: a day later.
   *
   * @param subject The subject.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   */
  generation?(subject: string, c?: unknown, signal?: AbortSignal): Awaitable<number>;

  /**
   * Begins a new generation of a subject's sessions, and ends those of the older ones, those that are on their way
   * included (ASVS 5.0, 7.4.3). There where `capabilities.index` is `true`.
   *
   * @param subject The subject.
   * @param options Which one stays.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns How many were ended.
   */
  deleteAll?(
    subject: string,
    options: DeleteAllOptions,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<number>;

  /**
   * Whether a record that was read is to be written again although nothing in it changed, as one that lies
   * under an older key.
   *
   * @param record The very object that `read` gave.
   */
  outdated?(record: SessionRecord): boolean;

  /**
   * This store for a cookie of some name, where its tokens are bound to the name.
   *
   * @param cookieName The name, with its prefix.
   */
  forCookie?(cookieName: string): SessionStore;
}

/**
 * The simplest place to keep sessions: what a `Map` can do. The middleware adapts it to a
 * {@linkcode SessionStore}.
 *
 * A plain `Map` keeps every promise while one process lives. Anything that answers later can't look
 * and write in one step: of two requests at the same time one may lose its change, and a slow one may
 * bring back a session that was ended. Nothing is ever reclaimed but by deletion.
 *
 * @example A bare Map
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
   * The record under a key, or anything else when there is none.
   *
   * @param key The key.
   * @param c The Hono context.
   */
  get(key: string, c?: unknown): unknown;

  /**
   * Keeps a record under a key. It is a flat, JSON-safe object with the end of its life in `expiresAt`,
   * in epoch milliseconds.
   *
   * @param key The key.
   * @param record The record.
   * @param c The Hono context.
   */
  set(key: string, record: SessionRecord, c?: unknown): unknown;

  /**
   * Deletes what is under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Never given: it makes this the `delete` of a {@linkcode SessionStore}, so that TypeScript knows the
   * types of either.
   */
  delete(key: string, c?: unknown, signal?: AbortSignal): unknown;
}
