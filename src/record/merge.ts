import type { Contents } from "./contents.ts";
import { isSameJson } from "./deep_equal.ts";
import { JsonObject } from "./json_object.ts";
import type { Members } from "./record.ts";

/**
 * Merges two changes of flashed values. A value that is dropped after it was shown is no change: one that another request flashed
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
export function changedMembers(
  base: Members,
  mine: Members,
  counted: ReadonlySet<string> = new Set(),
): Members {
  return new Map([...mine].filter(([key, value]) => base.get(key) !== value || counted.has(key)));
}
/** What a session was, by whoever changed it. */
export interface MergeVersions {
  /** What the store held before. */
  readonly base: Contents;
  /** What it was shown as, before the handler changed it. */
  readonly shown: Contents;
  /** What the handler made of it. */
  readonly mine: Contents;
  /** What the store holds now. */
  readonly theirs: Contents;
  /** What that would be shown as: bringing data up to date is no change that could undo another one. */
  readonly newer: Contents;
}

/** The contents of a session that two have changed. */
export function mergeContents({ base, shown, mine, theirs, newer }: MergeVersions): Contents {
  if (theirs === base && newer === shown) return mine;
  return {
    data: JsonObject.ofMembers(
      merge(shown.data.members, mine.data.members, newer.data.members),
    ),
    flash: JsonObject.ofMembers(
      mergeFlash(base.flash.members, mine.flash.members, theirs.flash.members),
    ),
  };
}

/** What the handler has put in: the keys that it has changed or is known to have assigned to, and what it has flashed. */
export function ownContents(
  { base, shown, mine }: MergeVersions,
  assigned: ReadonlySet<string>,
): Contents {
  return {
    data: JsonObject.ofMembers(changedMembers(shown.data.members, mine.data.members, assigned)),
    flash: JsonObject.ofMembers(changedMembers(base.flash.members, mine.flash.members)),
  };
}
