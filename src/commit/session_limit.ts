import { SessionEndedError, SessionLimitError } from "../errors.ts";
import { isLive } from "../record/expiry.ts";
import { changesSubject, type PendingLogin } from "../record/pending_changes.ts";
import type { SessionRecord } from "../record/record.ts";
import { byNewest, since } from "../store/list_order.ts";
import { listSessionsOf, type SubjectSession } from "../store/subject_sessions.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { LIMIT_LOOKS } from "../util/tries.ts";
import { ConflictRetry } from "./conflict_retry.ts";
import type { CommitConfig, CommitContext, SessionLimit } from "./context.ts";
import { checkOrEnd, endSessionsOf, type StoredCheck } from "./end.ts";

/**
 * Makes sure that a subject may have another session, and that the new session is later than all of its others,
 * whatever the clocks of other servers say.
 *
 * @throws {SessionLimitError} When the subject has too many sessions, and none may be evicted.
 */
export function checkLimit(context: CommitContext): Awaitable<void> {
  const { config: { limit }, options, pending, current } = context;
  if (!limit || !pending.subject || options.onlyToken) return;
  if (current && !changesSubject(pending, current.record)) return;
  return findPlace(context, { limit, login: pending.subject });
}

async function findPlace(
  context: CommitContext,
  { limit: { limit, policy }, login }: { limit: SessionLimit; login: PendingLogin },
): Promise<void> {
  const { config, state, replaced, c } = context;
  const subject = login.name;
  const sessions = await listSessionsOf(config.store, subject, c);
  if (policy === "reject") {
    const others = alive(config, sessions).filter(({ sid }) => sid !== state.sid);
    // After a double click on "Log in", the session that the new one replaces takes no place.
    const isReplaced = ({ sid }: SubjectSession) => sid === replaced;
    if (others.length >= limit) {
      if (others.length > limit || !others.some(isReplaced)) refuse();
      const choose = (sessions: SubjectSession[]) => sessions.filter(isReplaced);
      await endSessionsOf(config, { subject, choose, reason: "evicted" }, c);
    }
  }
  const at = sessions.reduce(
    (at, { record }) => Math.max(at, Math.floor(since(record)) + 1),
    login.at,
  );
  context.pending = { ...context.pending, subject: { ...login, at } };
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
export function enforceLimit(_checked: unknown, context: CommitContext): Awaitable<void> {
  const { config, state, current } = context;
  const subject = state.stored?.record.subject;
  if (config.limit && subject !== undefined && subject !== current?.record.subject) {
    return leaveRoom(context);
  }
}

const ROOM: StoredCheck<boolean> = { check: isThere, reason: "evicted", cause: "above the limit" };

async function leaveRoom(context: CommitContext): Promise<void> {
  if (await checkOrEnd(context, ROOM)) return;
  throw new SessionEndedError("Cannot log in: another login took its place; log in again");
}

/** Leaves room for the other sessions of a subject. Returns whether the new session stays. */
async function isThere(context: CommitContext, record: SessionRecord): Promise<boolean> {
  const { config, c } = context;
  const { limit, policy } = config.limit!;
  const { key } = context.state.stored!;
  const isListed = await (policy === "reject" ? findRoom : makeRoom)(context, { limit, record });
  return isListed || await config.store.read(key, c) !== undefined;
}

/** A session that was bound to a subject, and the largest number of the subject's sessions. */
interface Bound {
  readonly limit: number;
  readonly record: SessionRecord;
}

/** Evicts the sessions above the limit. Returns whether the new session stays. */
async function makeRoom({ config, c }: CommitContext, { limit, record }: Bound): Promise<boolean> {
  let isListed = false;
  const choose = (sessions: SubjectSession[]) => {
    const all = inOrder(config, sessions);
    isListed ||= placeOf(record, all) >= 0;
    return all.slice(0, Math.max(all.length - limit, 0));
  };
  const subject = record.subject!;
  const sids = await endSessionsOf(config, { subject, choose, reason: "evicted" }, c);
  return isListed && !sids.has(record.sid);
}

/**
 * Waits until concurrent logins above the limit have withdrawn. Returns whether the session is listed.
 *
 * @throws {SessionLimitError} When the session itself is above the limit, or the others don't withdraw: one may
 * have been admitted before this session was listed.
 */
async function findRoom({ config, c }: CommitContext, { limit, record }: Bound): Promise<boolean> {
  const { store } = config;
  const retry = new ConflictRetry(store.timeout);
  for (;;) {
    const all = inOrder(config, await listSessionsOf(store, record.subject!, c));
    const place = placeOf(record, all);
    if (all.length <= limit) return place >= 0;
    if (place >= limit || retry.tries === LIMIT_LOOKS || !await retry.next()) refuse();
  }
}

function inOrder(config: CommitConfig, sessions: readonly SubjectSession[]): SubjectSession[] {
  return alive(config, sessions).sort((one, other) => byNewest(other.record, one.record));
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
