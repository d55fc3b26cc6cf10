import { JsonObject } from "./json_object.ts";
import type { SessionRecord } from "./record.ts";

/** What a session holds: its data, and the values that were flashed. */
export interface Contents {
  readonly data: JsonObject;
  readonly flash: JsonObject;
}

/** Nothing at all. */
export const EMPTY_CONTENTS: Contents = { data: JsonObject.EMPTY, flash: JsonObject.EMPTY };

/** The contents of a new session. */
export function initialContents(data: string): Contents {
  return data === "{}"
    ? EMPTY_CONTENTS
    : { data: JsonObject.ofText(data), flash: JsonObject.EMPTY };
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
  return withFlash({ ...record, data: data.text }, flash);
}

/** A record with other flashed values. */
export function withFlash(record: SessionRecord, flash: JsonObject): SessionRecord {
  if (flash.text !== "{}") return { ...record, flash: flash.text };
  if (record.flash === undefined) return record;
  const { flash: _, ...rest } = record;
  return rest;
}
