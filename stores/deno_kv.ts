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
import { commit, makeWrite, pause, told, untilDone } from "./deno_kv/database.ts";
import { endAll } from "./deno_kv/end_all.ts";
import { Handle } from "./deno_kv/handle.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./deno_kv/like.ts";
import { checkOptions, type DenoKvStoreOptions } from "./deno_kv/options.ts";
import { MAX_BYTES } from "./deno_kv/parts.ts";
import { NOTHING, Records, toEntry } from "./deno_kv/records.ts";
import { type IndexEntry, MOST_CHECKS, SubjectIndex } from "./deno_kv/subjects.ts";

export type { DenoKvStoreOptions, KvAtomicLike, KvEntryLike, KvKeyLike, KvLike };

/**
 * Keeps sessions in Deno KV. Every promise of the store contract holds, also between processes.
 *
 * The database is opened once, when it is first needed: make one store, outside of the requests. A record is one entry
 * under `[...prefix, key]`, with a name of the write that it is from; above about 32,000 characters its data are split
 * over `[...prefix, key, 0]` and on, in the same commit. Deno KV may show an entry after its time, so the time in the
 * record decides.
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
  async create(key: string, record: SessionRecord): Promise<boolean> {
    const kv = await this.#handle.open();
    const records = this.#records;
    const { subject } = record;
    const write = makeWrite();
    return await untilDone(async (isFirst) => {
      const seen = isFirst && subject === undefined ? NOTHING : await records.see(kv, key, subject);
      if (records.live(seen.entry)) return seen.entry.write === write;
      const atomic = records.over(kv, key, { seen, record });
      const head = records.set(atomic, key, { record, write, old: seen.entry.head });
      return records.commit(atomic, record, { head, write });
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
  async update(key: string, record: SessionRecord, previous: SessionRecord): Promise<boolean> {
    const kv = await this.#handle.open();
    const records = this.#records;
    const subject = isSameLogin(record, previous) ? undefined : record.subject;
    const write = makeWrite();
    return await untilDone(async (isFirst) => {
      const known = isFirst && subject === undefined ? records.known(previous) : undefined;
      const seen = known ?? await records.see(kv, key, subject);
      if (records.live(seen.entry)?.version !== previous.version) return seen.entry.write === write;
      const atomic = records.over(kv, key, { seen, record });
      const head = records.set(atomic, key, { record, write, old: seen.entry.head });
      return records.commit(atomic, record, { head, write });
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
  async replace(key: string, next: StoreReplacement, previous: SessionRecord): Promise<boolean> {
    const kv = await this.#handle.open();
    const records = this.#records;
    const { record, left } = next;
    const { subject } = record;
    const write = makeWrite();
    return await untilDone(async (isFirst) => {
      const target = isFirst ? NOTHING : await records.see(kv, next.key);
      if (target.entry.versionstamp !== null) return target.entry.write === write;
      const known = isFirst && subject === undefined ? records.known(previous) : undefined;
      const seen = known ?? await records.see(kv, key, subject);
      if (records.live(seen.entry)?.version !== previous.version) return false;
      const atomic = records.over(kv, key, { seen, record });
      const old = seen.entry.head;
      if (left) records.set(atomic, key, { record: left, write, old });
      else records.clear(atomic, key, old);
      atomic.check({ key: records.key(next.key), versionstamp: null });
      const head = records.set(atomic, next.key, { record, write, old: undefined });
      return records.commit(atomic, record, { head, write });
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
    const records = this.#records;
    return await untilDone(async () => {
      const read = await records.read(kv, key);
      if (read?.version !== previous.version) return false;
      const seen = records.known(read)!;
      const record = { ...read, ...times };
      // The write that its data are from is not to be taken for another one.
      const { write = makeWrite(), head: old } = seen.entry;
      const atomic = records.over(kv, key, { seen, record });
      const head = records.set(atomic, key, { record, write, old });
      return records.commit(atomic, record, { head, write });
    });
  }

  /**
   * Deletes a record.
   *
   * @param key The key.
   */
  async delete(key: string): Promise<void> {
    const kv = await this.#handle.open();
    const records = this.#records;
    for (let tries = 1;; tries++) {
      const seen = await records.see(kv, key);
      const { versionstamp, head } = seen.entry;
      if (versionstamp === null) return;
      // No writes of others keep a session alive. The entry that is left is pruned by a list.
      const isLast = tries === STORE_TRIES;
      const atomic = isLast ? kv.atomic() : records.over(kv, key, { seen });
      records.clear(atomic, key, isLast ? undefined : head);
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
    const found = await told(kv.getMany(entries.map(({ key }) => this.#records.key(key))));
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
}

/** Whether a record is its subject's by the same login as the one before it. */
function isSameLogin(one: SessionRecord, other: SessionRecord): boolean {
  return one.subject === other.subject && one.subjectAt === other.subjectAt &&
    one.generation === other.generation;
}
