import { SessionEndedError, SessionLimitError } from "../errors.ts";
import { isLive } from "../record/expiry.ts";
import { changesSubject, type PendingLogin } from "../record/pending_changes.ts";
import type { SessionRecord } from "../record/record.ts";
import { byNewest, since } from "../store/list_order.ts";
import { listSessionsOf, type SubjectSession } from "../store/subject_sessions.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { LIMIT_LOOKS } from "../util/tries.ts";
import { ConflictRetry } from "./conflict_retry.ts";
import type { CommitConfig, CommitContext } from "./context.ts";
import { endSessionsOf } from "./end.ts";
import { checkOrEnd, type StoredCheck } from "./stored_check.ts";

/**
 * Makes sure that a subject may have another session, and that the new session is later than all of its others,
 * whatever the clocks of other servers say.
 *
 * @throws {SessionLimitError} When the subject has too many sessions, and none may be evicted.
 */
export function checkLimit(context: CommitContext): Awaitable<void> {
  const { config, pending, current } = context;
  if (!config.limit || !pending.subject) return;
  if (current && !changesSubject(pending, current.record)) return;
  return findPlace(context, pending.subject);
}

async function findPlace(context: CommitContext, login: PendingLogin): Promise<void> {
  const { config, state, replaced, c } = context;
  const { limit, policy } = config.limit!;
  const subject = login.name;
  const sessions = await listSessionsOf(config.store, subject, c);
  if (policy === "reject") {
    const others = inOrder(config, sessions).filter(({ sid }) => sid !== state.sid);
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
    return stayWithinLimit(context);
  }
}

const WITHIN_LIMIT: StoredCheck<boolean> = {
  check: endExcess,
  reason: "evicted",
  cause: "above the limit",
};

async function stayWithinLimit(context: CommitContext): Promise<void> {
  if (await checkOrEnd(context, WITHIN_LIMIT)) return;
  throw new SessionEndedError("Cannot log in: another login took its place; log in again");
}

/**
 * Evicts the sessions above the limit, or waits until concurrent logins above it have withdrawn.
 *
 * @returns Whether the new session is still stored.
 * @throws {SessionLimitError} When no session may be evicted, and this one is above the limit or the others don't
 * withdraw: one may have been admitted before this session was listed.
 */
async function endExcess(
  { config, state, c }: CommitContext,
  { sid, subject = "" }: SessionRecord,
): Promise<boolean> {
  const { store } = config;
  const { limit, policy } = config.limit!;
  const { key } = state.stored!;
  const isRejecting = policy === "reject";
  const isOwn = (session: SubjectSession) => session.sid === sid;
  let isListed = false;
  const excessOf = (sessions: SubjectSession[]) => {
    const all = inOrder(config, sessions);
    isListed = all.some(isOwn);
    return isRejecting ? all.slice(limit) : all.slice(0, Math.max(all.length - limit, 0));
  };
  const retry = new ConflictRetry(store.timeout);
  while (isRejecting) {
    const excess = excessOf(await listSessionsOf(store, subject, c));
    if (excess.length === 0) break;
    if (excess.some(isOwn) || retry.tries === LIMIT_LOOKS || !await retry.next()) refuse();
  }
  if (!isRejecting) {
    await endSessionsOf(config, { subject, choose: excessOf, reason: "evicted" }, c);
  }
  return isListed || await store.read(key, c) !== undefined;
}

/** Returns the sessions that have not expired by the current policy, the newest last. */
function inOrder(
  { expiry, clock }: CommitConfig,
  sessions: readonly SubjectSession[],
): SubjectSession[] {
  const now = clock();
  return sessions.filter(({ record }) => isLive(expiry, record, now))
    .sort((one, other) => byNewest(other.record, one.record));
}

function refuse(): never {
  throw new SessionLimitError(
    "Cannot store session: its subject has as many sessions as maxSessions allows",
  );
}
