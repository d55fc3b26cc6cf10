/**
 * Sessions in Deno KV: embedded in the process, on disk, or shared over KV Connect.
 *
 * Deno requires the flag `--unstable-kv` or `"unstable": ["kv"]` in `deno.json`. On Node and Bun, use the
 * package `@deno/kv`.
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
import { readPage } from "../src/store/list_order.ts";
import { makeWriteId } from "../src/store/write_id.ts";
import { type Clock, systemClock } from "../src/util/clock.ts";
import { STORE_TRIES } from "../src/util/tries.ts";
import { commit, pause, resultOf, untilDone } from "./deno_kv/database.ts";
import { endAll } from "./deno_kv/end_all.ts";
import { Ends } from "./deno_kv/ends.ts";
import { Handle } from "./deno_kv/handle.ts";
import type { KvAtomicLike, KvEntryLike, KvKeyLike, KvLike } from "./deno_kv/like.ts";
import { isShared } from "./deno_kv/notifying.ts";
import { checkOptions, type DenoKvStoreOptions } from "./deno_kv/options.ts";
import { MAX_BYTES } from "./deno_kv/parts.ts";
import { NOTHING, Records, type Seen, toEntry } from "./deno_kv/records.ts";
import { type IndexEntry, MOST_CHECKS, SubjectIndex } from "./deno_kv/subjects.ts";

export type { DenoKvStoreOptions, KvAtomicLike, KvEntryLike, KvKeyLike, KvLike };

/**
 * Keeps sessions in Deno KV. Every guarantee of the store contract holds, also between processes.
 *
 * The database is opened once, at its first use: create one store, outside of the requests. A record is one
 * entry under `[...prefix, key]`, with an identifier of the write that stored it. The data of a record above
 * about 32,000 characters are split over `[...prefix, key, 0]` and so on, in the same commit. Deno KV may
 * return an entry after its expiry, so the expiry in the record decides.
 *
 * A session of a subject has an entry under `[...prefix, "subject", JSON.stringify(subject), key]`, in the same
 * commit. When all sessions of the subject are ended, `[...prefix, "subject", JSON.stringify(subject)]` records
 * this for a day.
 *
 * Each commit that deletes or moves a session adds to one of eight counters under `[...prefix, "ended", 0]` and so on. They
 * notify other processes, for `session.ended`.
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
    watch: "record",
  };
  readonly #handle: Handle;
  readonly #ends: Ends;
  readonly #isShared: boolean;
  readonly #clock: Clock;
  readonly #records: Records;
  readonly #index: SubjectIndex;

  /**
   * Creates the store. It does not open the database yet.
   *
   * @param options The database, and other options.
   * @throws {TypeError} When an option is unknown or of the wrong kind, or both `kv` and `path` are given.
   * @throws {RangeError} When `prefix` is too long.
   */
  constructor(options: DenoKvStoreOptions = {}) {
    checkOptions(options);
    this.#handle = new Handle(options);
    const { prefix = ["session"], clock = systemClock } = options;
    this.#isShared = isShared(options);
    this.#clock = clock;
    this.#ends = new Ends(prefix);
    this.#index = new SubjectIndex(prefix);
    this.#records = new Records({ prefix, clock, index: this.#index });
  }

  /**
   * Reads the record under a key.
   *
   * @param key The key.
   * @returns The record, or `undefined` when there is none or it has expired.
   */
  read(key: string): Promise<SessionRecord | undefined> {
    // Once the database is open, no other promise is awaited.
    const { kv } = this.#handle;
    if (kv) return this.#records.read(kv, key);
    return this.#handle.open().then((kv) => this.#records.read(kv, key));
  }

  /**
   * Stores a record under a new key.
   *
   * @param key The key.
   * @param record The record.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 540,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  async create(key: string, record: SessionRecord): Promise<boolean> {
    const kv = await this.#handle.open();
    const records = this.#records;
    const { subject } = record;
    const write = makeWriteId();
    return await untilDone(async (isFirst) => {
      const seen = isFirst && subject === undefined ? NOTHING : await records.see(kv, key, subject);
      if (records.live(seen.entry)) return seen.entry.write === write;
      const atomic = records.over(kv, key, { seen, record });
      const head = records.set(atomic, key, { record, write, old: seen.entry.head });
      return records.commit(atomic, record, { head, write });
    });
  }

  /**
   * Replaces the record that was read.
   *
   * @param key The key.
   * @param record The record.
   * @param previous The record that was read.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 540,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  async update(key: string, record: SessionRecord, previous: SessionRecord): Promise<boolean> {
    const kv = this.#handle.kv ?? await this.#handle.open();
    const records = this.#records;
    const subject = isSameLogin(record, previous) ? undefined : record.subject;
    const write = makeWriteId();
    const overwrite = (seen: Seen) => {
      if (records.live(seen.entry)?.version !== previous.version) return seen.entry.write === write;
      const atomic = records.over(kv, key, { seen, record });
      const head = records.set(atomic, key, { record, write, old: seen.entry.head });
      return records.commit(atomic, record, { head, write });
    };
    const known = subject === undefined ? records.known(previous) : undefined;
    return (known && await overwrite(known)) ??
      await untilDone(async () => overwrite(await records.see(kv, key, subject)));
  }

  /**
   * Moves a session to another key, in one commit.
   *
   * @param key The previous key.
   * @param next The new key and its record.
   * @param previous The record that was read.
   * @returns Whether it was moved.
   * @throws {SessionTooLargeError} When it is larger than 540,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  async replace(key: string, next: StoreReplacement, previous: SessionRecord): Promise<boolean> {
    const kv = await this.#handle.open();
    const records = this.#records;
    const { record, left } = next;
    const { subject } = record;
    const write = makeWriteId();
    const isMoved = await untilDone(async (isFirst) => {
      const target = isFirst ? NOTHING : await records.see(kv, next.key);
      if (target.entry.versionstamp !== null) return target.entry.write === write;
      const known = isFirst && subject === undefined ? records.known(previous) : undefined;
      const seen = known ?? await records.see(kv, key, subject);
      if (records.live(seen.entry)?.version !== previous.version) return false;
      const atomic = records.over(kv, key, { seen, record });
      const old = seen.entry.head;
      if (left) records.set(atomic, key, { record: left, write, old });
      else records.clear(atomic, key, old);
      this.#ends.count(atomic, key);
      atomic.check({ key: records.key(next.key), versionstamp: null });
      const head = records.set(atomic, next.key, { record, write, old: undefined });
      return records.commit(atomic, record, { head, write });
    });
    if (isMoved) this.#ends.notify(key);
    return isMoved;
  }

  /**
   * Changes the times of a record.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read.
   * @returns Whether they were changed.
   */
  async touch(key: string, times: SessionTimes, previous: SessionRecord): Promise<boolean> {
    const kv = await this.#handle.open();
    const records = this.#records;
    return await untilDone(async () => {
      const read = await records.read(kv, key);
      if (read?.version !== previous.version) return false;
      const seen = records.known(read)!;
      const record = { ...read, ...times };
      // Keep the identifier of the write that stored the data.
      const { write = makeWriteId(), head: old } = seen.entry;
      const atomic = records.over(kv, key, { seen, record });
      const head = records.set(atomic, key, { record, write, old });
      return records.commit(atomic, record, { head, write });
    });
  }

  /**
   * Deletes a record.
   *
   * @param key The key.
   * @param _c Not used.
   * @param _signal Not used.
   * @param reason The reason, for `watch`.
   */
  async delete(
    key: string,
    _c?: unknown,
    _signal?: AbortSignal,
    reason?: SessionEndReason,
  ): Promise<void> {
    const kv = await this.#handle.open();
    const records = this.#records;
    for (let tries = 1;; tries++) {
      const seen = await records.see(kv, key);
      const { versionstamp, head } = seen.entry;
      if (versionstamp === null) return;
      // Concurrent writes must not keep a session alive. A list prunes the remaining entry.
      const isLast = tries === STORE_TRIES;
      const atomic = isLast ? kv.atomic() : records.over(kv, key, { seen });
      records.clear(atomic, key, isLast ? undefined : head);
      this.#ends.count(atomic, key, reason);
      if ((await commit(atomic)).ok) return this.#ends.notify(key, reason);
      await pause(tries);
    }
  }

  /**
   * Lists the live sessions of a subject. It reads all entries of the index, but only the requested records.
   * Entries without a session are pruned.
   *
   * @param subject The subject.
   * @param page The part of the list.
   */
  async *list(subject: string, page: ListPage = {}): AsyncGenerator<ListedSession> {
    const kv = await this.#handle.open();
    const read = (entries: IndexEntry[]) => this.#listed(kv, { subject, entries });
    yield* readPage(await this.#index.newest(kv, subject), { page, most: MOST_CHECKS, read });
  }

  /** Reads the live sessions of entries. Entries without a session are removed. */
  async #listed(
    kv: KvLike,
    { subject, entries }: { subject: string; entries: IndexEntry[] },
  ): Promise<ListedSession[]> {
    const found = await resultOf(kv.getMany(entries.map(({ key }) => this.#records.key(key))));
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
   * Returns the current generation of a subject's sessions.
   *
   * @param subject The subject.
   * @returns The generation; 0 when none is stored.
   */
  async generation(subject: string): Promise<number> {
    return await this.#index.generation(await this.#handle.open(), subject);
  }

  /**
   * Ends all sessions of a subject, including logins in flight.
   *
   * @param subject The subject.
   * @param options The session that is not ended.
   * @returns The number of sessions that were ended.
   */
  async deleteAll(subject: string, options: DeleteAllOptions): Promise<number> {
    return await endAll(await this.#handle.open(), {
      ...options,
      records: this.#records,
      index: this.#index,
      ends: this.#ends,
      subject,
      clock: this.#clock,
    });
  }

  /**
   * Calls a function when a record is deleted or moved by this store, or by another process over KV Connect or on Deno Deploy.
   * While a record is watched there or over an open database (`kv`), Deno keeps the process alive.
   *
   * @param onEnd Receives the key and the reason.
   * @param _c Not used.
   * @param key The key.
   * @returns A function that stops the notifications.
   */
  async watch(onEnd: OnSessionEnd, _c: unknown, key: string): Promise<() => Promise<void>> {
    const kv = this.#isShared ? await this.#handle.open() : undefined;
    return this.#ends.watch(kv, key, onEnd);
  }

  /** Closes the database if this store has opened it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ends.stop();
    await this.#handle.close();
  }
}

/** Checks whether two records are of the same login. */
function isSameLogin(one: SessionRecord, other: SessionRecord): boolean {
  return one.subject === other.subject && one.subjectAt === other.subjectAt &&
    one.generation === other.generation;
}
