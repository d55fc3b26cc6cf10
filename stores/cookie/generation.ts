import type { SessionRecord } from "../../src/record.ts";

/** What follows on the record of a cookie. */
export interface Succession {
  readonly record: SessionRecord;
  readonly previous: SessionRecord;
  /** Whether the session gets another token. */
  readonly replaces?: boolean;
}

/** How many cookies of its session were left behind before one. */
export function generationOf({ generation = 0 }: Pick<SessionRecord, "generation">): number {
  return generation;
}

/** A record as it was before it was given a generation. */
export function withoutGeneration<Given extends Pick<SessionRecord, "generation">>(
  { generation: _, ...record }: Given,
): Omit<Given, "generation"> {
  return record;
}

/**
 * A record of the generation that it is to have: that of the cookie until now, or the next one, where that is left
 * behind. A cookie that goes on to be a subject's who lists it no more is left behind as well.
 */
export function succeed({ record, previous, replaces = false }: Succession): SessionRecord {
  const isLeft = replaces || previous.subject !== undefined && !isOfSame(record, previous);
  const generation = generationOf(previous) + (isLeft ? 1 : 0);
  return generation === 0 ? withoutGeneration(record) : { ...record, generation };
}

/** Whether two records are of the same subject since the same moment. */
export function isOfSame(record: SessionRecord, previous: SessionRecord): boolean {
  return record.subject === previous.subject && record.subjectAt === previous.subjectAt;
}
