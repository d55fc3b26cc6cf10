import { type Call, pause, TRIES } from "./call.ts";
import type { DynamoDbKeyLike, DynamoDbKeysLike } from "./like.ts";

/** The number of items that DynamoDB deletes in one request. */
const MOST_WRITES = 25;

/** Reads the existing items among up to 100 distinct keys. */
export async function readTogether(
  { table, document, options }: Call,
  { Keys, ...rest }: DynamoDbKeysLike,
): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  await exhaust(Keys, async (Keys) => {
    const input = { RequestItems: { [table.name]: { ...rest, Keys } } };
    const { Responses = {}, UnprocessedKeys = {} } = await document.batchGet(input, options);
    items.push(...Object.values(Responses).flat());
    return Object.values(UnprocessedKeys).flatMap(({ Keys = [] }) => Keys);
  });
  return items;
}

/** Deletes distinct items, in no particular order. */
export async function deleteTogether(
  { table, document, options }: Call,
  items: readonly DynamoDbKeyLike[],
): Promise<void> {
  const requests = items.map(({ Key }) => ({ DeleteRequest: { Key } }));
  await Promise.all(
    chunksOf(requests, MOST_WRITES).map((batch) =>
      exhaust(batch, async (batch) => {
        const input = { RequestItems: { [table.name]: batch } };
        const { UnprocessedItems = {} } = await document.batchWrite(input, options);
        return Object.values(UnprocessedItems).flat()
          .flatMap(({ DeleteRequest: { Key } = { Key: undefined } }) =>
            Key ? [{ DeleteRequest: { Key } }] : []
          );
      })
    ),
  );
}

/** Splits items into chunks of a size. */
export function chunksOf<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from(
    { length: Math.ceil(items.length / size) },
    (_, place) => items.slice(place * size, (place + 1) * size),
  );
}

/** Sends a batch, and its unprocessed parts, until all are done. */
async function exhaust<Part>(
  parts: readonly Part[],
  send: (parts: Part[]) => Promise<Part[]>,
): Promise<void> {
  let left = [...parts];
  for (let tries = 1; left.length > 0; tries++) {
    if (tries > TRIES) throw new Error(`DynamoDB left a part of a batch undone ${TRIES} times`);
    if (tries > 1) await pause(tries);
    left = await send(left);
  }
}
