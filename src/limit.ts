import { type Committing, interrupt, type SessionLimit } from "./committing.ts";
import { SessionEndedError, SessionLimitError } from "./errors.ts";
import { emit } from "./events.ts";
import { isLive } from "./expiry.ts";
import type { Awaitable } from "./promise.ts";
import type { SessionRecord } from "./record.ts";
import { isOtherSubject, type Requested } from "./requested.ts";
import type { SessionState } from "./session_state.ts";
import { endSessionsOf, type Listed, listSubject, since } from "./subject.ts";

/**
 * Sees to it that a session that is about to become a subject's has room, and that it is later than every one that the
 * subject has, whatever the clocks of others say.
 *
 * @returns Since when it is the subject's, where that is not when it was asked for.
 * @throws {SessionLimitError} When the subject has too many, and none may be ended for it.
 */
export function admit(
  committing: Committing,
  requested: Requested,
  record: SessionRecord | undefined,
  c: unknown,
): Awaitable<number | undefined> {
  const { store, limit } = committing;
  const { subject } = requested;
  if (!limit || !subject) return;
  if (record && !isOtherSubject(requested, record)) return;
  return listSubject(store, subject.name, c).then((others) => {
    if (limit.policy === "reject" && alive(committing, others).length >= limit.limit) refuse();
    return others.reduce(
      (at, { record }) => Math.max(at, Math.floor(since(record)) + 1),
      subject.at,
    );
  });
}

/**
 * Sees to it that a session that has become a subject's leaves no more than the limit alive. Of those that came at the
 * same time each counts all, so that whichever way they interleave the last one finds what is too many. All agree on
 * their order, so that the newest stays: whoever has seen another is later, and those who have not are ordered by their
 * clocks. Where nobody can tell, because the store failed, the session itself ends.
 *
 * @throws {SessionLimitError} When it is too many itself.
 * @throws {SessionEndedError} When another one that came at the same time stays in its place, or it was ended already.
 */
export function evict(
  committing: Committing,
  state: SessionState,
  c: unknown,
): Awaitable<void> {
  const { limit } = committing;
  const { subject } = state.stored?.record ?? {};
  if (!limit || subject === undefined) return;
  return leaveRoom(committing, { ...limit, state, subject }, c);
}

async function leaveRoom(
  committing: Committing,
  { limit, policy, state, subject }: SessionLimit & { state: SessionState; subject: string },
  c: unknown,
): Promise<void> {
  const { store } = committing;
  let isThere = false;
  try {
    const choose = (sessions: Listed[]) => {
      isThere ||= sessions.some(({ sid }) => sid === state.sid);
      const all = alive(committing, sessions).sort(byAge);
      return all.slice(0, Math.max(all.length - limit, 0));
    };
    if (policy === "reject") {
      if (choose(await listSubject(store, subject, c)).length > 0) refuse();
    } else {
      const sids = await endSessionsOf(store, { subject, choose }, c);
      for (const sid of sids) emit(committing, "destroyed", { sid, reason: "evicted" }, c);
      if (sids.has(state.sid)) isThere = false;
    }
    isThere ||= await store.read(state.stored!.key, c) !== undefined;
  } catch (error) {
    await withdraw(committing, { state, subject }, c);
    throw error;
  }
  if (!isThere) {
    throw new SessionEndedError("Cannot log in: another login took its place; log in again");
  }
}

/** Ends the session that has no room, wherever it moves meanwhile. */
async function withdraw(
  committing: Committing,
  { state, subject }: { state: SessionState; subject: string },
  c: unknown,
): Promise<void> {
  const { store } = committing;
  const { sid } = state;
  interrupt(committing, state, c);
  try {
    await store.delete(state.stored!.key, c);
    const choose = (sessions: Listed[]) => sessions.filter((session) => session.sid === sid);
    await endSessionsOf(store, { subject, choose }, c);
    emit(committing, "destroyed", { sid, reason: "evicted" }, c);
  } catch (error) {
    // The caller is told what went wrong first.
    committing.logger.error("Cannot end session that has no room: it may live on", error);
  }
}

/** The sessions but those that have ended by the policy in force. */
function alive({ expiry, clock }: Committing, sessions: readonly Listed[]): Listed[] {
  const now = clock();
  return sessions.filter(({ record }) => isLive(expiry, record, now));
}

/** Sorts those first that have been the subject's for longest, for all who look in the same order. */
function byAge(one: Listed, other: Listed): number {
  const age = since(one.record) - since(other.record);
  return age === 0 ? one.sid < other.sid ? -1 : 1 : age;
}

function refuse(): never {
  throw new SessionLimitError("Cannot store session: its subject has as many as it may have");
}
