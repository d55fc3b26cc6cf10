import type { Members } from "./record.ts";

/**
 * Merges two changes of the same object, key by key: mine where I changed a key, theirs elsewhere.
 * Deleting a key is a change like any other.
 */
export function merge(base: Members, mine: Members, theirs: Members): Members {
  const merged = new Map(theirs);
  for (const key of base.keys()) {
    if (!mine.has(key)) merged.delete(key);
  }
  for (const [key, value] of mine) {
    if (base.get(key) !== value) merged.set(key, value);
  }
  return merged;
}
