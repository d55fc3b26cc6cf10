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
 * A whole item, and what has to hold for it to be written.
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
export interface DynamoDbPutLike extends DynamoDbConditionLike {
  /** The name of the table. */
  TableName: string;
  /** All attributes of the item. */
  Item: Record<string, unknown>;
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
   * @param input The item and its condition, if it has one.
   * @param options How to call it off.
   */
  delete(
    input: DynamoDbKeyLike & Partial<DynamoDbConditionLike>,
    options?: DynamoDbCallOptionsLike,
  ): Promise<unknown>;
  /**
   * Deletes one item and writes another in one step.
   *
   * @param input Both, with their conditions.
   * @param options How to call it off.
   */
  transactWrite(
    input: {
      TransactItems: (
        | { Delete: DynamoDbKeyLike & DynamoDbConditionLike }
        | { Put: DynamoDbPutLike }
      )[];
    },
    options?: DynamoDbCallOptionsLike,
  ): Promise<unknown>;
}
