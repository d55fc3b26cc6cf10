import type { SessionEndReason } from "../../src/record/end_reason.ts";
import type { SessionRecord, SessionTimes } from "../../src/record/record.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
  StoreStats,
} from "../../src/store/contract.ts";
import { GENERATION_KEPT } from "../../src/store/generation_lifetime.ts";
import { refuseLateLogin } from "../../src/store/late_login.ts";
import { andThen, type Awaitable } from "../../src/util/awaitable.ts";
import { type Clock, systemClock } from "../../src/util/clock.ts";
import type { OptionTable } from "../../src/util/option_table.ts";
import type { SqlValues } from "./compile.ts";
import type { SqlRow } from "./driver.ts";
import { type Call, type Execute, executorOf, type ExecutorSetup } from "./executor.ts";
import {
  isListedAlike,
  leftValuesOf,
  recordOf,
  statsOf,
  timesOf,
  toText,
  valuesOf,
} from "./row.ts";
import { listRows } from "./list_rows.ts";
import { type SqlStatements, statementsOf } from "./statements.ts";
import { sweepLimit, type SweepOptions } from "./sweep.ts";
import { type SqlTableOptions, tableNames } from "./table.ts";

const CAPABILITIES = {
  atomic: true,
  index: true,
  ordered: true,
  consistency: "strong",
  stats: true,
} as const;

/** The setup of a store. */
export interface SqlStoreSetup extends ExecutorSetup {
  /** Its options. */
  readonly options: SqlTableOptions & { readonly clock?: Clock };
  /** The table of these options. */
  readonly table: OptionTable;
  /** Its capabilities beside those of all SQL stores. */
  readonly capabilities?: Partial<StoreCapabilities>;
  /** Throws when a record is larger than the database can hold. */
  assertFits?(record: SessionRecord): void;
}

/** A write of a session, which is refused after all sessions of its subject were ended. */
interface Write {
  readonly key: string;
  readonly record: SessionRecord;
  readonly previous?: SessionRecord;
  readonly templates: SqlStatements["create"];
  /** Whether the record was already bound to its subject. */
  readonly wasBound?: boolean;
  /** Further values of the statements. */
  readonly more?: SqlValues;
}

/**
 * Keeps sessions in two tables of a database. It is the base class of the stores for Postgres, SQLite and D1.
 *
 * @example A function for all of them
 * ```ts
 * import { type SqlStore, SqliteStore } from "@x/hono-session/stores/sqlite";
 * import { assertEquals } from "@std/assert";
 * import { DatabaseSync } from "node:sqlite";
 *
 * const db = new DatabaseSync(":memory:");
 * db.exec(SqliteStore.schema());
 * const store: SqlStore = new SqliteStore({ db });
 * assertEquals(await store.sweep(), 0);
 * ```
 */
export abstract class SqlStore implements SessionStore {
  /** Atomic, with an index, and strongly consistent. */
  readonly capabilities: StoreCapabilities;
  readonly #setup: SqlStoreSetup;
  readonly #clock: Clock;
  readonly #statements: SqlStatements;
  readonly #run: Execute;

  /** @ignore */
  protected constructor(setup: SqlStoreSetup) {
    const { dialect, options, table } = setup;
    this.capabilities = { ...CAPABILITIES, ...setup.capabilities };
    this.#setup = setup;
    this.#clock = options.clock ?? systemClock;
    this.#statements = statementsOf(dialect, tableNames(options, table));
    this.#run = executorOf(setup, this.#clock);
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
  read(key: string, c?: unknown, signal?: AbortSignal): Awaitable<SessionRecord | undefined> {
    const rows = this.#run(this.#statements.read, { key }, { c, signal });
    return andThen(rows, ([row]) => row && recordOf(row));
  }

  /**
   * Stores a record under a new key.
   *
   * @param key The key.
   * @param record The record.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than the database can hold.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no client was found.
   */
  create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<boolean> {
    return this.#write({ key, record, templates: this.#statements.create }, { c, signal });
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
   * @throws {SessionTooLargeError} When it is larger than the database can hold.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no client was found.
   */
  update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<boolean> {
    const { update, updateInPlace } = this.#statements;
    return this.#write({
      key,
      record,
      previous,
      templates: isListedAlike(record, previous) ? updateInPlace : update,
      wasBound: record.subject === previous.subject,
    }, { c, signal });
  }

  /**
   * Moves a session to another key, in one step.
   *
   * @param key The previous key.
   * @param next The new key and its record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was moved.
   * @throws {SessionTooLargeError} When it is larger than the database can hold.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no client was found.
   */
  replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<boolean> {
    const { record, left } = next;
    return this.#write({
      key,
      record,
      previous,
      templates: left ? this.#statements.moveAndLeave : this.#statements.move,
      more: { next: next.key, ...(left && leftValuesOf(key, left)) },
    }, { c, signal });
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
  touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<boolean> {
    const values = { key, ...timesOf(times), previous: previous.version };
    return andThen(this.#run(this.#statements.touch, values, { c, signal }), isWritten);
  }

  /**
   * Deletes a record.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @param reason The reason, for `watch`.
   * @throws {TypeError} When no client was found.
   */
  delete(
    key: string,
    c?: unknown,
    signal?: AbortSignal,
    reason?: SessionEndReason,
  ): Awaitable<void> {
    const values = { key, reason: reason ?? "" };
    return andThen(this.#run(this.#statements.delete, values, { c, signal }), () => {});
  }

  /**
   * Lists the live sessions of a subject, without their data. It reads only the requested rows.
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
    yield* listRows(page, (place) => {
      const values = { subject: toText(subject), ...place };
      return this.#run(this.#statements.list, values, { c, signal });
    });
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
  generation(subject: string, c?: unknown, signal?: AbortSignal): Awaitable<number> {
    const values = { subject: toText(subject) };
    const rows = this.#run(this.#statements.generation, values, { c, signal });
    return andThen(rows, ([row = [0]]) => Number(Object.values(row)[0]));
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
  deleteAll(
    subject: string,
    { except }: DeleteAllOptions,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<number> {
    const now = this.#clock();
    const values = {
      subject: toText(subject),
      except: except === undefined ? null : toText(except),
      generation: Math.floor(now),
      until: now + GENERATION_KEPT,
    };
    const rows = this.#run(this.#statements.deleteAll, values, { c, signal });
    // One of the statements of SQLite returns a generation, a number, because all() of better-sqlite3 requires rows.
    const isKey = (row: SqlRow) => typeof Object.values(row)[0] === "string";
    return andThen(rows, (rows) => rows.filter(isKey).length);
  }

  /**
   * Counts the live sessions that belong to a subject. It reads all of them.
   *
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The numbers of sessions and subjects.
   * @throws {TypeError} When no client was found.
   */
  stats(c?: unknown, signal?: AbortSignal): Awaitable<StoreStats> {
    return andThen(this.#run(this.#statements.stats, {}, { c, signal }), statsOf);
  }

  /**
   * Deletes expired sessions, which the database does not do itself: call it regularly, for example in a cron
   * job. It reads the whole table until it has found `limit` sessions.
   *
   * @param options The limit.
   * @param c The Hono context, if a function finds the client.
   * @returns How many sessions were deleted: fewer than `limit` when no more have expired.
   * @throws {RangeError} When `limit` is not a positive integer.
   * @throws {TypeError} When no client was found.
   */
  async sweep({ limit = 10_000 }: SweepOptions = {}, c?: unknown): Promise<number> {
    const { sweep, sweepSubjects } = this.#statements;
    const values = { limit: sweepLimit(limit) };
    const { length } = await this.#run(sweep, values, { c });
    await this.#run(sweepSubjects, values, { c });
    return length;
  }

  #write(write: Write, call: Call): Awaitable<boolean> {
    const { key, record, previous, templates, wasBound, more } = write;
    this.#setup.assertFits?.(record);
    const binds = record.subject !== undefined && !wasBound;
    const values = { ...valuesOf(key, record), ...more, previous: previous?.version ?? 0 };
    const rows = this.#run(binds ? templates.bound : templates.free, values, call);
    return andThen(rows, (rows) => {
      if (isWritten(rows)) return true;
      if (!binds) return false;
      const bars = this.#run(this.#statements.bar, values, call);
      return andThen(bars, (rows) => isWritten(rows) && refuseLateLogin());
    });
  }
}

/** Checks whether statements have written a session. */
function isWritten(rows: readonly SqlRow[]): boolean {
  return rows.length > 0;
}
