import type { Awaitable } from "../../src/store.ts";
import type { DynamoDbDocumentLike } from "./like.ts";

const METHODS = [
  "get",
  "put",
  "update",
  "delete",
  "transactWrite",
  "query",
  "batchGet",
  "batchWrite",
] as const satisfies readonly (keyof DynamoDbDocumentLike)[];

/** Whether a value has what this store needs of a `DynamoDBDocument`. */
export function isDocument(value: unknown): value is DynamoDbDocumentLike {
  const document = value as Partial<DynamoDbDocumentLike> | null | undefined;
  return METHODS.every((method) => typeof document?.[method] === "function");
}

/**
 * Finds the document for a request.
 *
 * @throws {TypeError} When there is none.
 */
export async function findDocument(
  find: (c: unknown) => Awaitable<DynamoDbDocumentLike>,
  c: unknown,
): Promise<DynamoDbDocumentLike> {
  let found: unknown;
  try {
    found = await find(c);
  } catch (cause) {
    throw new TypeError("Cannot use DynamoDbStore: document(c) gave an error", { cause });
  }
  if (isDocument(found)) return found;
  throw new TypeError("Cannot use DynamoDbStore: document(c) gave no DynamoDBDocument");
}
