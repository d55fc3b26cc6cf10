import { SessionConflictError } from "../errors.ts";
import { emit, type SessionEvents } from "../events.ts";
import { isSessionRecord, type StoredSession, type Trace } from "../record/record.ts";
import { listSessionsOf, type SubjectSession } from "../store/subject_sessions.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import { END_TRIES, LISTED_END_TRIES } from "../util/tries.ts";
import type { CommitConfig } from "./context.ts";
import { endedTrace, followRotations } from "./rotation.ts";

type Destroyed = Parameters<NonNullable<SessionEvents["destroyed"]>>[0];
type Reason = Destroyed["reason"];

/**
 * Ends a session after a logout, under its current token. With rotation the record is first marked as ended:
 * either a concurrent rotation sees the mark, or its new token is found here.
 */
export async function endSession(
  config: CommitConfig,
  stored: StoredSession,
  c: unknown,
): Promise<void> {
  const { store, rotation, clock } = config;
  let current: StoredSession | undefined = stored;
  for (let tries = 0; rotation && current && tries < END_TRIES; tries++) {
    if (await store.update(current.key, endedTrace(current.record, clock()), current.record, c)) {
      break;
    }
    const record = await store.read(current.key, c);
    const next: StoredSession | Trace = isSessionRecord(record)
      ? await followRotations(store, { from: { ...current, record }, now: -Infinity }, c)
      : "ended";
    current = typeof next === "string" ? undefined : next;
  }
  if (current) await store.delete(current.key, c, "logout");
  emitDestroyed(config, { sid: stored.record.sid, reason: "logout" }, c);
}

/**
 * Ends sessions of a subject, under their current tokens.
 *
 * @param options.choose Selects among the listed sessions.
 * @returns The `sid`s of the sessions that were ended.
 */
export async function endSessionsOf(
  config: CommitConfig,
  { subject, choose, reason }: {
    subject: string;
    choose: (sessions: SubjectSession[]) => SubjectSession[];
    reason: Reason;
  },
  c: unknown,
): Promise<Set<string>> {
  const sids = await deleteListed(config.store, { subject, choose, reason }, c);
  for (const sid of sids) emitDestroyed(config, { sid, reason }, c);
  return sids;
}

/** Ends a session that must not stay bound to its subject, under its current token. */
export async function evictSession(
  config: CommitConfig,
  { stored, subject }: { stored: StoredSession; subject: string },
  c: unknown,
): Promise<void> {
  const { sid } = stored.record;
  const choose = (sessions: SubjectSession[]) => sessions.filter((session) => session.sid === sid);
  const reason = "evicted";
  await config.store.delete(stored.key, c, reason);
  await deleteListed(config.store, { subject, choose, reason }, c);
  emitDestroyed(config, { sid, reason }, c);
}

async function deleteListed(
  store: TimeoutStore,
  { subject, choose, reason }: {
    subject: string;
    choose: (sessions: SubjectSession[]) => SubjectSession[];
    reason: Reason;
  },
  c: unknown,
): Promise<Set<string>> {
  const sids = new Set<string>();
  for (let tries = 0; tries < LISTED_END_TRIES; tries++) {
    const sessions = await listSessionsOf(store, subject, c);
    for (const { sid } of choose(sessions)) sids.add(sid);
    const keys = sessions.flatMap(({ sid, keys }) => sids.has(sid) ? keys : []);
    if (keys.length === 0) return sids;
    for (const key of keys) await store.delete(key, c, reason);
  }
  throw new SessionConflictError("Cannot end session: it was given a new token too many times");
}

function emitDestroyed(config: CommitConfig, event: Destroyed, c: unknown): void {
  config.ends.ended(event.sid, event.reason);
  emit(config, "destroyed", event, c);
}
