import type { AdoptedToken } from "../crypto/adopted_token.ts";
import { SessionEndedError } from "../errors.ts";
import { isSessionRecord, type SessionRecord, type StoredSession } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import { type CommitConfig, CommitContext } from "./context.ts";
import { created, newRecord } from "./create.ts";
import { rotatedTrace } from "./rotation.ts";
import { checkLimit } from "./session_limit.ts";
import { makePlace, writeNew } from "./write.ts";

/** The session of another library, to be stored. */
export interface Adoption extends AdoptedToken {
  /** The new session. It is not visible yet. */
  readonly state: SessionState;
  /** The value of its cookie. */
  readonly token: string;
  /** The limit of its renewals, in epoch milliseconds; `Infinity` when there is none. */
  readonly endsAt: number;
  /** Until when the trace is kept, in epoch milliseconds. */
  readonly keptUntil: number;
  /** The generation of all sessions of the store when the adoption began, with the option `revokeEverything`. */
  readonly storeGeneration: number | undefined;
}

/** An adopted session, and the trace by which its former cookie leads to it. */
export interface Adopted {
  readonly stored: StoredSession;
  /** Absent in stateless stores. */
  readonly trace?: StoredSession;
}

/**
 * Stores the session of another library under a new token, once: of the concurrent requests of all processes, one
 * does it.
 *
 * The first write claims the key that is derived from the former cookie. The second one moves the claim to the
 * new token, and leaves a trace that leads to it, as after a rotation. A request that finds a claim continues it,
 * so that a process may stop in between.
 *
 * @returns `undefined` when another request has adopted it.
 * @throws {SessionLimitError | SessionEndedError} When the session is refused, like a login.
 */
export async function adoptSession(
  config: CommitConfig,
  adoption: Adoption,
  c: unknown,
): Promise<Adopted | undefined> {
  const { state, sid, endsAt } = adoption;
  const context = new CommitContext(config, { state }, c);
  context.pending = state.takePending();
  context.contents = state.contents();
  await checkLimit(context);
  const begun = newRecord(context);
  const bounded = endsAt === Infinity
    ? {}
    : { endsAt, expiresAt: Math.min(begun.expiresAt, endsAt) };
  const record = { ...begun, sid, ...bounded };
  const adopted = config.store.capabilities.stateless
    ? { stored: await writeNew(config.store, record, c) }
    : await claimAndMove(config, { ...adoption, record }, c);
  try {
    if (adopted) await created(adopted.stored, context);
    return adopted;
  } catch (error) {
    // A `SessionEndedError` means that another login has evicted it. Otherwise it was never stored.
    if (!(error instanceof SessionEndedError)) await release(config, adopted!, c);
    throw error;
  }
}

/** Lets a later request adopt a session again, unless it may still be there. */
async function release(
  { store }: CommitConfig,
  { stored, trace }: Adopted,
  c: unknown,
): Promise<void> {
  if (!trace) return;
  try {
    if (await store.read(stored.key, c) === undefined) await store.delete(trace.key, c);
  } catch {
    // The caller gets the first error.
  }
}

async function claimAndMove(
  { store, clock }: CommitConfig,
  { token, key, sid, keptUntil, storeGeneration, record }: Adoption & {
    readonly record: SessionRecord;
  },
  c: unknown,
): Promise<Adopted | undefined> {
  const now = clock();
  const times = { createdAt: now, lastSeenAt: now, renewedAt: now, expiresAt: keptUntil };
  const claim: SessionRecord = {
    format: 1,
    sid,
    version: 1,
    data: "{}",
    ...times,
    ...storeGeneration !== undefined && { storeGeneration },
  };
  const current = await store.create(key, claim, c) ? claim : await store.read(key, c);
  if (!isSessionRecord(current) || current.trace !== undefined) return undefined;
  const { token: newToken, key: newKey } = await makePlace(store);
  // The trace stays until the session can't be adopted any more.
  const rotated = await rotatedTrace({ token, record: current }, newToken);
  const left: SessionRecord = { ...rotated, trace: "adopted" };
  const next = {
    key: newKey,
    record: { ...record, version: left.version, predecessor: key },
    left,
  };
  if (!await store.replace(key, next, current, c)) return undefined;
  return {
    stored: { token: newToken, key: newKey, record: next.record },
    trace: { token, key, record: left },
  };
}
