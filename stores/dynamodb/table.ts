import type { DynamoDbDocumentLike, DynamoDbKeyLike } from "./like.ts";
import type { Layout } from "./layout.ts";

/** A table, and how sessions lie in it. */
export class Table {
  readonly name: string;
  readonly layout: Layout;
  /** The documents whose server has no transactions. */
  readonly withoutTransactions = new WeakSet<DynamoDbDocumentLike>();

  constructor(name: string, layout: Layout) {
    this.name = name;
    this.layout = layout;
  }

  /** The item of a session. */
  itemOf(key: string): DynamoDbKeyLike {
    return { TableName: this.name, Key: this.layout.toKey(key) };
  }
}
