import { JsonObject } from "./json_object.ts";
import { changed, merge, mergeFlash } from "./merge.ts";
import type { SessionRecord } from "./record.ts";

/** What a session holds: its data, and the values that were flashed. */
export interface Contents {
  readonly data: JsonObject;
  readonly flash: JsonObject;
}

/** Nothing at all. */
export const EMPTY: Contents = { data: JsonObject.EMPTY, flash: JsonObject.EMPTY };

/** The contents of a new session. */
export function beginWith(data: string): Contents {
  return data === "{}" ? EMPTY : { data: JsonObject.ofText(data), flash: JsonObject.EMPTY };
}

/** Whether two contents are the same. */
export function sameContents(one: Contents, other: Contents): boolean {
  return one === other || one.data.equals(other.data) && one.flash.equals(other.flash);
}

/** The contents of records that are frozen. */
const known = new WeakMap<object, Contents>();

/**
 * The contents of a record. One that is frozen is handed out by its store again and again, so it is parsed once.
 *
 * @throws {SyntaxError} When what a frozen one holds is not the JSON of an object.
 */
export function contentsOf(record: Pick<SessionRecord, "data" | "flash">): Contents {
  if (!Object.isFrozen(record)) return makeContents(record);
  let contents = known.get(record);
  if (!contents) {
    contents = makeContents(record);
    contents.data.keep();
    known.set(record, contents);
  }
  return contents;
}

function makeContents({ data, flash = "{}" }: Pick<SessionRecord, "data" | "flash">): Contents {
  return { data: JsonObject.ofText(data), flash: JsonObject.ofText(flash) };
}

/** A record with other contents. */
export function withContents(record: SessionRecord, { data, flash }: Contents): SessionRecord {
  if (flash.text !== "{}") return { ...record, data: data.text, flash: flash.text };
  if (record.flash === undefined) return { ...record, data: data.text };
  const { flash: _, ...rest } = record;
  return { ...rest, data: data.text };
}

/** What a session was, by whoever changed it. */
export interface Versions {
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
export function mergeContents({ base, shown, mine, theirs, newer }: Versions): Contents {
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
  { base, shown, mine }: Versions,
  assigned: ReadonlySet<string>,
): Contents {
  return {
    data: JsonObject.ofMembers(changed(shown.data.members, mine.data.members, assigned)),
    flash: JsonObject.ofMembers(changed(base.flash.members, mine.flash.members)),
  };
}
