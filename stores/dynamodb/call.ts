import { SessionEndedError } from "../../src/errors.ts";
import { failureOf } from "./failure.ts";
import { WRITE_ID } from "./item.ts";
import type {
  DynamoDbCallOptionsLike,
  DynamoDbDocumentLike,
  DynamoDbKeyLike,
  DynamoDbTransactItemLike,
} from "./like.ts";
import type { Table } from "./table.ts";

/** How often something is tried while others write the same items, or while there is too much to do. */
export const TRIES = 10;

/** A write of one item. */
export type Write = Exclude<DynamoDbTransactItemLike, { ConditionCheck: unknown }>;

/** The key that a write puts a record under, and what it leaves there to be known again by. */
export interface Mark {
  readonly key: string;
  readonly id: string;
}

/** What helps to tell why a write was refused. */
interface Clues {
  readonly mark?: Mark | undefined;
  /** The place in a transaction of the check of the present generation. */
  readonly present?: number | undefined;
}

/** One operation of a store: the requests that it takes. */
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

  /** Whether a write was done rather than refused. */
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

  /** Deletes an item and tells what it was. */
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
   * Whether several writes were done in one step rather than refused; `undefined` where the server has no such
   * step.
   *
   * @throws {SessionEndedError} When nothing but the check of the present generation failed.
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
          // Rare enough for one more read, which unlike ReturnValuesOnConditionCheckFailure every server knows.
          if (mayBeDone && mark) {
            const item = await this.get(this.table.itemOf(mark.key));
            if (item[this.table.layout.nameOf(WRITE_ID)] === mark.id) return true;
          }
          if (refused.length > 0 && refused.every((place) => place === present)) refuse();
          return false;
        }
        if (reason !== "busy" || tries === TRIES) throw error;
      }
      await pause(tries);
    }
  }
}

/** Waits a while that grows with the tries and that no two requests share. */
export function pause(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 40 * tries));
}

/**
 * Refuses to store a session.
 *
 * @throws {SessionEndedError} Always.
 */
export function refuse(): never {
  throw new SessionEndedError(
    "Cannot store session: all sessions of its subject were ended; log in again",
  );
}
