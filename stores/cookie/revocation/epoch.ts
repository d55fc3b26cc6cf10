import type { SessionRecord } from "../../../src/record/record.ts";

/** The successor of the record of a cookie. */
export interface Succession {
  readonly record: SessionRecord;
  readonly previous: SessionRecord;
  /** Whether the session gets a new token. */
  readonly replaces?: boolean;
}

/** Returns the epoch of a record: the number of replaced cookies of its session. */
export function epochOf({ epoch = 0 }: Pick<SessionRecord, "epoch">): number {
  return epoch;
}

/** Returns a record without its epoch. */
export function withoutEpoch<Given extends Pick<SessionRecord, "epoch">>(
  { epoch: _, ...record }: Given,
): Omit<Given, "epoch"> {
  return record;
}

/**
 * Returns a record with its epoch: that of the previous cookie, or the next one if the previous cookie is
 * replaced. A cookie whose subject changes is replaced as well.
 */
export function succeed({ record, previous, replaces = false }: Succession): SessionRecord {
  const isLeft = replaces || previous.subject !== undefined && !isOfSame(record, previous);
  const epoch = epochOf(previous) + (isLeft ? 1 : 0);
  return epoch === 0 ? withoutEpoch(record) : { ...record, epoch };
}

/** Checks whether two records were bound to the same subject at the same time. */
export function isOfSame(record: SessionRecord, previous: SessionRecord): boolean {
  return record.subject === previous.subject && record.subjectAt === previous.subjectAt;
}
