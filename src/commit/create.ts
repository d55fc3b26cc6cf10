import { emit } from "../events.ts";
import { type Contents, EMPTY, withContents } from "../record/contents.ts";
import { renewed } from "../record/expiry.ts";
import { boundAt, type Requested, withRequested } from "../record/pending_changes.ts";
import type { SessionRecord } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import { type Committing, tellUpdated } from "./context.ts";
import { admit, evict } from "./session_limit.ts";
import { putNew } from "./write.ts";

/**
 * Stores a new session.
 *
 * @throws {SessionLimitError} When its subject has too many, and none may be ended for it.
 * @throws {SessionEndedError} When all sessions of its subject were ended since it became the subject's.
 */
export function create(
  committing: Committing,
  state: SessionState,
  { contents, requested }: { contents: Contents; requested: Requested },
  c: unknown,
): Awaitable<void> {
  const now = committing.clock();
  const begun: SessionRecord = {
    format: 1,
    sid: state.sid,
    version: 1,
    // A stateless store binds its tokens to the cookie itself.
    ...(committing.store.capabilities.stateless ? {} : { cookieName: committing.cookieName }),
    ...(committing.scope ? { scope: committing.scope(c) } : {}),
    data: "{}",
    createdAt: now,
    lastSeenAt: now,
    renewedAt: now,
    expiresAt: now,
  };
  const lasting = withRequested(withContents(begun, contents), requested);
  const record = { ...lasting, ...renewed(committing.expiry, lasting, { now }) };
  const admitted = admit(committing, requested, undefined, c);
  const put = (at: number | undefined) => putNew(committing, boundAt(record, at), c);
  return andThen(andThen(admitted, put), (stored) => {
    state.deliver = true;
    state.adopt(stored);
    state.keepFlash(contents, contents);
    emit(committing, "created", { sid: state.sid }, c);
    tellUpdated(committing, state, { before: EMPTY.data, now: contents.data }, c);
    return andThen(
      evict(committing, state, c),
      // Ended while it was being stored.
      () => state.status === "live" ? undefined : committing.store.delete(stored.key, c),
    );
  });
}
