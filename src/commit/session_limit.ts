import { SessionEndedError, SessionLimitError } from "../errors.ts";
import { emit } from "../events.ts";
import { isLive } from "../record/expiry.ts";
import { isOtherSubject, type Requested } from "../record/pending_changes.ts";
import type { SessionRecord } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import { since } from "../store/list_order.ts";
import { endSessionsOf, type Listed, listSubject } from "../store/subject_sessions.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { LIMIT_LOOKS } from "../util/tries.ts";
import type { Committing, SessionLimit } from "./context.ts";
import { interrupt } from "./end.ts";
import { Retry } from "./retry.ts";

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

/** A session that has become a subject's, and how many of them there may be. */
interface Bound extends SessionLimit {
  readonly state: SessionState;
  readonly subject: string;
}

async function leaveRoom(committing: Committing, bound: Bound, c: unknown): Promise<void> {
  let isThere: boolean;
  try {
    isThere = bound.policy === "reject"
      ? await findRoom(committing, bound, c)
      : await makeRoom(committing, bound, c);
    isThere ||= await committing.store.read(bound.state.stored!.key, c) !== undefined;
  } catch (error) {
    await withdraw(committing, bound, c);
    throw error;
  }
  if (isThere) return;
  throw new SessionEndedError("Cannot log in: another login took its place; log in again");
}

/** Ends those that are too many, and tells whether the session is not among them. */
async function makeRoom(
  committing: Committing,
  { limit, state, subject }: Bound,
  c: unknown,
): Promise<boolean> {
  let isListed = false;
  const choose = (sessions: Listed[]) => {
    const all = inOrder(committing, sessions);
    isListed ||= placeOf(state, all) >= 0;
    return all.slice(0, Math.max(all.length - limit, 0));
  };
  const sids = await endSessionsOf(committing.store, { subject, choose }, c);
  for (const sid of sids) emit(committing, "destroyed", { sid, reason: "evicted" }, c);
  return isListed && !sids.has(state.sid);
}

/**
 * Waits until those that came at the same time and are too many have withdrawn, and tells whether the session is listed.
 *
 * @throws {SessionLimitError} When it is one of those, or they don't: one may have found room before it was there.
 */
async function findRoom(
  committing: Committing,
  { limit, state, subject }: Bound,
  c: unknown,
): Promise<boolean> {
  const retry = new Retry(committing.store.timeout);
  for (;;) {
    const all = inOrder(committing, await listSubject(committing.store, subject, c));
    const place = placeOf(state, all);
    if (all.length <= limit) return place >= 0;
    if (place >= limit || retry.tries === LIMIT_LOOKS || !await retry.next()) refuse();
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

/** The sessions that are alive, those first that have been the subject's for longest, for all who look in the same order. */
function inOrder(committing: Committing, sessions: readonly Listed[]): Listed[] {
  return alive(committing, sessions).sort((one, other) =>
    since(one.record) - since(other.record) || (one.sid < other.sid ? -1 : 1)
  );
}

function placeOf({ sid }: SessionState, sessions: readonly Listed[]): number {
  return sessions.findIndex((session) => session.sid === sid);
}

/** The sessions but those that have ended by the policy in force. */
function alive({ expiry, clock }: Committing, sessions: readonly Listed[]): Listed[] {
  const now = clock();
  return sessions.filter(({ record }) => isLive(expiry, record, now));
}

function refuse(): never {
  throw new SessionLimitError("Cannot store session: its subject has as many as it may have");
}
