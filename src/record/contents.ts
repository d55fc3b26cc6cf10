import { JsonObject } from "./json_object.ts";
import type { SessionRecord } from "./record.ts";

/** The contents of a session: its data and its flashed values. */
export interface Contents {
  readonly data: JsonObject;
  readonly flash: JsonObject;
}

export const EMPTY_CONTENTS: Contents = { data: JsonObject.EMPTY, flash: JsonObject.EMPTY };

/** Returns the contents of a new session. */
export function initialContents(data: string): Contents {
  return data === "{}"
    ? EMPTY_CONTENTS
    : { data: JsonObject.ofText(data), flash: JsonObject.EMPTY };
}

/** Checks whether two contents are equal. */
export function sameContents(one: Contents, other: Contents): boolean {
  return one === other || one.data.equals(other.data) && one.flash.equals(other.flash);
}

/** The parsed contents of frozen records. */
const known = new WeakMap<object, Contents>();

/**
 * Returns the contents of a record. A store may return a frozen record many times, so it is parsed only once.
 *
 * @throws {SyntaxError} When the data of a frozen record are not the JSON of an object.
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

/** Returns a record with other flashed values. */
export function withFlash(record: SessionRecord, flash: JsonObject): SessionRecord {
  if (flash.text !== "{}") return { ...record, flash: flash.text };
  if (record.flash === undefined) return record;
  const { flash: _, ...rest } = record;
  return rest;
}
