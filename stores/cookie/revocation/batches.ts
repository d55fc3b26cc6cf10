/** How many are done at the same time. */
const BATCH = 50;

/** Does something with each of many, a batch at a time. */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += BATCH) {
    results.push(...await Promise.all(items.slice(from, from + BATCH).map(run)));
  }
  return results;
}
