import type { DynamoDbDocumentLike, DynamoDbKeyLike } from "./like.ts";
import type { Layout } from "./layout.ts";

/** A table and its layout. */
export class Table {
  readonly name: string;
  readonly layout: Layout;
  /** The documents whose servers have no transactions. */
  readonly withoutTransactions = new WeakSet<DynamoDbDocumentLike>();

  constructor(name: string, layout: Layout) {
    this.name = name;
    this.layout = layout;
  }

  /** Returns the key of the item of a session. */
  itemOf(key: string): DynamoDbKeyLike {
    return { TableName: this.name, Key: this.layout.toKey(key) };
  }
}
