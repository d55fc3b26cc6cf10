/**
 * Sessions in Amazon DynamoDB, through the `DynamoDBDocument` of `@aws-sdk/lib-dynamodb`.
 *
 * The table needs a partition key `pk` of type string, and its time to live set to the attribute `expires`;
 * options take other names. No index is needed.
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

import type { SessionRecord, SessionTimes } from "../src/record.ts";
import {
  type Clock,
  type SessionStore,
  type StoreCapabilities,
  type StoreReplacement,
  systemClock,
} from "../src/store.ts";
import { findDocument } from "./dynamodb/document.ts";
import { changeOf, isFree, isStill } from "./dynamodb/expressions.ts";
import { failureOf } from "./dynamodb/failure.ts";
import { checkSize, MAX_BYTES, toRecord, toSeconds, WRITE_ID } from "./dynamodb/item.ts";
import type {
  DynamoDbCallOptionsLike,
  DynamoDbConditionLike,
  DynamoDbDocumentLike,
  DynamoDbKeyLike,
  DynamoDbPutLike,
} from "./dynamodb/like.ts";
import { type DynamoDbStoreOptions, type Layout, layoutOf } from "./dynamodb/options.ts";

export type {
  DynamoDbCallOptionsLike,
  DynamoDbConditionLike,
  DynamoDbDocumentLike,
  DynamoDbKeyLike,
  DynamoDbPutLike,
  DynamoDbStoreOptions,
};

/** How often a write is tried while others write the same item. */
const TRIES = 10;

/** One write to the database. */
interface Write {
  /** Asks the database for it. */
  run(
    document: DynamoDbDocumentLike,
    options: DynamoDbCallOptionsLike | undefined,
  ): Promise<unknown>;
  /** The key that it puts a record under, and the mark that it leaves there. */
  readonly mark?: { readonly key: string; readonly id: string };
}

/** What one operation runs with. */
interface Call {
  readonly document: DynamoDbDocumentLike;
  readonly options: DynamoDbCallOptionsLike | undefined;
}

/**
 * Keeps sessions in Amazon DynamoDB. Every promise of the store contract holds, also between processes and
 * machines in one region; in a global table only among those that use the same replica.
 *
 * A record is one item with an attribute for each member. Reads are consistent ones; DynamoDB deletes what has
 * expired up to days late, so the time in the record decides. Writes are conditional, and a session moves to
 * another key in one transaction; on servers without transactions, as some that speak the same protocol, the
 * old item is deleted first, and an answer that is lost in between ends the session.
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
  /** Atomic and strongly consistent, also between processes. */
  readonly capabilities: StoreCapabilities = {
    atomic: true,
    index: false,
    consistency: "strong",
    maxBytes: MAX_BYTES,
    abortable: true,
  };
  readonly #document: DynamoDbStoreOptions["document"];
  readonly #tableName: string;
  readonly #layout: Layout;
  readonly #clock: Clock;
  /** The documents whose server has no transactions. */
  readonly #withoutTransactions = new WeakSet<DynamoDbDocumentLike>();

  /**
   * Asks the database nothing yet.
   *
   * @param options Which table.
   * @throws {TypeError} When an option is missing or of the wrong type, when `key` comes with `primaryKey` or
   * `sortKey`, or when the names of attributes collide with each other or with those of a record.
   */
  constructor(options: DynamoDbStoreOptions) {
    this.#layout = layoutOf(options);
    this.#document = options.document;
    this.#tableName = options.tableName;
    this.#clock = options.clock ?? systemClock;
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
    const record = toRecord(await this.#call((call) => this.#get(key, call), c, signal));
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
   * @throws {TypeError} When no document is found.
   */
  async create(
    key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const put = this.#put(key, record, isFree(this.#clock()));
    return await this.#call((call) => this.#write(put, call), c, signal);
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
   * @throws {TypeError} When no document is found.
   */
  async update(
    key: string,
    record: SessionRecord,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const put = this.#put(key, record, isStill(previous, this.#clock()));
    return await this.#call((call) => this.#write(put, call), c, signal);
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
   * @throws {TypeError} When no document is found.
   */
  async replace(
    key: string,
    next: StoreReplacement,
    previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const put = this.#put(next.key, next.record, isFree(this.#clock()));
    const old = { ...this.#item(key), ...isStill(previous, this.#clock()) };
    return await this.#call(
      async (call) => {
        if (!this.#withoutTransactions.has(call.document)) {
          const TransactItems = [{ Delete: old }, { Put: put.input }];
          const run: Write["run"] = (document, options) =>
            document.transactWrite({ TransactItems }, options);
          try {
            return await this.#write({ run, mark: put.mark }, call);
          } catch (error) {
            if (failureOf(error).reason !== "unknown operation") throw error;
            this.#withoutTransactions.add(call.document);
          }
        }
        const removal: Write = { run: (document, options) => document.delete(old, options) };
        return await this.#write(removal, call) && await this.#write(put, call);
      },
      c,
      signal,
    );
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
    const condition = isStill(previous, this.#clock());
    const input = { ...this.#item(key), ...changeOf(times, this.#layout.expiresAttr, condition) };
    const write: Write = { run: (document, options) => document.update(input, options) };
    return await this.#call((call) => this.#write(write, call), c, signal);
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
    const item = this.#item(key);
    const write: Write = { run: (document, options) => document.delete(item, options) };
    await this.#call((call) => this.#write(write, call), c, signal);
  }

  /** Runs an operation over its document, at once where that need not be found. */
  async #call<Result>(
    run: (call: Call) => Promise<Result>,
    c: unknown,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    const given = this.#document;
    const document = typeof given === "function" ? await findDocument(given, c) : given;
    return await run({ document, options: signal && { abortSignal: signal } });
  }

  /** Whether a write was done rather than refused. */
  async #write({ run, mark }: Write, call: Call): Promise<boolean> {
    let mayBeDone = false;
    for (let tries = 1;; tries++) {
      try {
        await run(call.document, call.options);
        return true;
      } catch (error) {
        const { reason, isRepeated } = failureOf(error);
        mayBeDone ||= isRepeated;
        if (reason === "refused") {
          // Rare enough for one more read, which unlike ReturnValuesOnConditionCheckFailure every server knows.
          return mayBeDone && mark !== undefined &&
            (await this.#get(mark.key, call))[WRITE_ID] === mark.id;
        }
        if (reason !== "busy" || tries === TRIES) throw error;
      }
      await pause(tries);
    }
  }

  async #get(key: string, { document, options }: Call): Promise<Record<string, unknown>> {
    const input = { ...this.#item(key), ConsistentRead: true };
    const { Item = {} } = await document.get(input, options);
    return Item;
  }

  #put(
    key: string,
    record: SessionRecord,
    condition: DynamoDbConditionLike,
  ): Required<Write> & { input: DynamoDbPutLike } {
    checkSize(record);
    const { TableName, Key } = this.#item(key);
    const mark = { key, id: crypto.randomUUID() };
    const Item = {
      ...record,
      [this.#layout.expiresAttr]: toSeconds(record.expiresAt),
      [WRITE_ID]: mark.id,
      ...Key,
    };
    const input = { TableName, Item, ...condition };
    return { input, mark, run: (document, options) => document.put(input, options) };
  }

  #item(key: string): DynamoDbKeyLike {
    return { TableName: this.#tableName, Key: this.#layout.toKey(key) };
  }
}

/** Waits a while that grows with the tries and that no two requests share. */
function pause(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 40 * tries));
}
