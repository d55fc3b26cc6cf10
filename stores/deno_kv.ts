/**
 * Sessions in Deno KV: embedded in the process, on disk, or shared over KV Connect.
 *
 * Deno needs the flag `--unstable-kv` or `"unstable": ["kv"]` in `deno.json`; on Node and Bun the package
 * `@deno/kv` gives the same database.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session";
 * import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * // A path keeps sessions on disk; without one the database of the application is used.
 * await using store = new DenoKvStore({ path: ":memory:" });
 *
 * const app = new Hono().use(session<{ visits?: number }>({ store })).get("/", async (c) => {
 *   const visits = await c.var.session.update("visits", (visits = 0) => visits + 1);
 *   return c.text(`visit ${visits}`);
 * });
 *
 * const first = await app.request("/");
 * const cookie = first.headers.getSetCookie()[0]!.split(";")[0]!;
 * const second = await app.request("/", { headers: { cookie } });
 * assertEquals(await second.text(), "visit 2");
 * ```
 *
 * @module
 */

import type { SessionRecord, SessionTimes } from "../src/record.ts";
import {
  type Clock,
  type SessionStore,
  type StoreCapabilities,
  type StoreReplacement,
  systemClock,
} from "../src/store.ts";
import { commit, openKv, pause } from "./deno_kv/database.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./deno_kv/like.ts";
import { type Head, isHead, joinParts, MAX_BYTES, MOST_PARTS, toHead } from "./deno_kv/parts.ts";

export type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike };

/** How often a commit is tried against others. */
const TRIES = 20;

/**
 * Options of {@linkcode DenoKvStore}.
 *
 * @example A handle that the application has open anyway
 * ```ts
 * import { DenoKvStore, type DenoKvStoreOptions } from "@x/hono-session/stores/deno-kv";
 *
 * using kv = await Deno.openKv(":memory:");
 * const options: DenoKvStoreOptions = { kv, prefix: ["my-app", "session"] };
 * new DenoKvStore(options);
 * ```
 */
export interface DenoKvStoreOptions {
  /** An open database, or a promise of one. It stays yours to close. */
  kv?: KvLike | Promise<KvLike>;
  /**
   * Where to open one: a file, `":memory:"`, or the URL of a database that speaks KV Connect.
   *
   * @default {the database that Deno gives the application}
   */
  path?: string;
  /**
   * What all keys begin with.
   *
   * @default {["session"]}
   */
  prefix?: KvKeyLike;
  /**
   * Tells the time, for tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/** What was last seen under a key. */
interface Entry {
  readonly versionstamp: string | null;
  readonly head: Head | undefined;
}

/**
 * Keeps sessions in Deno KV. Every promise of the store contract holds, also between processes.
 *
 * The database is opened once, when it is first needed. A record is one entry under `[...prefix, key]`;
 * above about 32,000 characters its texts are split over `[...prefix, key, 0]` and on, in the same commit. Deno KV may show an entry after its time, so the time in the record decides.
 *
 * @example Usage
 * ```ts
 * import { DenoKvStore } from "@x/hono-session/stores/deno-kv";
 * import { assertEquals } from "@std/assert";
 *
 * await using store = new DenoKvStore({ path: ":memory:" });
 * assertEquals(await store.read("unknown"), undefined);
 * ```
 */
export class DenoKvStore implements SessionStore {
  /** Atomic and strongly consistent, also between processes. */
  readonly capabilities: StoreCapabilities = {
    atomic: true,
    index: false,
    consistency: "strong",
    maxBytes: MAX_BYTES,
  };
  readonly #options: DenoKvStoreOptions;
  readonly #prefix: KvKeyLike;
  readonly #clock: Clock;
  /** What lay in the database when a record was read or written. */
  readonly #entries = new WeakMap<SessionRecord, Entry>();
  #opened: Promise<KvLike> | undefined;
  #closed = false;

  /**
   * Opens nothing yet.
   *
   * @param options Which database.
   * @throws {TypeError} When both `kv` and `path` are given.
   */
  constructor(options: DenoKvStoreOptions = {}) {
    if (options.kv !== undefined && options.path !== undefined) {
      throw new TypeError("Cannot create DenoKvStore: kv and path exclude each other");
    }
    this.#options = options;
    // Whoever uses the store is told; nobody else is to be.
    Promise.resolve(options.kv).catch(() => {});
    this.#prefix = options.prefix ?? ["session"];
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * The record under a key.
   *
   * @param key The key.
   * @returns The record, or `undefined` when there is none or it has expired.
   */
  async read(key: string): Promise<SessionRecord | undefined> {
    const kv = await this.#open();
    const entry = toEntry(await kv.get(this.#key(key)));
    return await this.#whole(kv, key, entry);
  }

  /**
   * Stores a record under a key that holds none.
   *
   * @param key The key.
   * @param record The record.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 540,000 bytes.
   */
  create(key: string, record: SessionRecord): Promise<boolean> {
    return this.#write(key, {
      known: { versionstamp: null, head: undefined },
      accepts: (head) => head === undefined,
      record,
      build: (atomic, old) => this.#set(this.#clear(atomic, key, old), key, record),
    });
  }

  /**
   * Stores a record in place of the one that was read.
   *
   * @param key The key.
   * @param record The record.
   * @param previous The record that was read.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 540,000 bytes.
   */
  update(key: string, record: SessionRecord, previous: SessionRecord): Promise<boolean> {
    return this.#write(key, {
      known: this.#known(previous),
      accepts: (head) => head?.version === previous.version,
      record,
      build: (atomic, old) => this.#set(this.#clear(atomic, key, old), key, record),
    });
  }

  /**
   * Moves a session to another key, in one commit.
   *
   * @param key The key until now.
   * @param next The key from now on and its record.
   * @param previous The record that was read.
   * @returns Whether it was moved.
   * @throws {SessionTooLargeError} When it is larger than 540,000 bytes.
   */
  replace(key: string, next: StoreReplacement, previous: SessionRecord): Promise<boolean> {
    return this.#write(key, {
      known: this.#known(previous),
      accepts: (head) => head?.version === previous.version,
      record: next.record,
      build: (atomic, old) => {
        this.#clear(atomic, key, old).check({ key: this.#key(next.key), versionstamp: null });
        return this.#set(atomic, next.key, next.record);
      },
    });
  }

  /**
   * Moves the times of a record.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read.
   * @returns Whether they were moved.
   */
  async touch(key: string, times: SessionTimes, previous: SessionRecord): Promise<boolean> {
    const kv = await this.#open();
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 0) await pause(tries);
      const record = await this.read(key);
      if (record?.version !== previous.version) return false;
      const { versionstamp } = this.#entries.get(record)!;
      const atomic = kv.atomic().check({ key: this.#key(key), versionstamp });
      if ((await commit(this.#set(atomic, key, { ...record, ...times }))).ok) return true;
    }
    throw new Error("Cannot touch session: it was written too often at the same time");
  }

  /**
   * Deletes a record.
   *
   * @param key The key.
   */
  async delete(key: string): Promise<void> {
    const kv = await this.#open();
    const atomic = kv.atomic();
    for (const each of this.#allKeys(key)) atomic.delete(each);
    await commit(atomic);
  }

  /** Closes the database if this store has opened it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#options.kv === undefined) (await this.#opened?.catch(() => undefined))?.close();
  }

  #open(): Promise<KvLike> {
    if (this.#closed) return Promise.reject(new Error("Cannot use DenoKvStore: it is closed"));
    if (this.#opened) return this.#opened;
    const opened = Promise.resolve(this.#options.kv ?? openKv(this.#options.path));
    this.#opened = opened;
    opened.catch(() => {
      // The next call tries again.
      this.#opened = undefined;
    });
    return opened;
  }

  /** Commits a change if what is under the key is accepted; `known` spares the look. */
  async #write(key: string, { known, accepts, record, build }: {
    known: Entry | undefined;
    accepts: (head: Head | undefined) => boolean;
    record: SessionRecord;
    build: (atomic: KvAtomicLike, old: Head | undefined) => KvAtomicLike;
  }): Promise<boolean> {
    const kv = await this.#open();
    let entry = known;
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 1) await pause(tries);
      if (!entry) {
        entry = toEntry(await kv.get(this.#key(key)));
        if (!accepts(this.#live(entry))) return false;
      }
      const atomic = kv.atomic().check({ key: this.#key(key), versionstamp: entry.versionstamp });
      const { ok, versionstamp = null } = await commit(build(atomic, entry.head));
      if (ok) {
        this.#entries.set(record, { versionstamp, head: toHead(record).head });
        return true;
      }
      entry = undefined;
    }
    return false;
  }

  #set(atomic: KvAtomicLike, key: string, record: SessionRecord): KvAtomicLike {
    const { head, parts } = toHead(record);
    const options = { expireIn: Math.max(Math.ceil(record.expiresAt - this.#clock()), 1) };
    atomic.set(this.#key(key), head, options);
    parts.forEach((part, index) => atomic.set(this.#key(key, index), part, options));
    return atomic;
  }

  #clear(atomic: KvAtomicLike, key: string, old: Head | undefined): KvAtomicLike {
    for (const each of this.#allKeys(key, old?.parts ?? 0)) atomic.delete(each);
    return atomic;
  }

  #live({ head }: Entry): Head | undefined {
    return head && this.#clock() < head.expiresAt ? head : undefined;
  }

  #known(previous: SessionRecord): Entry | undefined {
    return this.#clock() < previous.expiresAt ? this.#entries.get(previous) : undefined;
  }

  /** The live record of an entry, with its parts. What one commit wrote has one versionstamp. */
  async #whole(kv: KvLike, key: string, entry: Entry): Promise<SessionRecord | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const head = this.#live(entry);
      if (!head) return undefined;
      const { parts: count, ...record } = head;
      if (count === undefined) return this.#remember(record, entry);

      const [first, ...parts] = await kv.getMany(this.#allKeys(key, count));
      const now = toEntry(first!);
      const texts = now.head?.parts === count
        ? joinParts(parts.filter(({ versionstamp }) => versionstamp === now.versionstamp), count)
        : undefined;
      if (texts && now.head) {
        const { parts: _, ...latest } = now.head;
        return this.#remember({ ...latest, ...texts }, now);
      }
      entry = now;
    }
    return undefined;
  }

  #remember(record: SessionRecord, entry: Entry): SessionRecord {
    this.#entries.set(record, entry);
    return record;
  }

  #key(key: string, ...part: number[]): KvKeyLike {
    return [...this.#prefix, key, ...part];
  }

  /** The key of a record and of its parts. */
  #allKeys(key: string, parts: number = MOST_PARTS): KvKeyLike[] {
    return [this.#key(key), ...Array.from({ length: parts }, (_, index) => this.#key(key, index))];
  }
}

function toEntry({ value, versionstamp }: KvEntryLike): Entry {
  return { versionstamp, head: isHead(value) ? value : undefined };
}
