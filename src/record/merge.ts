import type { Contents } from "./contents.ts";
import { isSameJson } from "./deep_equal.ts";
import { JsonObject } from "./json_object.ts";
import type { Members } from "./record.ts";

/** Returns the members that differ from before. */
function changes(before: Members, now: Members): [key: string, value: string][] {
  return [...now].filter(([key, value]) => !isSameJson(before.get(key), value));
}

/**
 * Merges two concurrent changes of an object key by key: `mine` where this request changed a key, `theirs`
 * elsewhere. Deleting a key is a change.
 */
export function merge(base: Members, mine: Members, theirs: Members): Members {
  const merged = new Map([...theirs, ...changes(base, mine)]);
  for (const key of base.keys()) {
    if (!mine.has(key)) merged.delete(key);
  }
  return merged;
}

/**
 * Merges concurrent changes of flashed values. Dropping a shown value does not count as a change: a value that
 * another request has flashed in the meantime is kept for the next request.
 */
function mergeFlash(base: Members, mine: Members, theirs: Members): Members {
  return new Map([...changes(base, theirs), ...merge(base, mine, theirs)]);
}

/** The versions of a session that a merge compares. */
export interface MergeVersions {
  /** The contents that were loaded. */
  readonly base: Contents;
  /** The contents that the handler received, before it changed them. */
  readonly shown: Contents;
  /** The contents after the handler changed them. */
  readonly mine: Contents;
  /** The contents that the store holds now. */
  readonly theirs: Contents;
  /** The migrated contents of `theirs`: a migration is not a change that could override another one. */
  readonly newer: Contents;
}

/** Merges the contents of a session that two requests have changed. */
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

/**
 * Returns the contributions of the handler: the keys that it has changed or is known to have assigned to, and
 * its flashed values.
 */
export function ownContents(
  { base, shown, mine }: MergeVersions,
  assigned: ReadonlySet<string> | undefined,
): Contents {
  const data = mine.data.members;
  const changed = new Map(changes(shown.data.members, data));
  const own = [...data].filter(([key]) => changed.has(key) || assigned?.has(key));
  return {
    data: JsonObject.ofMembers(new Map(own)),
    flash: JsonObject.ofMembers(new Map(changes(base.flash.members, mine.flash.members))),
  };
}
