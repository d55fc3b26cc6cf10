/** The last end of all sessions of a subject. */
export interface SubjectEnd {
  /** The generation that it started. */
  readonly generation: number;
  /** The `sid` of the session that is not ended, if any. Some stores have `null` for none. */
  readonly except?: string | null | undefined;
  /** The oldest generation that this session may have: an earlier end may have ended its former logins. */
  readonly since: number;
}

/** Returns the end that follows the last one. */
export function nextEnd(
  last: SubjectEnd | null | undefined,
  { now, except }: { now: number; except?: string | undefined },
): SubjectEnd {
  return {
    generation: Math.max((last?.generation ?? 0) + 1, Math.floor(now)),
    except,
    since: oldestOf(last, except),
  };
}

/** Returns the oldest generation that a session with a `sid` may have. */
export function oldestOf(end: SubjectEnd | null | undefined, sid: string | undefined): number {
  if (!end) return 0;
  return sid === end.except ? end.since : end.generation;
}
