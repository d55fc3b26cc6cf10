import { isSameJson } from "./deep_equal.ts";
import type { Members } from "./record.ts";

/**
 * Merges two changes of flashed values. Having had its day is no change: a value that another request flashed
 * meanwhile stays for the next.
 */
export function mergeFlash(base: Members, mine: Members, theirs: Members): Members {
  const merged = merge(base, mine, theirs);
  for (const [key, value] of theirs) {
    if (!mine.has(key) && !isSameJson(base.get(key), value)) merged.set(key, value);
  }
  return merged;
}

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
    if (!isSameJson(base.get(key), value)) merged.set(key, value);
  }
  return merged;
}

/** The members that are not what they were, or count as changed. */
export function changed(
  base: Members,
  mine: Members,
  counted: ReadonlySet<string> = new Set(),
): Members {
  return new Map([...mine].filter(([key, value]) => base.get(key) !== value || counted.has(key)));
}
