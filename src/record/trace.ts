import type { SessionRecord, Trace } from "./record.ts";

/** The members of a trace that differ. */
type TraceMembers =
  & Pick<SessionRecord, "sid" | "expiresAt">
  & Partial<Pick<SessionRecord, "version" | "data">>;

/** Makes the smallest possible record that identifies no session, without anything that a client or a list could show. */
export function makeTrace(
  trace: Trace,
  { sid, version = 1, data = "{}", expiresAt }: TraceMembers,
): SessionRecord {
  const times = { createdAt: 0, lastSeenAt: 0, renewedAt: 0, expiresAt };
  return { format: 1, sid, version, data, ...times, trace };
}

/** Makes the trace that takes the place of a record. */
export function traceOf(
  { sid, version, expiresAt }: SessionRecord,
  trace: Trace,
): SessionRecord {
  return makeTrace(trace, { sid, version: version + 1, expiresAt });
}
