import { SessionConflictError } from "../errors.ts";
import { emit } from "../events.ts";
import { contentsOf } from "../record/contents.ts";
import {
  isSessionRecord,
  type SessionRecord,
  type StoredSession,
  type Trace,
} from "../record/record.ts";
import { ConflictRetry } from "./conflict_retry.ts";
import type { CommitContext } from "./context.ts";
import { followRotations } from "./rotation.ts";

/**
 * Reads a session again after a conflict, under its new token if it was given one.
 *
 * @returns The session, or the reason why it is gone.
 * @throws {SessionConflictError} When no try is left.
 */
export async function reread(
  context: CommitContext,
  current: StoredSession,
): Promise<StoredSession | Trace> {
  const { config, state, c } = context;
  const { store } = config;
  const retry = context.retry ??= new ConflictRetry(store.timeout);
  const { tries } = retry;
  if (!await retry.next()) {
    throw new SessionConflictError(
      `Cannot commit session: other requests were faster in ${tries} tries`,
    );
  }
  const record = await store.read(current.key, c);
  if (!isSessionRecord(record)) return "ended";
  // The token was accepted when the request started. The grace period only limits later requests.
  const fresh = await followRotations(store, { from: { ...current, record } }, c);
  if (typeof fresh === "string") return fresh;
  const now = config.clock();
  if (!state.isLiveFor(fresh.record, now) || !isReadable(fresh.record)) return "ended";
  if (fresh.token !== current.token) {
    state.rotated({ isGraceOver: now >= (record.graceUntil ?? Infinity) });
  }
  emit(config, "conflict", { sid: state.sid, tries }, c);
  return fresh;
}

/** Checks whether the contents of a record can be read. */
export function isReadable(record: SessionRecord): boolean {
  try {
    const { data, flash } = contentsOf(record);
    return Boolean(data.copy() && flash.copy());
  } catch {
    return false;
  }
}
