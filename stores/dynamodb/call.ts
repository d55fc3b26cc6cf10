import { refuseLateLogin } from "../../src/store/late_login.ts";
import { failureOf } from "./failure.ts";
import { WRITE_ID } from "./item.ts";
import type {
  DynamoDbCallOptionsLike,
  DynamoDbDocumentLike,
  DynamoDbKeyLike,
  DynamoDbTransactItemLike,
} from "./like.ts";
import type { Table } from "./table.ts";

/** The number of tries while other requests write the same items, or while the server is busy. */
export const TRIES = 10;

/** A write of one item. */
export type Write = Exclude<DynamoDbTransactItemLike, { ConditionCheck: unknown }>;

/** The key of a write, and the identifier by which it is recognized. */
export interface Mark {
  readonly key: string;
  readonly id: string;
}

/** Information that helps to find the reason of a refused write. */
interface Clues {
  readonly mark?: Mark | undefined;
  /** The position of the generation check in the transaction. */
  readonly present?: number | undefined;
}

/** One operation of a store, with its requests. */
export class Call {
  readonly table: Table;
  readonly document: DynamoDbDocumentLike;
  readonly options: DynamoDbCallOptionsLike | undefined;

  constructor(table: Table, document: DynamoDbDocumentLike, signal: AbortSignal | undefined) {
    this.table = table;
    this.document = document;
    this.options = signal && { abortSignal: signal };
  }

  async get(item: DynamoDbKeyLike): Promise<Record<string, unknown>> {
    const input = { ...item, ConsistentRead: true };
    const { Item = {} } = await this.document.get(input, this.options);
    return Item;
  }

  /** Writes an item. Returns `false` when its condition fails. */
  async write(write: Write, clues: Clues = {}): Promise<boolean> {
    const { document, options } = this;
    return await this.#run(
      "Put" in write
        ? () => document.put(write.Put, options)
        : "Update" in write
        ? () => document.update(write.Update, options)
        : () => document.delete(write.Delete, options),
      clues,
    );
  }

  /** Deletes an item and returns its attributes. */
  async take(item: DynamoDbKeyLike): Promise<Record<string, unknown>> {
    let taken: Record<string, unknown> = {};
    await this.#run(async () => {
      const input = { ...item, ReturnValues: "ALL_OLD" as const };
      const { Attributes = {} } = await this.document.delete(input, this.options);
      taken = Attributes;
    });
    return taken;
  }

  /**
   * Does several writes in one transaction. Returns `false` when a condition fails, and `undefined` when the
   * server has no transactions.
   *
   * @throws {SessionEndedError} When only the check of the current generation failed.
   */
  async transact(
    items: DynamoDbTransactItemLike[],
    clues: Clues = {},
  ): Promise<boolean | undefined> {
    const { table: { withoutTransactions }, document, options } = this;
    if (withoutTransactions.has(document)) return undefined;
    const input = { TransactItems: items };
    try {
      return await this.#run(() => document.transactWrite(input, options), clues);
    } catch (error) {
      if (failureOf(error).reason !== "unknown operation") throw error;
      withoutTransactions.add(document);
      return undefined;
    }
  }

  async #run(
    send: () => Promise<unknown>,
    { mark, present }: Clues = {},
  ): Promise<boolean> {
    let mayBeDone = false;
    for (let tries = 1;; tries++) {
      try {
        await send();
        return true;
      } catch (error) {
        const { reason, isRepeated, refused } = failureOf(error);
        mayBeDone ||= isRepeated;
        if (reason === "refused") {
          // This is rare enough for another read, which every server supports, unlike
          // ReturnValuesOnConditionCheckFailure.
          if (mayBeDone && mark) {
            const item = await this.get(this.table.itemOf(mark.key));
            if (item[this.table.layout.nameOf(WRITE_ID)] === mark.id) return true;
          }
          if (refused.length > 0 && refused.every((place) => place === present)) refuseLateLogin();
          return false;
        }
        if (reason !== "busy" || tries === TRIES) throw error;
      }
      await pause(tries);
    }
  }
}

/** Waits with growing, random pauses. */
export function pause(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 40 * tries));
}
