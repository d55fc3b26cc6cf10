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

import type { SessionRecord, SessionTimes } from "../src/record/record.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
} from "../src/store/contract.ts";
import { readPage } from "../src/store/list_order.ts";
import { type Clock, systemClock } from "../src/util/clock.ts";
import { STORE_TRIES } from "../src/util/tries.ts";
import { commit, pause, told } from "./deno_kv/database.ts";
import { endAll } from "./deno_kv/end_all.ts";
import { Handle } from "./deno_kv/handle.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./deno_kv/like.ts";
import { checkOptions, type DenoKvStoreOptions } from "./deno_kv/options.ts";
import { type Head, MAX_BYTES, toHead } from "./deno_kv/parts.ts";
import { type Entry, Records, toEntry } from "./deno_kv/records.ts";
import { type IndexEntry, MOST_CHECKS, SubjectIndex } from "./deno_kv/subjects.ts";

export type { DenoKvStoreOptions, KvAtomicLike, KvEntryLike, KvKeyLike, KvLike };

/**
 * Keeps sessions in Deno KV. Every promise of the store contract holds, also between processes.
 *
 * The database is opened once, when it is first needed: make one store, outside of the requests. A record is one entry
 * under `[...prefix, key]`; above about 32,000 characters its data are split over `[...prefix, key, 0]` and on, in the
 * same commit. Deno KV may show an entry after its time, so the time in the record decides.
 *
 * A session of a subject has an entry under `[...prefix, "subject", JSON.stringify(subject), key]`, in the same commit.
 * Above it, under `[...prefix, "subject", JSON.stringify(subject)]`, lies for a day that all sessions of the subject were
 * ended.
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
    index: true,
    ordered: true,
    consistency: "strong",
    maxBytes: MAX_BYTES,
  };
  readonly #handle: Handle;
  readonly #clock: Clock;
  readonly #records: Records;
  readonly #index: SubjectIndex;

  /**
   * Opens nothing yet.
   *
   * @param options Which database.
   * @throws {TypeError} When an option is unknown or of the wrong kind, or both `kv` and `path` are given.
   * @throws {RangeError} When `prefix` is too long.
   */
  constructor(options: DenoKvStoreOptions = {}) {
    checkOptions(options);
    this.#handle = new Handle(options);
    const { prefix = ["session"], clock = systemClock } = options;
    this.#clock = clock;
    this.#index = new SubjectIndex(prefix);
    this.#records = new Records({ prefix, clock, index: this.#index });
  }

  /**
   * The record under a key.
   *
   * @param key The key.
   * @returns The record, or `undefined` when there is none or it has expired.
   */
  read(key: string): Promise<SessionRecord | undefined> {
    // Once it is open, nothing is waited for but the database.
    const { kv } = this.#handle;
    if (kv) return this.#records.read(kv, key);
    return this.#handle.open().then((kv) => this.#records.read(kv, key));
  }

  /**
   * Stores a record under a key that holds none.
   *
   * @param key The key.
   * @param record The record.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 540,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   */
  create(key: string, record: SessionRecord): Promise<boolean> {
    return this.#write(key, {
      known: { versionstamp: null, head: undefined },
      accepts: (head) => head === undefined,
      record,
      binds: true,
      build: (atomic, old) => this.#records.set(atomic, key, { record, old }),
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
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   */
  update(key: string, record: SessionRecord, previous: SessionRecord): Promise<boolean> {
    return this.#write(key, {
      known: this.#records.known(previous),
      accepts: (head) => head?.version === previous.version,
      record,
      binds: record.subject !== previous.subject || record.subjectAt !== previous.subjectAt ||
        record.generation !== previous.generation,
      build: (atomic, old) => this.#records.set(atomic, key, { record, old }),
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
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   */
  replace(key: string, next: StoreReplacement, previous: SessionRecord): Promise<boolean> {
    return this.#write(key, {
      known: this.#records.known(previous),
      accepts: (head) => head?.version === previous.version,
      record: next.record,
      binds: true,
      build: (atomic, old) => {
        if (next.left) this.#records.set(atomic, key, { record: next.left, old });
        else this.#records.clear(atomic, key, old);
        atomic.check({ key: this.#records.key(next.key), versionstamp: null });
        this.#records.set(atomic, next.key, { record: next.record, old: undefined });
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
    const kv = await this.#handle.open();
    for (let tries = 0; tries < STORE_TRIES; tries++) {
      if (tries > 0) await pause(tries);
      const record = await this.#records.read(kv, key);
      if (record?.version !== previous.version) return false;
      const { versionstamp, head: old } = this.#records.known(record)!;
      const atomic = kv.atomic().check({ key: this.#records.key(key), versionstamp });
      this.#records.set(atomic, key, { record: { ...record, ...times }, old });
      if ((await commit(atomic)).ok) return true;
    }
    throw new Error("Cannot touch session: it was written too often at the same time");
  }

  /**
   * Deletes a record.
   *
   * @param key The key.
   */
  async delete(key: string): Promise<void> {
    const kv = await this.#handle.open();
    for (let tries = 1;; tries++) {
      const { versionstamp, head } = await this.#records.look(kv, key);
      if (versionstamp === null) return;
      const atomic = kv.atomic();
      if (tries < STORE_TRIES) {
        atomic.check({ key: this.#records.key(key), versionstamp });
        this.#records.clear(atomic, key, head);
      } else {
        // No writes of others keep a session alive. The entry that is left is pruned by a list.
        this.#records.clear(atomic, key, undefined);
      }
      if ((await commit(atomic)).ok) return;
      await pause(tries);
    }
  }

  /**
   * The live sessions of a subject. All entries of its list are read, and no more records than are wanted. Entries that show nothing
   * are pruned.
   *
   * @param subject The subject.
   * @param page Which part of them.
   */
  async *list(subject: string, page: ListPage = {}): AsyncGenerator<ListedSession> {
    const kv = await this.#handle.open();
    const read = (entries: IndexEntry[]) => this.#listed(kv, { subject, entries });
    yield* readPage(await this.#index.newest(kv, subject), { page, most: MOST_CHECKS, read });
  }

  /** The live sessions of entries. Those that show nothing are taken off the list. */
  async #listed(
    kv: KvLike,
    { subject, entries }: { subject: string; entries: IndexEntry[] },
  ): Promise<ListedSession[]> {
    const found = await kv.getMany(entries.map(({ key }) => this.#records.key(key)));
    const heads = found.map((each) => this.#records.live(toEntry(each)));
    const gone = entries.filter((_, index) => heads[index]?.subject !== subject);
    if (gone.length > 0) {
      const atomic = kv.atomic();
      for (const { check } of gone) atomic.check(check).delete(check.key);
      await commit(atomic);
    }
    return entries.flatMap(({ key }, index) => {
      const head = heads[index];
      if (head?.subject !== subject) return [];
      const { data: _, flash: __, parts: ___, ...record } = head;
      return [{ key, record }];
    });
  }

  /**
   * The present generation of a subject's sessions.
   *
   * @param subject The subject.
   * @returns The generation, 0 where none is remembered.
   */
  async generation(subject: string): Promise<number> {
    return await this.#index.generation(await this.#handle.open(), subject);
  }

  /**
   * Ends all sessions of a subject, and keeps those from coming into being that are on their way.
   *
   * @param subject The subject.
   * @param options Which one stays.
   * @returns How many were ended.
   */
  async deleteAll(subject: string, options: DeleteAllOptions): Promise<number> {
    return await endAll(await this.#handle.open(), {
      ...options,
      records: this.#records,
      index: this.#index,
      subject,
      clock: this.#clock,
    });
  }

  /** Closes the database if this store has opened it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  /**
   * Commits a change if what is under the key is accepted; `known` spares the look. What makes a record its subject's
   * depends on the end of all sessions of the subject as well.
   */
  async #write(key: string, { known, accepts, record, binds, build }: {
    known: Entry | undefined;
    accepts: (head: Head | undefined) => boolean;
    record: SessionRecord;
    binds: boolean;
    build: (atomic: KvAtomicLike, old: Head | undefined) => void;
  }): Promise<boolean> {
    const kv = await this.#handle.open();
    const subject = binds ? record.subject : undefined;
    const keys = [this.#records.key(key)];
    if (subject !== undefined) keys.push(this.#index.endKey(subject));
    let entry = subject === undefined ? known : undefined;
    for (let tries = 0; tries < STORE_TRIES; tries++) {
      if (tries > 1) await pause(tries);
      const atomic = kv.atomic();
      if (!entry) {
        const [head, end] = await told(kv.getMany(keys));
        entry = toEntry(head!);
        if (!accepts(this.#records.live(entry))) return false;
        if (subject !== undefined) this.#index.guard(atomic, subject, { record, found: end! });
      }
      atomic.check({ key: this.#records.key(key), versionstamp: entry.versionstamp });
      build(atomic, entry.head);
      const { ok, versionstamp = null } = await commit(atomic);
      if (ok) {
        this.#records.remember(record, { versionstamp, head: toHead(record).head });
        return true;
      }
      entry = undefined;
    }
    return false;
  }
}
