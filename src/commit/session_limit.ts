import { SessionEndedError, SessionLimitError } from "../errors.ts";
import { isLive } from "../record/expiry.ts";
import { changesSubject, type PendingLogin } from "../record/pending_changes.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import { since } from "../store/list_order.ts";
import { listSessionsOf, type SubjectSession } from "../store/subject_sessions.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { LIMIT_LOOKS } from "../util/tries.ts";
import { ConflictRetry } from "./conflict_retry.ts";
import type { CommitConfig, CommitContext, SessionLimit } from "./context.ts";
import { endSessionsOf, withdrawSession } from "./end.ts";

/**
 * Makes sure that a subject may have another session, and that the new session is later than all of its others,
 * whatever the clocks of other servers say.
 *
 * @param record The record of the session, if it is already stored.
 * @returns The time at which the session was bound to the subject, if it differs from the requested time.
 * @throws {SessionLimitError} When the subject has too many sessions, and none may be evicted.
 */
export function checkLimit(
  context: CommitContext,
  record: SessionRecord | undefined,
): Awaitable<number | undefined> {
  const { limit } = context.config;
  const { subject } = context.pending;
  if (!limit || !subject) return;
  if (record && !changesSubject(context.pending, record)) return;
  return timeAfterOthers(context, { limit, subject });
}

async function timeAfterOthers(
  context: CommitContext,
  { limit, subject }: { limit: SessionLimit; subject: PendingLogin },
): Promise<number> {
  const sessions = await listSessionsOf(context.config.store, subject.name, context.c);
  if (limit.policy === "reject") {
    await findPlace(context, { ...limit, subject: subject.name, sessions });
  }
  return sessions.reduce(
    (at, { record }) => Math.max(at, Math.floor(since(record)) + 1),
    subject.at,
  );
}

/**
 * Checks whether there is a place for another session. After a double click on "Log in", the session that the new one
 * replaces takes no place.
 *
 * @throws {SessionLimitError} When there is none.
 */
function findPlace(
  { config, state, replaced, c }: CommitContext,
  { limit, subject, sessions }: SessionLimit & {
    subject: string;
    sessions: readonly SubjectSession[];
  },
): Awaitable<unknown> {
  const others = alive(config, sessions).filter(({ sid }) => sid !== state.sid);
  if (others.length < limit) return undefined;
  const isReplaced = ({ sid }: SubjectSession) => sid === replaced;
  if (others.length > limit || !others.some(isReplaced)) refuse();
  const choose = (sessions: SubjectSession[]) => sessions.filter(isReplaced);
  return endSessionsOf(config, { subject, choose, reason: "evicted" }, c);
}

/**
 * Enforces the limit after a subject has got another session. Each of several concurrent logins counts all
 * sessions, so that in any interleaving the last one finds the excess. All agree on the order of the sessions,
 * so that the newest stays: a login that has seen another session is later than it; logins that have not seen
 * each other are ordered by their clocks. When the store fails, the new session itself ends.
 *
 * @throws {SessionLimitError} When the new session itself exceeds the limit.
 * @throws {SessionEndedError} When a concurrent login takes its place, or it has already ended.
 */
export function enforceLimit(context: CommitContext): Awaitable<void> {
  const { limit } = context.config;
  const { stored } = context.state;
  const subject = stored?.record.subject;
  if (!limit || subject === undefined) return;
  return leaveRoom(context, { ...limit, stored: stored!, subject });
}

/** A session that was bound to a subject, and the limit of the subject's sessions. */
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
    context.interrupt();
    await withdrawSession(context, { ...bound, reason: "evicted", cause: "above the limit" });
    throw error;
  }
  if (isThere) return;
  throw new SessionEndedError("Cannot log in: another login took its place; log in again");
}

/** Evicts the sessions above the limit. Returns whether the new session stays. */
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
 * Waits until concurrent logins above the limit have withdrawn. Returns whether the session is listed.
 *
 * @throws {SessionLimitError} When the session itself is above the limit, or the others don't withdraw: one may
 * have been admitted before this session was listed.
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

function inOrder(config: CommitConfig, sessions: readonly SubjectSession[]): SubjectSession[] {
  return alive(config, sessions).sort((one, other) =>
    since(one.record) - since(other.record) || (one.sid < other.sid ? -1 : 1)
  );
}

function placeOf({ sid }: SessionRecord, sessions: readonly SubjectSession[]): number {
  return sessions.findIndex((session) => session.sid === sid);
}

/** Returns the sessions that have not expired by the current policy. */
function alive(
  { expiry, clock }: CommitConfig,
  sessions: readonly SubjectSession[],
): SubjectSession[] {
  const now = clock();
  return sessions.filter(({ record }) => isLive(expiry, record, now));
}

function refuse(): never {
  throw new SessionLimitError(
    "Cannot store session: its subject has as many sessions as maxSessions allows",
  );
}
