/**
 * Sessions in the memory of one process: for development, tests, and single processes whose sessions may end
 * with the process.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const app = new Hono()
 *   .use(session<{ visits?: number }>({ store: new MapStore() }))
 *   .get("/", (c) => {
 *     c.var.session.visits = (c.var.session.visits ?? 0) + 1;
 *     return c.text(`visit ${c.var.session.visits}`);
 *   });
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
  StoreStats,
} from "../src/store/contract.ts";
import { byNewest, isAfter } from "../src/store/list_order.ts";
import { storeTable } from "../src/store/store_options.ts";
import { type Clock, systemClock } from "../src/util/clock.ts";
import { checkTable } from "../src/util/option_table.ts";
import { COUNT, NUMBER } from "../src/util/shapes.ts";
import { Generations } from "./map/generations.ts";
import { SubjectIndex } from "./map/subject_index.ts";
import { Traces } from "./map/traces.ts";

/** The number of entries that every new session checks for expiry. */
const LOOKS = 4;

const OPTIONS = storeTable("MapStore", { shapes: { maxEntries: NUMBER } });

/**
 * Options of {@linkcode MapStore}.
 *
 * @example Usage
 * ```ts
 * import { MapStore, type MapStoreOptions } from "@x/hono-session/stores/map";
 *
 * const options: MapStoreOptions = { maxEntries: 1000 };
 * new MapStore(options);
 * ```
 */
export interface MapStoreOptions {
  /**
   * The largest number of sessions. Beyond it, each new session evicts the one that was written or renewed
   * least recently; expired sessions that were found go first. As many marks of ended and adopted sessions are
   * kept, and the oldest are dropped first. `Infinity` evicts none; `Revocations` of cookie stores require it.
   *
   * @default {100_000}
   */
  maxEntries?: number;
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/**
 * Keeps sessions in a `Map`. Every guarantee of the store contract holds within the process. Other processes
 * don't see the sessions, and they end with the process.
 *
 * Expired sessions are removed without timers: each new session checks the next few entries, so that the cost
 * is proportional to the number of new sessions.
 *
 * @example Usage
 * ```ts
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new MapStore({ maxEntries: 10_000 });
 * assertEquals(store.size, 0);
 * ```
 */
export class MapStore implements SessionStore {
  /** Atomic and strongly consistent, within one process. It evicts sessions unless `maxEntries` is `Infinity`. */
  readonly capabilities: StoreCapabilities;
  /** The records in the order of their last write, oldest first. */
  readonly #records = new Map<string, SessionRecord>();
  readonly #traces: Traces;
  readonly #index = new SubjectIndex();
  readonly #generations: Generations;
  readonly #watchers = new Set<OnSessionEnd>();
  readonly #maxEntries: number;
  readonly #clock: Clock;
  #round: Iterator<[string, SessionRecord]> = this.#records.entries();

  /**
   * Creates an empty store.
   *
   * @param options The limit, and other options.
   * @throws {TypeError} When an option is unknown or of the wrong kind.
   * @throws {RangeError} When `maxEntries` is not a positive integer.
   */
  constructor(options: MapStoreOptions = {}) {
    checkTable(OPTIONS, options);
    const { maxEntries = 100_000, clock = systemClock } = options;
    if (maxEntries !== Infinity) COUNT.read(maxEntries, { ...OPTIONS, name: "maxEntries" });
    this.capabilities = {
      atomic: true,
      index: true,
      ordered: true,
      consistency: "strong",
      watch: true,
      stats: true,
      ...(maxEntries === Infinity ? {} : { evicts: true }),
    };
    this.#maxEntries = maxEntries;
    this.#clock = clock;
    this.#traces = new Traces(maxEntries, clock);
    this.#generations = new Generations(clock);
  }

  /** The number of sessions, including expired ones that were not removed yet. */
  get size(): number {
    return this.#records.size;
  }

  /**
   * Reads the record under a key.
   *
   * @param key The key.
   * @returns A private copy, or `undefined` when there is none or it has expired.
   */
  read(key: string): SessionRecord | undefined {
    const record = this.#live(key);
    return record && { ...record };
  }

  /**
   * Stores a record under a new key.
   *
   * @param key The key.
   * @param record The record.
   * @returns Whether it was stored.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  create(key: string, record: SessionRecord): boolean {
    if (this.#live(key)) return false;
    this.#generations.assertPresent(record);
    this.#reclaim();
    this.#set(key, record);
    return true;
  }

  /**
   * Replaces the record that was read.
   *
   * @param key The key.
   * @param record The record.
   * @param previous The record that was read.
   * @returns Whether it was stored.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  update(key: string, record: SessionRecord, previous: SessionRecord): boolean {
    if (this.#live(key)?.version !== previous.version) return false;
    this.#generations.assertPresent(record);
    this.#set(key, record);
    return true;
  }

  /**
   * Moves a session to another key.
   *
   * @param key The previous key.
   * @param next The new key and its record.
   * @param previous The record that was read.
   * @returns Whether it was moved.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  replace(key: string, next: StoreReplacement, previous: SessionRecord): boolean {
    if (this.#live(key)?.version !== previous.version || this.#live(next.key)) return false;
    this.#generations.assertPresent(next.record);
    this.#remove(key);
    if (next.left) this.#set(key, next.left);
    this.#set(next.key, next.record);
    this.#notify(key);
    return true;
  }

  /**
   * Changes the times of a record.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read.
   * @returns Whether they were changed.
   */
  touch(key: string, times: SessionTimes, previous: SessionRecord): boolean {
    const record = this.#live(key);
    if (record?.version !== previous.version) return false;
    this.#set(key, { ...record, ...times });
    return true;
  }

  /**
   * Deletes a record.
   *
   * @param key The key.
   * @param _c Not used.
   * @param _signal Not used.
   * @param reason The reason, for `watch`.
   */
  delete(key: string, _c?: unknown, _signal?: AbortSignal, reason?: SessionEndReason): void {
    this.#remove(key);
    this.#notify(key, reason);
  }

  #remove(key: string): void {
    this.#index.delete(this.#records.get(key)?.subject, key);
    if (!this.#records.delete(key)) this.#traces.delete(key);
  }

  /**
   * Calls a function with the key of each session that is ended or moved from now on.
   *
   * @param onEnd Receives the key and the reason.
   * @returns A function that stops the notifications.
   */
  watch(onEnd: OnSessionEnd): () => void {
    const watcher: OnSessionEnd = (key, reason) => onEnd(key, reason);
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  #notify(key: string, reason?: SessionEndReason): void {
    for (const watcher of this.#watchers) watcher(key, reason);
  }

  /**
   * Lists the live sessions of a subject, as of the start of the iteration.
   *
   * @param subject The subject.
   * @param page The part of the list.
   * @returns Private copies, most recently bound first.
   */
  async *list(subject: string, { after }: ListPage = {}): AsyncGenerator<ListedSession> {
    const sessions = this.#of(subject).filter(([, record]) => !after || isAfter(record, after))
      .sort(([, one], [, other]) => byNewest(one, other));
    for (const [key, record] of sessions) yield { key, record: { ...record } };
  }

  /**
   * Returns the current generation of a subject's sessions.
   *
   * @param subject The subject.
   * @returns The generation; 0 when none is stored.
   */
  generation(subject: string): number {
    return this.#generations.of(subject);
  }

  /**
   * Ends all sessions of a subject, including logins in flight.
   *
   * @param subject The subject.
   * @param options The session that is not ended.
   * @returns The number of sessions that were ended.
   */
  deleteAll(subject: string, options: DeleteAllOptions): number {
    this.#generations.raise(subject, options);
    const ended = this.#of(subject).filter(([, { sid }]) => sid !== options.except);
    for (const [key] of ended) this.delete(key, undefined, undefined, "revoked");
    return ended.length;
  }

  /**
   * Counts the live sessions that belong to a subject.
   *
   * @returns The numbers of sessions and subjects.
   */
  stats(): StoreStats {
    const now = this.#clock();
    const subjects = new Set<string>();
    let sessions = 0;
    for (const { subject, expiresAt } of this.#records.values()) {
      if (subject === undefined || expiresAt <= now) continue;
      subjects.add(subject);
      sessions++;
    }
    return { sessions, subjects: subjects.size };
  }

  #of(subject: string): [string, SessionRecord][] {
    return this.#index.keysOf(subject).flatMap((key) => {
      const record = this.#live(key);
      return record ? [[key, record]] : [];
    });
  }

  #live(key: string): SessionRecord | undefined {
    const record = this.#records.get(key) ?? this.#traces.get(key);
    if (!record || this.#clock() < record.expiresAt) return record;
    this.#remove(key);
    return undefined;
  }

  #set(key: string, record: SessionRecord): void {
    this.#remove(key);
    if (record.trace) return this.#traces.set(key, { ...record });
    this.#records.set(key, { ...record });
    this.#index.add(record.subject, key);
  }

  #reclaim(): void {
    const now = this.#clock();
    for (let looks = 0; looks < LOOKS; looks++) {
      const { done, value } = this.#round.next();
      if (done) {
        this.#round = this.#records.entries();
        break;
      }
      if (value[1].expiresAt <= now) this.#remove(value[0]);
    }
    if (this.#records.size < this.#maxEntries) return;
    const [oldest] = this.#records.keys();
    this.delete(oldest!);
  }
}
