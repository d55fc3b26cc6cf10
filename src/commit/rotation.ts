import { sealToken, unsealToken } from "../crypto/sealed_token.ts";
import { hashToken } from "../crypto/store_key.ts";
import {
  isSessionRecord,
  type SessionRecord,
  type StoredSession,
  type Trace,
} from "../record/record.ts";
import { traceOf } from "../record/trace.ts";
import type { SessionState } from "../session/session_state.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import { changeRecord } from "./change_record.ts";

/** How long a replaced token is remembered, for requests that started with it, in milliseconds. */
const REPLACED = 60_000;
/** The default grace period, in seconds. */
export const GRACE = 30;
/** The largest number of tokens between a presented token and the current one. */
const MOST_SUCCESSORS = 2;

/** The times of a rotation, in seconds. */
export interface RotationPolicy {
  readonly every: number;
  readonly grace: number;
  /** How long after its grace period the reuse of a token is detected. */
  readonly remember: number;
}

/** Checks whether a request gives its session a new token: not if the session has just got one. */
export function isRotating(
  rotation: RotationPolicy,
  { token, record }: StoredSession,
  { options: { state, rotate }, now }: {
    options: { readonly state: SessionState; readonly rotate?: boolean };
    now: number;
  },
): boolean {
  if (!rotate || token === undefined || state.wasRotated || state.hasNewToken) return false;
  if (state.cookieDelivery !== "sure") return false;
  const used = withUsedToken(record, { rotation, now });
  const { tokenAt = record.createdAt, graceUntil = -Infinity } = used;
  return now - tokenAt >= rotation.every * 1000 && now >= graceUntil;
}

/** Returns the record after a client has presented the current token. */
export function withUsedToken(
  record: SessionRecord,
  { rotation, now }: { rotation: RotationPolicy | undefined; now: number },
): SessionRecord {
  if (record.predecessor === undefined) return record;
  const { predecessor: _, ...rest } = record;
  return { ...rest, graceUntil: now + Math.ceil((rotation?.grace ?? GRACE) * 1000) };
}

/**
 * Starts the grace period of a token: a client has presented its successor. Until then the token was accepted
 * without a limit, since the response with the successor may have got lost.
 */
export async function startGracePeriod(
  { store, rotation }: { store: TimeoutStore; rotation: RotationPolicy | undefined },
  { key, graceUntil }: { key: string; graceUntil: number },
  c: unknown,
): Promise<void> {
  const change = (trace: SessionRecord | undefined) => {
    const isStarted = trace?.graceUntil !== undefined;
    if (!isSessionRecord(trace) || trace.successor === undefined || isStarted) return undefined;
    const remembered = graceUntil + Math.ceil((rotation?.remember ?? 0) * 1000);
    // As long as the trace is there, the session is not adopted again.
    const kept = trace.trace === "adopted" ? Infinity : remembered;
    const expiresAt = Math.max(Math.min(trace.expiresAt, kept), graceUntil);
    return { ...trace, version: trace.version + 1, graceUntil, expiresAt };
  };
  await changeRecord(store, { key, change }, c);
}

/**
 * Returns the record that stays under the key of a rotated token: no data, and the successor, encrypted so that
 * only the rotated token decrypts it.
 */
export async function rotatedTrace(
  { token, record }: { token: string; record: SessionRecord },
  successor: string,
): Promise<SessionRecord> {
  return {
    ...traceOf(record, "rotated"),
    successor: await sealToken(successor, token),
  };
}

/**
 * Returns the record that stays under the key of a token that `regenerate()` replaced. It holds the present key of the
 * session, by which a server that watches the session finds it. The replaced token is not accepted.
 */
export function replacedTrace(
  record: SessionRecord,
  { key, now }: { key: string; now: number },
): SessionRecord {
  const trace = traceOf(record, "replaced");
  const data = JSON.stringify({ key });
  return { ...trace, data, expiresAt: Math.min(record.expiresAt, now + REPLACED) };
}

/**
 * Follows a token and its rotated successors to their session.
 *
 * @param options.now At this time, the grace period of every token on the way must still run. Not checked when absent.
 * @returns The session, or the trace of its end or of the first token whose grace period is over.
 */
export async function followRotations(
  store: TimeoutStore,
  { from, now = -Infinity }: { from: StoredSession; now?: number },
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
