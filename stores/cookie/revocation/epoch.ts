import type { SessionRecord } from "../../../src/record/record.ts";

/** What follows on the record of a cookie. */
export interface Succession {
  readonly record: SessionRecord;
  readonly previous: SessionRecord;
  /** Whether the session gets another token. */
  readonly replaces?: boolean;
}

/** How many cookies of its session were left behind before one. */
export function epochOf({ epoch = 0 }: Pick<SessionRecord, "epoch">): number {
  return epoch;
}

/** A record as it was before it was given an epoch. */
export function withoutEpoch<Given extends Pick<SessionRecord, "epoch">>(
  { epoch: _, ...record }: Given,
): Omit<Given, "epoch"> {
  return record;
}

/**
 * A record of the epoch that it is to have: that of the cookie until now, or the next one, where that is left
 * behind. A cookie that goes on to be a subject's who lists it no more is left behind as well.
 */
export function succeed({ record, previous, replaces = false }: Succession): SessionRecord {
  const isLeft = replaces || previous.subject !== undefined && !isOfSame(record, previous);
  const epoch = epochOf(previous) + (isLeft ? 1 : 0);
  return epoch === 0 ? withoutEpoch(record) : { ...record, epoch };
}

/** What is known of a cookie that was left behind: the trace that a store on the server has under the old key. */
export function toReplaced({ sid, version, expiresAt }: SessionRecord): SessionRecord {
  const times = { createdAt: 0, lastSeenAt: 0, renewedAt: 0, expiresAt };
  return { format: 1, sid, version: version + 1, data: "{}", ...times, trace: "replaced" };
}

/** Whether two records are of the same subject since the same moment. */
export function isOfSame(record: SessionRecord, previous: SessionRecord): boolean {
  return record.subject === previous.subject && record.subjectAt === previous.subjectAt;
}
