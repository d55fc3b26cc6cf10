/**
 * The condition of a write to DynamoDB.
 *
 * @example Usage
 * ```ts
 * import type { DynamoDbConditionLike } from "@x/hono-session/stores/dynamodb";
 *
 * const isSecond: DynamoDbConditionLike = {
 *   ConditionExpression: "#version = :version",
 *   ExpressionAttributeNames: { "#version": "version" },
 *   ExpressionAttributeValues: { ":version": 2 },
 * };
 * console.assert(isSecond.ConditionExpression.includes("#version"));
 * ```
 */
export interface DynamoDbConditionLike {
  /** The condition. */
  ConditionExpression: string;
  /** The attribute names behind the placeholders that begin with `#`. */
  ExpressionAttributeNames: Record<string, string>;
  /** The values behind the placeholders that begin with `:`. */
  ExpressionAttributeValues: Record<string, unknown>;
}

/**
 * The table and the key of an item.
 *
 * @example Usage
 * ```ts
 * import type { DynamoDbKeyLike } from "@x/hono-session/stores/dynamodb";
 *
 * const item: DynamoDbKeyLike = { TableName: "sessions", Key: { pk: "session:Sxwn…" } };
 * console.assert(item.TableName === "sessions");
 * ```
 */
export interface DynamoDbKeyLike {
  /** The name of the table. */
  TableName: string;
  /** The key attributes of the item. */
  Key: Record<string, unknown>;
}

/**
 * An item, and the optional condition of its write.
 *
 * @example Usage
 * ```ts
 * import type { DynamoDbPutLike } from "@x/hono-session/stores/dynamodb";
 *
 * const put: DynamoDbPutLike = {
 *   TableName: "sessions",
 *   Item: { pk: "session:Sxwn…", expires: 1_893_456_000 },
 *   ConditionExpression: "attribute_not_exists(#expires) OR #expires <= :now",
 *   ExpressionAttributeNames: { "#expires": "expires" },
 *   ExpressionAttributeValues: { ":now": 1_800_000_000 },
 * };
 * console.assert(put.Item.expires === 1_893_456_000);
 * ```
 */
export interface DynamoDbPutLike extends Partial<DynamoDbConditionLike> {
  /** The name of the table. */
  TableName: string;
  /** All attributes of the item. */
  Item: Record<string, unknown>;
}

/**
 * One write of a transaction.
 *
 * @example Usage
 * ```ts
 * import type { DynamoDbTransactItemLike } from "@x/hono-session/stores/dynamodb";
 *
 * const items: DynamoDbTransactItemLike[] = [
 *   { Put: { TableName: "sessions", Item: { pk: "session:Sxwn…", sk: "session" } } },
 *   { Delete: { TableName: "sessions", Key: { pk: "session:b2Cv…", sk: "session" } } },
 * ];
 * console.assert(items.length <= 100);
 * ```
 */
export type DynamoDbTransactItemLike =
  | { Put: DynamoDbPutLike }
  | { Update: DynamoDbKeyLike & DynamoDbConditionLike & { UpdateExpression: string } }
  | { Delete: DynamoDbKeyLike & Partial<DynamoDbConditionLike> }
  | { ConditionCheck: DynamoDbKeyLike & DynamoDbConditionLike };

/**
 * A query of the items of a partition.
 *
 * @example Usage
 * ```ts
 * import type { DynamoDbQueryLike } from "@x/hono-session/stores/dynamodb";
 *
 * const query: DynamoDbQueryLike = {
 *   TableName: "sessions",
 *   KeyConditionExpression: "#pk = :pk",
 *   ExpressionAttributeNames: { "#pk": "pk" },
 *   ExpressionAttributeValues: { ":pk": "subject:user:42" },
 *   ConsistentRead: true,
 *   ScanIndexForward: false,
 *   Limit: 100,
 * };
 * console.assert(query.ExclusiveStartKey === undefined);
 * ```
 */
export interface DynamoDbQueryLike extends Omit<DynamoDbConditionLike, "ConditionExpression"> {
  /** The name of the table. */
  TableName: string;
  /** The condition of the partition key and the sort key. */
  KeyConditionExpression: string;
  /** Whether the read is strongly consistent. */
  ConsistentRead: boolean;
  /** Whether the items are in ascending order of their sort keys. */
  ScanIndexForward: boolean;
  /** The largest number of items in a response. */
  Limit: number;
  /** The key of the item to continue after. */
  ExclusiveStartKey?: Record<string, unknown>;
}

/**
 * The items of a table to read in a batch, and their attributes.
 *
 * @example Usage
 * ```ts
 * import type { DynamoDbKeysLike } from "@x/hono-session/stores/dynamodb";
 *
 * const keys: DynamoDbKeysLike = {
 *   Keys: [{ pk: "session:Sxwn…", sk: "session" }],
 *   ConsistentRead: true,
 *   ProjectionExpression: "#sid",
 *   ExpressionAttributeNames: { "#sid": "sid" },
 * };
 * console.assert(keys.Keys.length <= 100);
 * ```
 */
export interface DynamoDbKeysLike {
  /** The key attributes of the items. */
  Keys: Record<string, unknown>[];
  /** Whether the read is strongly consistent. */
  ConsistentRead: boolean;
  /** The attributes. */
  ProjectionExpression: string;
  /** The attribute names behind the placeholders that begin with `#`. */
  ExpressionAttributeNames: Record<string, string>;
}

/**
 * The options of a request to DynamoDB.
 *
 * @example Usage
 * ```ts
 * import type { DynamoDbCallOptionsLike } from "@x/hono-session/stores/dynamodb";
 *
 * const options: DynamoDbCallOptionsLike = { abortSignal: AbortSignal.timeout(5000) };
 * console.assert(!options.abortSignal.aborted);
 * ```
 */
export interface DynamoDbCallOptionsLike {
  /** Aborts the request. */
  abortSignal: AbortSignal;
}

/**
 * The methods of the `DynamoDBDocument` of `@aws-sdk/lib-dynamodb` that this store uses.
 *
 * @example Usage
 * ```ts
 * import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
 * import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";
 * import type { DynamoDbDocumentLike } from "@x/hono-session/stores/dynamodb";
 *
 * const client = new DynamoDBClient({ region: "eu-central-1" });
 * const document: DynamoDbDocumentLike = DynamoDBDocument.from(client);
 * console.assert(typeof document.get === "function");
 * client.destroy();
 * ```
 */
export interface DynamoDbDocumentLike {
  /**
   * Reads an item.
   *
   * @param input The item, and the consistency of the read.
   * @param options The abort signal.
   * @returns `Item`: the attributes; absent when there is no item.
   */
  get(
    input: DynamoDbKeyLike & { ConsistentRead: boolean },
    options?: DynamoDbCallOptionsLike,
  ): Promise<{ Item?: Record<string, unknown> | undefined }>;
  /**
   * Writes or replaces an item.
   *
   * @param input The item and its condition.
   * @param options The abort signal.
   */
  put(input: DynamoDbPutLike, options?: DynamoDbCallOptionsLike): Promise<unknown>;
  /**
   * Changes some attributes of an item.
   *
   * @param input The item, the change and its condition.
   * @param options The abort signal.
   */
  update(
    input: DynamoDbKeyLike & DynamoDbConditionLike & { UpdateExpression: string },
    options?: DynamoDbCallOptionsLike,
  ): Promise<unknown>;
  /**
   * Deletes an item.
   *
   * @param input The item, its optional condition, and whether to return its attributes.
   * @param options The abort signal.
   * @returns `Attributes`: the deleted item, if requested.
   */
  delete(
    input: DynamoDbKeyLike & Partial<DynamoDbConditionLike> & { ReturnValues?: "ALL_OLD" },
    options?: DynamoDbCallOptionsLike,
  ): Promise<{ Attributes?: Record<string, unknown> | undefined }>;
  /**
   * Does several writes in one transaction.
   *
   * @param input The writes, with their conditions.
   * @param options The abort signal.
   */
  transactWrite(
    input: { TransactItems: DynamoDbTransactItemLike[] },
    options?: DynamoDbCallOptionsLike,
  ): Promise<unknown>;
  /**
   * Reads items of one partition. Only used for sessions with a subject.
   *
   * @param input The query.
   * @param options The abort signal.
   * @returns `Items`, and in `LastEvaluatedKey` the start of the next page, if any.
   */
  query(input: DynamoDbQueryLike, options?: DynamoDbCallOptionsLike): Promise<{
    Items?: Record<string, unknown>[] | undefined;
    LastEvaluatedKey?: Record<string, unknown> | undefined;
  }>;
  /**
   * Reads up to 100 items. Only used for sessions with a subject.
   *
   * @param input Their keys, by the name of the table.
   * @param options The abort signal.
   * @returns `Responses`: the existing items; and `UnprocessedKeys`: the keys to request again.
   */
  batchGet(
    input: { RequestItems: Record<string, DynamoDbKeysLike> },
    options?: DynamoDbCallOptionsLike,
  ): Promise<{
    Responses?: Record<string, Record<string, unknown>[]> | undefined;
    UnprocessedKeys?:
      | Record<string, { Keys: Record<string, unknown>[] | undefined }>
      | undefined;
  }>;
  /**
   * Deletes up to 25 items, not in a transaction. Only used for sessions with a subject.
   *
   * @param input Their keys, by the name of the table.
   * @param options The abort signal.
   * @returns `UnprocessedItems`: the items to request again.
   */
  batchWrite(
    input: { RequestItems: Record<string, { DeleteRequest: { Key: Record<string, unknown> } }[]> },
    options?: DynamoDbCallOptionsLike,
  ): Promise<{
    UnprocessedItems?:
      | Record<
        string,
        { DeleteRequest?: { Key: Record<string, unknown> | undefined } | undefined }[]
      >
      | undefined;
  }>;
}
