import { type Contents, EMPTY_CONTENTS, withFlash } from "../record/contents.ts";
import { renewedTimes } from "../record/renewal.ts";
import { withPendingChanges } from "../record/pending_changes.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { CommitContext } from "./context.ts";
import { checkProvider, enlistAtProvider } from "./provider_login.ts";
import { checkLimit, enforceLimit } from "./session_limit.ts";
import { writeNew } from "./write.ts";

/**
 * Stores a new session.
 *
 * @throws {SessionLimitError} When its subject has too many sessions, and none may be evicted.
 * @throws {SessionEndedError} When all sessions of its subject were revoked after it was bound to the subject.
 */
export function create(context: CommitContext, contents: Contents): Awaitable<void> {
  const { config, c } = context;
  context.contents = contents;
  const stored = andThen(checkLimit(context), () => {
    const record = newRecord(context);
    return andThen(enlistAtProvider(context, record), () => writeNew(config.store, record, c));
  });
  return andThen(stored, created, context);
}

/**
 * Continues after a new session was stored.
 *
 * @throws {SessionLimitError | SessionEndedError} Like {@linkcode create}.
 */
export function created(stored: StoredSession, context: CommitContext): Awaitable<void> {
  const { config, state, contents, c } = context;
  state.created(stored, contents);
  context.emit("created");
  context.emitUpdated(EMPTY_CONTENTS.data, contents.data);
  return andThen(
    checkStored(context),
    // The session was ended while it was being stored.
    () => state.status === "live" ? undefined : config.store.delete(stored.key, c),
  );
}

/**
 * Checks a session after it was stored: a logout at its provider or a concurrent login may have looked for it before.
 *
 * @throws {SessionLimitError | SessionEndedError} When it must not stay.
 */
export function checkStored(context: CommitContext): Awaitable<void> {
  return andThen(checkProvider(context), enforceLimit, context);
}

/** Returns the record of a new session. */
export function newRecord(
  { config, state, pending, contents, c }: CommitContext,
): SessionRecord {
  const now = config.clock();
  const begun: SessionRecord = {
    format: 1,
    sid: state.sid,
    version: 1,
    // A stateless store itself binds its tokens to the cookie.
    ...(config.store.capabilities.stateless ? {} : { cookieName: config.cookieName }),
    ...(config.scope ? { scope: config.scope(c) } : {}),
    data: contents.data.text,
    createdAt: now,
    lastSeenAt: now,
    renewedAt: now,
    expiresAt: now,
  };
  const record = withPendingChanges(withFlash(begun, contents.flash), pending);
  return { ...record, ...renewedTimes(config.expiry, record, { now }) };
}
