import { SessionEndedError, SessionLimitError } from "../errors.ts";
import { isLive } from "../record/expiry.ts";
import { changesSubject } from "../record/pending_changes.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import { since } from "../store/list_order.ts";
import { listSessionsOf, type SubjectSession } from "../store/subject_sessions.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { LIMIT_LOOKS } from "../util/tries.ts";
import { ConflictRetry } from "./conflict_retry.ts";
import type { CommitConfig, CommitContext, SessionLimit } from "./context.ts";
import { endSessionsOf, evictSession } from "./end.ts";

/**
 * Makes sure that there is room for a session that is about to become a subject's, and that it is later than every one that
 * the subject has, whatever the clocks of others say.
 *
 * @param record The record of the session, if it is stored.
 * @returns Since when it is the subject's, where that is not when it was asked for.
 * @throws {SessionLimitError} When the subject has too many, and none may be ended for it.
 */
export function checkLimit(
  { config, pending, c }: CommitContext,
  record: SessionRecord | undefined,
): Awaitable<number | undefined> {
  const { store, limit } = config;
  const { subject } = pending;
  if (!limit || !subject) return;
  if (record && !changesSubject(pending, record)) return;
  return listSessionsOf(store, subject.name, c).then((others) => {
    if (limit.policy === "reject" && alive(config, others).length >= limit.limit) refuse();
    return others.reduce(
      (at, { record }) => Math.max(at, Math.floor(since(record)) + 1),
      subject.at,
    );
  });
}

/**
 * Leaves no more than the limit alive of the sessions of a subject that has just got another one. Of those that came at the
 * same time each counts all, so that whichever way they interleave the last one finds what is too many. All agree on
 * their order, so that the newest stays: whoever has seen another is later, and those who have not are ordered by their
 * clocks. Where the store fails, the session itself ends.
 *
 * @throws {SessionLimitError} When it is too many itself.
 * @throws {SessionEndedError} When another one that came at the same time stays in its place, or it was ended already.
 */
export function enforceLimit(context: CommitContext): Awaitable<void> {
  const { limit } = context.config;
  const { stored } = context.state;
  const subject = stored?.record.subject;
  if (!limit || subject === undefined) return;
  return leaveRoom(context, { ...limit, stored: stored!, subject });
}

/** A session that has become a subject's, and how many of them there may be. */
interface Bound extends SessionLimit {
  readonly stored: StoredSession;
  readonly subject: string;
}

async function leaveRoom(context: CommitContext, bound: Bound): Promise<void> {
  const { config, c } = context;
  let isThere: boolean;
  try {
    isThere = bound.policy === "reject"
      ? await findRoom(config, bound, c)
      : await makeRoom(config, bound, c);
    isThere ||= await config.store.read(bound.stored.key, c) !== undefined;
  } catch (error) {
    await withdraw(context, bound);
    throw error;
  }
  if (isThere) return;
  throw new SessionEndedError("Cannot log in: another login took its place; log in again");
}

/** Ends those that are too many, and returns whether the session stays. */
async function makeRoom(
  config: CommitConfig,
  { limit, stored: { record }, subject }: Bound,
  c: unknown,
): Promise<boolean> {
  let isListed = false;
  const choose = (sessions: SubjectSession[]) => {
    const all = inOrder(config, sessions);
    isListed ||= placeOf(record, all) >= 0;
    return all.slice(0, Math.max(all.length - limit, 0));
  };
  const sids = await endSessionsOf(config, { subject, choose, reason: "evicted" }, c);
  return isListed && !sids.has(record.sid);
}

/**
 * Waits until those that came at the same time and are too many have withdrawn, and returns whether the session is listed.
 *
 * @throws {SessionLimitError} When it is one of those, or they don't: one may have found room before it was there.
 */
async function findRoom(
  config: CommitConfig,
  { limit, stored: { record }, subject }: Bound,
  c: unknown,
): Promise<boolean> {
  const retry = new ConflictRetry(config.store.timeout);
  for (;;) {
    const all = inOrder(config, await listSessionsOf(config.store, subject, c));
    const place = placeOf(record, all);
    if (all.length <= limit) return place >= 0;
    if (place >= limit || retry.tries === LIMIT_LOOKS || !await retry.next()) refuse();
  }
}

/** Ends the session that has no room. */
async function withdraw(context: CommitContext, bound: Bound): Promise<void> {
  const { config, c } = context;
  context.interrupt();
  try {
    await evictSession(config, bound, c);
  } catch (error) {
    // The caller gets the error that came first.
    config.logger.error("Cannot end session that has no room: it may live on", error);
  }
}

/** The sessions that are alive, those first that have been the subject's for longest, for all who look in the same order. */
function inOrder(config: CommitConfig, sessions: readonly SubjectSession[]): SubjectSession[] {
  return alive(config, sessions).sort((one, other) =>
    since(one.record) - since(other.record) || (one.sid < other.sid ? -1 : 1)
  );
}

function placeOf({ sid }: SessionRecord, sessions: readonly SubjectSession[]): number {
  return sessions.findIndex((session) => session.sid === sid);
}

/** The sessions but those that have ended by the policy in force. */
function alive(
  { expiry, clock }: CommitConfig,
  sessions: readonly SubjectSession[],
): SubjectSession[] {
  const now = clock();
  return sessions.filter(({ record }) => isLive(expiry, record, now));
}

function refuse(): never {
  throw new SessionLimitError("Cannot store session: its subject has as many as it may have");
}
