import { type Committing, interrupt } from "./committing.ts";
import { SessionLimitError } from "./errors.ts";
import { emit } from "./events.ts";
import { isOtherSubject } from "./plan.ts";
import type { SessionRecord } from "./record.ts";
import type { Requested, SessionState } from "./session_state.ts";
import { endSessionOf, type Listed, listSubject, since } from "./subject.ts";

/**
 * Sees to it that a session that is about to become a subject's has room.
 *
 * @throws {SessionLimitError} When the subject has too many, and none may be ended for it.
 */
export async function admit(
  { store, limit }: Committing,
  requested: Requested,
  record: SessionRecord | undefined,
  c: unknown,
): Promise<void> {
  const { subject } = requested;
  if (limit?.policy !== "reject" || !subject) return;
  if (record && !isOtherSubject(requested, record)) return;
  const others = await listSubject(store, subject.name, c);
  if (others.length >= limit.limit) refuse();
}

/**
 * Sees to it that a session that has become a subject's leaves no more than the limit alive. Of those that came at the
 * same time each counts all, so that whichever way they interleave the last one finds what is too many.
 *
 * @throws {SessionLimitError} When it is too many itself.
 */
export async function evict(
  committing: Committing,
  state: SessionState,
  c: unknown,
): Promise<void> {
  const { store, limit } = committing;
  const { subject } = state.stored?.record ?? {};
  if (!limit || subject === undefined) return;
  const sessions = await listSubject(store, subject, c);
  if (sessions.length <= limit.limit) return;
  if (limit.policy === "reject") {
    await store.delete(state.stored!.key, c);
    interrupt(committing, state, c);
    refuse();
  }
  for (const { sid } of sessions.sort(byAge).slice(0, -limit.limit)) {
    if (await endSessionOf(store, { subject, sid }, c)) {
      emit(committing, "destroyed", { sid, reason: "evicted" }, c);
    }
    if (sid === state.sid) interrupt(committing, state, c);
  }
}

/** Sorts those first that have been the subject's for longest, for all who look in the same order. */
function byAge(one: Listed, other: Listed): number {
  const age = since(one.record) - since(other.record);
  return age === 0 ? one.sid < other.sid ? -1 : 1 : age;
}

function refuse(): never {
  throw new SessionLimitError("Cannot store session: its subject has as many as it may have");
}
