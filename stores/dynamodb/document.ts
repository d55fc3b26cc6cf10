import type { Awaitable } from "../../src/util/awaitable.ts";
import {
  hasMethods,
  insteadOf,
  type Mistakes,
  withoutContext,
} from "../../src/util/option_errors.ts";
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

/** Checks whether a value has the methods of a `DynamoDBDocument`. */
export function isDocument(value: unknown): value is DynamoDbDocumentLike {
  return hasMethods(value, ...METHODS);
}

const FROM_CLIENT = "write DynamoDBDocument.from(client), of @aws-sdk/lib-dynamodb";

/** Common mistakes in the option `document`, and what to do instead. */
export const MISTAKEN_DOCUMENTS: Mistakes = [
  [
    (value) => hasMethods(value, "createSet"),
    `it is a DocumentClient of aws-sdk 2; ${FROM_CLIENT}`,
  ],
  [
    (value) => hasMethods(value, "send") && !isDocument(value),
    `it is a client without the methods of a document; ${FROM_CLIENT}`,
  ],
];

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
    const state = `document(c) failed${withoutContext(c)}`;
    throw new TypeError(`Cannot use DynamoDbStore: ${state}`, { cause });
  }
  const instead = insteadOf(found, MISTAKEN_DOCUMENTS);
  if (isDocument(found) && !instead) return found;
  const wayOut = instead ? `: ${instead}` : "";
  throw new TypeError(
    `Cannot use DynamoDbStore: document(c) returned no DynamoDBDocument${wayOut}`,
  );
}
