import { sealToken, unsealToken } from "../crypto/sealed_token.ts";
import { hashToken } from "../crypto/token.ts";
import {
  isSessionRecord,
  type SessionRecord,
  type StoredSession,
  type Trace,
} from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import { GRACE_TRIES } from "../util/tries.ts";

/** How long an ended session is marked as such, should it not be deleted, in milliseconds. */
const ENDING = 60_000;
/** How long it is known that a token was replaced, for requests that came with it before, in milliseconds. */
const REPLACED = 60_000;
/** How many tokens may lie between one that a client presents and the present one. */
const MOST_SUCCESSORS = 2;

/** When tokens are rotated, in seconds. */
export interface RotationPolicy {
  readonly every: number;
  readonly grace: number;
  /** For how long after its grace the reuse of a token is noticed. */
  readonly remember: number;
}

/** Whether a request gives its session a new token: not if the session has just got one. */
export function isRotating(
  rotation: RotationPolicy | undefined,
  { token, record }: StoredSession,
  { options: { state, rotate }, now }: {
    options: { readonly state: SessionState; readonly rotate?: boolean };
    now: number;
  },
): boolean {
  if (!rotation || rotate !== true || state.wasRotated || state.hasNewToken) return false;
  return token !== undefined && state.cookieDelivery === "sure" &&
    isRotationDue(rotation, withUsedToken(record, { rotation, now }), now);
}

/** Whether a token is old enough, and the one before it is not accepted any more. */
function isRotationDue(
  policy: RotationPolicy,
  record: SessionRecord,
  now: number,
): boolean {
  if (record.predecessor !== undefined) return false;
  const { tokenAt = record.createdAt, graceUntil = -Infinity } = record;
  return now - tokenAt >= policy.every * 1000 && now >= graceUntil;
}

/** The record of a session whose present token a client has come back with. */
export function withUsedToken(
  record: SessionRecord,
  { rotation, now }: { rotation: RotationPolicy | undefined; now: number },
): SessionRecord {
  if (record.predecessor === undefined) return record;
  const { predecessor: _, ...rest } = record;
  return { ...rest, graceUntil: now + Math.ceil((rotation?.grace ?? 0) * 1000) };
}

/**
 * Starts the grace of a token: a client has come back with its successor. Until then it was accepted, since the answer
 * with the successor may have got lost.
 */
export async function startGracePeriod(
  { store, rotation }: { store: TimeoutStore; rotation: RotationPolicy | undefined },
  { key, graceUntil }: { key: string; graceUntil: number },
  c: unknown,
): Promise<void> {
  for (let tries = 0; tries < GRACE_TRIES; tries++) {
    const trace = await store.read(key, c);
    if (!isSessionRecord(trace) || trace.trace !== "rotated" || trace.graceUntil !== undefined) {
      return;
    }
    const remembered = graceUntil + Math.ceil((rotation?.remember ?? 0) * 1000);
    const expiresAt = Math.max(Math.min(trace.expiresAt, remembered), graceUntil);
    const started = { ...trace, version: trace.version + 1, graceUntil, expiresAt };
    if (await store.update(key, started, trace, c)) return;
  }
}

/**
 * What is left under the key of a rotated token: no data, and the successor in a form that only the rotated token
 * decrypts.
 */
export async function rotatedTrace(
  { token, record }: { token: string; record: SessionRecord },
  successor: string,
): Promise<SessionRecord> {
  return {
    ...toTrace(record, "rotated"),
    expiresAt: record.expiresAt,
    successor: await sealToken(successor, token),
  };
}

/** What is left under the key of a token that `regenerate()` replaced. */
export function replacedTrace(record: SessionRecord, now: number): SessionRecord {
  const trace = toTrace(record, "replaced");
  return { ...trace, expiresAt: Math.min(record.expiresAt, now + REPLACED) };
}

/** What is left of a session that is being ended, so that no rotation gives it a successor. */
export function endedTrace(record: SessionRecord, now: number): SessionRecord {
  return { ...toTrace(record, "ended"), expiresAt: now + ENDING };
}

/**
 * The session that a token leads to, over the successors of those that were rotated.
 *
 * @param now The time that the grace of none may be over at.
 * @returns The trace at which the way ends, when the session has ended or a grace is over.
 */
export async function followRotations(
  store: TimeoutStore,
  { from, now }: { from: StoredSession; now: number },
  c: unknown,
): Promise<StoredSession | Trace> {
  let stored = from;
  for (let count = 0; stored.record.trace !== undefined; count++) {
    const { trace, successor, graceUntil = Infinity } = stored.record;
    if (successor === undefined || stored.token === undefined) return trace;
    if (now >= graceUntil || count === MOST_SUCCESSORS) return trace;
    const token = await unsealToken(successor, stored.token);
    if (token === undefined) return trace;
    const key = await hashToken(token);
    const record = await store.read(key, c);
    if (!isSessionRecord(record)) return "ended";
    stored = { token, key, record };
  }
  return stored;
}

/** A record without anything that a client or a list could be shown, in as few bytes as a record can take. */
function toTrace({ sid, version, expiresAt }: SessionRecord, trace: Trace): SessionRecord {
  const times = { createdAt: 0, lastSeenAt: 0, renewedAt: 0, expiresAt };
  return { format: 1, sid, version: version + 1, data: "{}", ...times, trace };
}
