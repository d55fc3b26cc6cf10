/**
 * Sessions in Amazon DynamoDB, through the `DynamoDBDocument` of `@aws-sdk/lib-dynamodb`.
 *
 * The table requires a partition key `pk` of type string, and `expires` as its time-to-live attribute; options
 * set other names. With a sort key, such as `sk`, the store also lists the sessions of a subject. No secondary
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
 * Keeps sessions in Amazon DynamoDB. Every guarantee of the store contract holds, also between processes and
 * machines in one region; in a global table only among those that use the same replica.
 *
 * A record is one item with an attribute for each member. Reads are consistent. DynamoDB deletes expired items
 * up to days late, so the expiry in the record decides. Writes are conditional, and a session moves to another
 * key in one transaction. On compatible servers without transactions, the old item is deleted first, and a
 * response that is lost in between ends the session.
 *
 * With a `sortKey` the sessions of a subject can be listed and ended. A session has an entry while it is bound
 * to a subject. When it is bound or unbound, record and entry are written in one transaction, for which
 * DynamoDB charges twice; when its expiry moves later, its entry is written first. This requires the
 * permissions `dynamodb:ConditionCheckItem`, `dynamodb:Query`, `dynamodb:BatchGetItem` and
 * `dynamodb:BatchWriteItem`. On servers without transactions the entry is written first and removed last: after
 * a crash in between, an entry without a session remains until it expires. There, a crash during a login while
 * all sessions of the subject are being ended may leave a session; the list shows it.
 *
 * The client repeats a request whose response was lost. The repetition of a successful write would fail its own
 * condition, so each write leaves an identifier by which it is recognized. It counts as a conflict only if
 * another request wrote in between.
 *
 * Throttling and all other failures reject; only a failed condition returns `false`. A write that conflicts
 * with a transaction on the same item is retried for about a second.
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
   * Creates the store. It does not access the database yet.
   *
   * @param options The table, and other options.
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
   * Reads the record under a key.
   *
   * @param key The key.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The record, or `undefined` when there is none or it has expired.
   * @throws {TypeError} When no document was found.
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
   * Stores a record under a new key.
   *
   * @param key The key.
   * @param record The record.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 400,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no document was found.
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
   * Replaces the record that was read.
   *
   * @param key The key.
   * @param record The record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was stored.
   * @throws {SessionTooLargeError} When it is larger than 400,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no document was found.
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
   * Moves a session to another key, in one transaction if the server supports transactions.
   *
   * @param key The previous key.
   * @param next The new key and its record.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether it was moved.
   * @throws {SessionTooLargeError} When it is larger than 400,000 bytes.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   * @throws {TypeError} When no document was found.
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
    // A trace that leads to the session must not exist before the session.
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
   * Changes the times of a record.
   *
   * @param key The key.
   * @param times The new times.
   * @param previous The record that was read.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns Whether they were changed.
   * @throws {TypeError} When no document was found.
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
   * @param signal Aborts the operation.
   * @throws {TypeError} When no document was found.
   */
  async delete(key: string, c?: unknown, signal?: AbortSignal): Promise<void> {
    await this.#call((call) => remove(call, key), c, signal);
  }

  /**
   * Lists the live sessions of a subject, without their data. It reads only the requested entries and records.
   *
   * @param subject The subject.
   * @param page The part of the list.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The sessions.
   * @throws {TypeError} When the store has no `sortKey`, or no document was found.
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
   * Returns the current generation of a subject's sessions.
   *
   * @param subject The subject.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The generation; 0 when none is stored or the store has no `sortKey`.
   * @throws {TypeError} When no document was found.
   */
  generation(subject: string, c?: unknown, signal?: AbortSignal): Awaitable<number> {
    if (!this.#index) return 0;
    return this.#call((call) => readGeneration(call, subject), c, signal);
  }

  /**
   * Ends all sessions of a subject, including logins in flight.
   *
   * @param subject The subject.
   * @param options The session that is not ended.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The number of sessions that were ended.
   * @throws {TypeError} When the store has no `sortKey`, or no document was found.
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
      `Cannot ${action} sessions of a subject: DynamoDbStore requires a table with a sort key, and the option sortKey`,
    );
  }

  async #make(change: Change, c: unknown, signal: AbortSignal | undefined): Promise<boolean> {
    return await this.#call((call) => make(call, change), c, signal);
  }

  /** Runs an operation with its document; synchronously when the document is fixed. */
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
