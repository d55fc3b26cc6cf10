import { SessionConflictError } from "../errors.ts";
import { emit, type SessionEvents } from "../events.ts";
import { isSessionRecord, type StoredSession } from "../record/record.ts";
import { traceOf } from "../record/trace.ts";
import { listSessionsOf, type SubjectSession } from "../store/subject_sessions.ts";
import { END_TRIES, LISTED_END_TRIES } from "../util/tries.ts";
import type { CommitConfig } from "./context.ts";
import { followRotations } from "./rotation.ts";

/** How long the mark of an ended session lasts if the session is not deleted, in milliseconds. */
const ENDING = 60_000;
type Destroyed = Parameters<NonNullable<SessionEvents["destroyed"]>>[0];

/** Why a session ends. */
export type EndReason = Destroyed["reason"];

/**
 * Ends a session after a logout, under its current token. With rotation the record is first marked as ended:
 * either a concurrent rotation sees the mark, or its new token is found here.
 */
export async function endSession(
  config: CommitConfig,
  stored: StoredSession,
  c: unknown,
): Promise<void> {
  const run = async () => {
    const current = config.rotation ? await markEnded(config, stored, c) : stored;
    if (current) await config.store.delete(current.key, c, "logout");
  };
  await ending(config, { sids: new Set([stored.record.sid]), reason: "logout", run }, c);
}

/** Marks a session as ended, so that no rotation gives it a successor; returns it under its current token. */
async function markEnded(
  { store, clock }: CommitConfig,
  stored: StoredSession,
  c: unknown,
): Promise<StoredSession | undefined> {
  let current = stored;
  for (let tries = 0; tries < END_TRIES; tries++) {
    const mark = { ...traceOf(current.record, "ended"), expiresAt: clock() + ENDING };
    if (await store.update(current.key, mark, current.record, c)) break;
    const record = await store.read(current.key, c);
    if (!isSessionRecord(record)) return undefined;
    const next = await followRotations(store, { from: { ...current, record } }, c);
    if (typeof next === "string") return undefined;
    current = next;
  }
  return current;
}

/**
 * Ends sessions of a subject, under their current tokens.
 *
 * @param options.choose Selects among the listed sessions.
 * @param options.stored A session that ends in any case.
 * @returns The `sid`s of the sessions that were ended.
 */
export async function endSessionsOf(
  config: CommitConfig,
  { subject, choose, reason, stored }: {
    subject: string;
    choose: (sessions: SubjectSession[]) => SubjectSession[];
    reason: EndReason;
    stored?: StoredSession;
  },
  c: unknown,
): Promise<Set<string>> {
  const { store } = config;
  const sids = new Set(stored && [stored.record.sid]);
  const run = async () => {
    if (stored) await store.delete(stored.key, c, reason);
    for (let tries = 0; tries < LISTED_END_TRIES; tries++) {
      const sessions = await listSessionsOf(store, subject, c);
      for (const { sid } of choose(sessions)) sids.add(sid);
      const keys = sessions.flatMap(({ sid, keys }) => sids.has(sid) ? keys : []);
      if (keys.length === 0) return;
      for (const key of keys) await store.delete(key, c, reason);
    }
    throwEndConflict();
  };
  await ending(config, { sids, reason, run }, c);
  return sids;
}

/** Runs a function that ends sessions, and reports their ends. */
async function ending(
  config: CommitConfig,
  { sids, reason, run }: {
    sids: ReadonlySet<string>;
    reason: EndReason;
    run: () => Promise<void>;
  },
  c: unknown,
): Promise<void> {
  const includes = ({ record }: StoredSession) => sids.has(record.sid);
  await config.ends.expecting({ reason, includes }, async () => {
    await run();
    for (const sid of sids) {
      config.ends.ended(sid, reason);
      emit(config, "destroyed", { sid, reason }, c);
    }
  });
}

/** Refuses to end a session that other requests change all the time. */
export function throwEndConflict(): never {
  throw new SessionConflictError("Cannot end session: it was given a new token too many times");
}
