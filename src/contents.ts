import {
  joinMembers,
  type Members,
  parseMembers,
  sameMembers,
  type SessionRecord,
} from "./record.ts";

/** What a session holds: its data, and the values that were flashed. */
export interface Contents {
  readonly data: Members;
  readonly flash: Members;
}

/** Whether two contents are the same. */
export function sameContents(one: Contents, other: Contents): boolean {
  return sameMembers(one.data, other.data) && sameMembers(one.flash, other.flash);
}

/** The contents of a record. */
export function contentsOf(record: SessionRecord): Contents {
  return { data: parseMembers(record.data), flash: parseMembers(record.flash ?? "{}") };
}

/** The part of a record that holds contents. */
export function contentsToRecord(contents: Contents): Pick<SessionRecord, "data" | "flash"> {
  const data = joinMembers(contents.data);
  return contents.flash.size === 0 ? { data } : { data, flash: joinMembers(contents.flash) };
}
