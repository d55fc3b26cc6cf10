/**
 * What a write to DynamoDB depends on.
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
 * Which item of which table.
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
 * A whole item, and what has to hold for it to be written, if anything.
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
 * One of the writes that are done in one step.
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
 * Which items of a partition are read, and from where on.
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
  /** Which partition, and which of its sort keys. */
  KeyConditionExpression: string;
  /** Whether writes that were answered before are seen. */
  ConsistentRead: boolean;
  /** Whether the items come in the order of their sort keys, the last one first when `false`. */
  ScanIndexForward: boolean;
  /** How many items one answer holds at most. */
  Limit: number;
  /** The key of the item to go on after. */
  ExclusiveStartKey?: Record<string, unknown>;
}

/**
 * Which items of a table are read together, and which of their attributes.
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
  /** The key attributes of each item. */
  Keys: Record<string, unknown>[];
  /** Whether writes that were answered before are seen. */
  ConsistentRead: boolean;
  /** The attributes. */
  ProjectionExpression: string;
  /** The attribute names behind the placeholders that begin with `#`. */
  ExpressionAttributeNames: Record<string, string>;
}

/**
 * How a request to DynamoDB is called off.
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
  /** Fires when the request is not wanted any more. */
  abortSignal: AbortSignal;
}

/**
 * What this store needs of DynamoDB: the `DynamoDBDocument` of `@aws-sdk/lib-dynamodb`.
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
   * @param input The item, and that the read is a consistent one.
   * @param options How to call it off.
   * @returns `Item`: the attributes, or none when there is no item.
   */
  get(
    input: DynamoDbKeyLike & { ConsistentRead: boolean },
    options?: DynamoDbCallOptionsLike,
  ): Promise<{ Item?: Record<string, unknown> | undefined }>;
  /**
   * Writes an item in place of what is there.
   *
   * @param input The item and its condition.
   * @param options How to call it off.
   */
  put(input: DynamoDbPutLike, options?: DynamoDbCallOptionsLike): Promise<unknown>;
  /**
   * Changes some attributes of an item.
   *
   * @param input The item, the change and its condition.
   * @param options How to call it off.
   */
  update(
    input: DynamoDbKeyLike & DynamoDbConditionLike & { UpdateExpression: string },
    options?: DynamoDbCallOptionsLike,
  ): Promise<unknown>;
  /**
   * Deletes an item.
   *
   * @param input The item, its condition, if it has one, and whether to tell what it was.
   * @param options How to call it off.
   * @returns `Attributes`: what the item was, where that was asked for.
   */
  delete(
    input: DynamoDbKeyLike & Partial<DynamoDbConditionLike> & { ReturnValues?: "ALL_OLD" },
    options?: DynamoDbCallOptionsLike,
  ): Promise<{ Attributes?: Record<string, unknown> | undefined }>;
  /**
   * Does several writes in one step, or none of them.
   *
   * @param input All of them, with their conditions.
   * @param options How to call it off.
   */
  transactWrite(
    input: { TransactItems: DynamoDbTransactItemLike[] },
    options?: DynamoDbCallOptionsLike,
  ): Promise<unknown>;
  /**
   * Reads items of one partition. Only sessions with a subject need it.
   *
   * @param input Which ones, and from where on.
   * @param options How to call it off.
   * @returns `Items`, and as `LastEvaluatedKey` where the next answer begins, if there is more.
   */
  query(input: DynamoDbQueryLike, options?: DynamoDbCallOptionsLike): Promise<{
    Items?: Record<string, unknown>[] | undefined;
    LastEvaluatedKey?: Record<string, unknown> | undefined;
  }>;
  /**
   * Reads up to 100 items. Only sessions with a subject need it.
   *
   * @param input Their keys, by the name of the table.
   * @param options How to call it off.
   * @returns `Responses`: the items that there are, and as `UnprocessedKeys` what is to be asked for once more.
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
   * Deletes up to 25 items, each by itself. Only sessions with a subject need it.
   *
   * @param input Their keys, by the name of the table.
   * @param options How to call it off.
   * @returns As `UnprocessedItems` what is to be asked for once more.
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
