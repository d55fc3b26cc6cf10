/**
 * Sessions in Amazon DynamoDB, through the `DynamoDBDocument` of `@aws-sdk/lib-dynamodb`.
 *
 * The table needs a partition key `pk` of type string, and its time to live set to the attribute `expires`;
 * options take other names. With a sort key, `sk` for example, it also lists the sessions of a subject. No secondary
 * index is needed.
 *
 * @example Usage
 * ```ts
 * import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
 * import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
 * import { session } from "@x/hono-session";
 * import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const client = new DynamoDBClient({ region: "eu-central-1" });
 * const store = new DynamoDbStore({
 *   document: DynamoDBDocument.from(client),
 *   tableName: "sessions",
 * });
 *
 * const app = new Hono().use(session<{ name?: string }>({ store }))
 *   .get("/", (c) => c.text(`hello ${c.var.session.name ?? "stranger"}`));
 *
 * // Without a session there is nothing to ask the database.
 * assertEquals(await (await app.request("/")).text(), "hello stranger");
 * client.destroy();
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
import type { Awaitable } from "../src/util/awaitable.ts";
import { type Clock, systemClock } from "../src/util/clock.ts";
import { transition } from "./dynamodb/binding.ts";
import { Call, type Mark, type Write } from "./dynamodb/call.ts";
import { type Change, make, remove } from "./dynamodb/change.ts";
import { findDocument } from "./dynamodb/document.ts";
import { changeOf, isFree, isStill } from "./dynamodb/expressions.ts";
import { readGeneration } from "./dynamodb/generation.ts";
import {
  checkSize,
  MAX_BYTES,
  toAttributes,
  toRecord,
  toSeconds,
  WRITE_ID,
} from "./dynamodb/item.ts";
import type {
  DynamoDbCallOptionsLike,
  DynamoDbConditionLike,
  DynamoDbDocumentLike,
  DynamoDbKeyLike,
  DynamoDbKeysLike,
  DynamoDbPutLike,
  DynamoDbQueryLike,
  DynamoDbTransactItemLike,
} from "./dynamodb/like.ts";
import { type DynamoDbStoreOptions, layoutOf } from "./dynamodb/options.ts";
import { SubjectIndex } from "./dynamodb/subject_index.ts";
import { Table } from "./dynamodb/table.ts";

export type {
  DynamoDbCallOptionsLike,
  DynamoDbConditionLike,
  DynamoDbDocumentLike,
  DynamoDbKeyLike,
  DynamoDbKeysLike,
  DynamoDbPutLike,
  DynamoDbQueryLike,
  DynamoDbStoreOptions,
  DynamoDbTransactItemLike,
};

/**
 * Keeps sessions in Amazon DynamoDB. Every promise of the store contract holds, also between processes and
 * machines in one region; in a global table only among those that use the same replica.
 *
 * A record is one item with an attribute for each member. Reads are consistent ones; DynamoDB deletes what has
 * expired up to days late, so the time in the record decides. Writes are conditional, and a session moves to
 * another key in one transaction; on servers without transactions, as some that speak the same protocol, the
 * old item is deleted first, and an answer that is lost in between ends the session.
 *
 * With a `sortKey` the sessions of a subject can be listed and ended. As long as a session is a subject's it has an
 * entry. Where that begins or ends, record and entry are written in one transaction, for which DynamoDB charges
 * twice; where the end of such a session moves later, its entry is written before. It takes the permissions
 * `dynamodb:ConditionCheckItem`, `dynamodb:Query`, `dynamodb:BatchGetItem` and `dynamodb:BatchWriteItem`. On servers
 * without transactions the entry is written first and removed last: a process that dies in between leaves an entry that
 * shows nothing and lies there until its time is over. Only there, a process that dies in a login just while all
 * sessions of the subject are being ended may leave a session, which the list shows.
 *
 * The client repeats a request whose answer was lost. The repetition of a write that was done would fail its
 * own condition, so each write leaves a mark by which it is known again. Only when a third request wrote in
 * between is it taken for a conflict.
 *
 * Throttling and all other failures reject; only a condition that does not hold is the answer `false`. A write
 * that meets a transaction on the same item is tried again for about a second.
 *
 * @example Usage
 * ```ts
 * import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
 * import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
 * import { DynamoDbStore } from "@x/hono-session/stores/dynamodb";
 * import { assertEquals } from "@std/assert";
 *
 * const client = new DynamoDBClient({ region: "eu-central-1" });
 * const document = DynamoDBDocument.from(client);
 * const store = new DynamoDbStore({ document, tableName: "sessions", sortKey: "sk" });
 * assertEquals(store.capabilities.atomic, true);
 * client.destroy();
 * ```
 */
export class DynamoDbStore implements SessionStore {
  /** Atomic and strongly consistent, also between processes; with an index when there is a `sortKey`. */
  readonly capabilities: StoreCapabilities;
  readonly #document: DynamoDbStoreOptions["document"];
  readonly #table: Table;
  readonly #index: SubjectIndex | undefined;
  readonly #clock: Clock;

  /**
   * Asks the database nothing yet.
   *
   * @param options Which table.
   * @throws {TypeError} When an option is missing or of the wrong type, when `key` comes with `primaryKey`,
   * `prefix` or `sortKey`, or when the names of attributes collide with each other or with those of a record.
   */
  constructor(options: DynamoDbStoreOptions) {
    const layout = layoutOf(options);
    this.#document = options.document;
    this.#clock = options.clock ?? systemClock;
    this.#table = new Table(options.tableName, layout);
    this.#index = layout.index && new SubjectIndex(this.#table, layout.index, this.#clock);
    this.capabilities = {
      atomic: true,
      index: this.#index !== undefined,
      ...(this.#index ? { ordered: true } : {}),
      consistency: "strong",
      maxBytes: MAX_BYTES,
      abortable: true,
    };
  }

  /**
   * The record under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The record, or `undefined` when there is none or it has expired.
   * @throws {TypeError} When no document is found.
   */
  async read(key: string, c?: unknown, signal?: AbortSignal): Promise<SessionRecord | undefined> {
    const item = this.#table.itemOf(key);
    const record = toRecord(
      this.#table.layout,
      await this.#call((call) => call.get(item), c, signal),
    );
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
   * @throws {SessionTooLargeError} When it is larger than 400,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   * @throws {TypeError} When no document is found.
   */
  async create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { Put, mark } = this.#put(key, record, isFree(this.#table.layout, this.#clock()));
    const moves = transition(this.#table, undefined, { key, record });
    return await this.#make({ writes: [{ Put }], mark, ...moves }, c, signal);
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
   * @throws {SessionTooLargeError} When it is larger than 400,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   * @throws {TypeError} When no document is found.
   */
  async update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const still = isStill(this.#table.layout, { previous, now: this.#clock() });
    const { Put, mark } = this.#put(key, record, still);
    const moves = transition(this.#table, { key, record: previous }, { key, record });
    return await this.#make({ writes: [{ Put }], mark, ...moves }, c, signal);
  }

  /**
   * Moves a session to another key, in one transaction where the server has them.
   *
   * @param key The key until now.
   * @param next The key from now on and its record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns Whether it was moved.
   * @throws {SessionTooLargeError} When it is larger than 400,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   * @throws {TypeError} When no document is found.
   */
  async replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const now = this.#clock();
    const { layout } = this.#table;
    const { Put, mark } = this.#put(next.key, next.record, isFree(layout, now));
    const still = isStill(layout, { previous, now });
    const leave: Write = next.left
      ? { Put: this.#put(key, next.left, still).Put }
      : { Delete: { ...this.#table.itemOf(key), ...still } };
    const moves = transition(this.#table, { key, record: previous }, next);
    // What leads to the session must not be there before it.
    const change: Change = next.left?.successor === undefined
      ? { writes: [leave, { Put }], mark, ...moves }
      : {
        writes: [{ Put }, leave],
        undo: { Delete: this.#table.itemOf(next.key) },
        mark,
        ...moves,
      };
    return await this.#make(change, c, signal);
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
   * @throws {TypeError} When no document is found.
   */
  async touch(
    key: string,
    times: SessionTimes,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { layout } = this.#table;
    const condition = isStill(layout, { previous, now: this.#clock() });
    const Update = { ...this.#table.itemOf(key), ...changeOf(layout, { times, condition }) };
    const record = { ...previous, ...times };
    const moves = transition(this.#table, { key, record: previous }, { key, record });
    return await this.#make({ writes: [{ Update }], ...moves }, c, signal);
  }

  /**
   * Deletes a record.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @throws {TypeError} When no document is found.
   */
  async delete(key: string, c?: unknown, signal?: AbortSignal): Promise<void> {
    await this.#call((call) => remove(call, key), c, signal);
  }

  /**
   * The live sessions of a subject, and nothing of their data. No more entries and records are read than are wanted.
   *
   * @param subject The subject.
   * @param page Which part of them.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The sessions.
   * @throws {TypeError} When the store has no `sortKey`, or no document is found.
   */
  async *list(
    subject: string,
    page: ListPage = {},
    c?: unknown,
    signal?: AbortSignal,
  ): AsyncGenerator<ListedSession> {
    const index = this.#needIndex("list");
    yield* await this.#call((call) => Promise.resolve(index.list(subject, page, call)), c, signal);
  }

  /**
   * The present generation of a subject's sessions.
   *
   * @param subject The subject.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The generation, 0 where none is remembered or the store has no `sortKey`.
   * @throws {TypeError} When no document is found.
   */
  generation(subject: string, c?: unknown, signal?: AbortSignal): Awaitable<number> {
    if (!this.#index) return 0;
    return this.#call((call) => readGeneration(call, subject), c, signal);
  }

  /**
   * Ends all sessions of a subject, those that are on their way included.
   *
   * @param subject The subject.
   * @param options Which one stays.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns How many were ended.
   * @throws {TypeError} When the store has no `sortKey`, or no document is found.
   */
  async deleteAll(
    subject: string,
    options: DeleteAllOptions,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<number> {
    const index = this.#needIndex("end");
    return await this.#call((call) => index.deleteAll(subject, options, call), c, signal);
  }

  #needIndex(action: string): SubjectIndex {
    if (this.#index) return this.#index;
    throw new TypeError(
      `Cannot ${action} sessions of a subject: DynamoDbStore needs a table with a sort key, and the option sortKey`,
    );
  }

  async #make(change: Change, c: unknown, signal: AbortSignal | undefined): Promise<boolean> {
    return await this.#call((call) => make(call, change), c, signal);
  }

  /** Runs an operation over its document, at once where that need not be found. */
  async #call<Result>(
    run: (call: Call) => Promise<Result>,
    c: unknown,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const given = this.#document;
    const document = typeof given === "function" ? await findDocument(given, c) : given;
    return await run(new Call(this.#table, document, signal));
  }

  #put(
    key: string,
    record: SessionRecord,
    condition: DynamoDbConditionLike,
  ): { Put: DynamoDbPutLike; mark: Mark } {
    checkSize(record);
    const { layout } = this.#table;
    const { TableName, Key } = this.#table.itemOf(key);
    const mark = { key, id: crypto.randomUUID() };
    const Item = {
      ...toAttributes(layout, record),
      [layout.expiresAttr]: toSeconds(record.expiresAt),
      [layout.nameOf(WRITE_ID)]: mark.id,
      ...Key,
    };
    return { Put: { TableName, Item, ...condition }, mark };
  }
}
