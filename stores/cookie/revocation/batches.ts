/** The number of concurrent operations. */
const BATCH = 50;

/** Runs a function for each item, in batches. */
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
