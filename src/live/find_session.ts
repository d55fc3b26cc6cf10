import { unsealToken } from "../crypto/sealed_token.ts";
import { hashToken } from "../crypto/store_key.ts";
import { deadline, type ExpiryPolicy } from "../record/expiry.ts";
import {
  isSessionRecord,
  parseObjectIfAny,
  type SessionRecord,
  type StoredSession,
} from "../record/record.ts";
import { listSessionsOf } from "../store/subject_sessions.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import type { Clock } from "../util/clock.ts";
import type { StoppableTimers } from "../util/stoppable_timers.ts";

/** The largest number of tokens of a session that are followed. */
const MOST_MOVES = 100;

/** How long a move of a session in several steps may take, in milliseconds. */
const MOVING = 250;

/** Options of {@linkcode findSession}. */
export interface FindOptions {
  readonly store: TimeoutStore;
  readonly clock: Clock;
  readonly expiry: ExpiryPolicy;
  /** The pauses of a search. When they are stopped, it returns the session as it was last seen. */
  readonly pauses: StoppableTimers;
}

/** The key of a session, and its token if known. */
type Place = Pick<StoredSession, "token" | "key">;

/** Why a session was not found. */
export type NotFound = "ended" | "expired";

/**
 * Looks up a session again, under its current token.
 *
 * @param from The session as it was last seen.
 * @returns The session, or the reason why it is over.
 * @throws {SessionStoreError} When the store failed.
 */
export async function findSession(
  options: FindOptions,
  from: StoredSession,
  c: unknown,
): Promise<StoredSession | NotFound> {
  const found = await follow(options, from, c);
  const isOver = options.clock() >= deadline(options.expiry, (found ?? from).record);
  return isOver ? "expired" : found ?? "ended";
}

async function follow(
  { store, pauses }: FindOptions,
  from: StoredSession,
  c: unknown,
): Promise<StoredSession | undefined> {
  let place: Place = from;
  for (let moves = 0; moves < MOST_MOVES; moves++) {
    let record = await store.read(place.key, c);
    const isUnclear = record === undefined ? moves > 0 : isMoving(record);
    if (isUnclear && !store.capabilities.stateless) {
      await pauses.pause(MOVING);
      if (pauses.areStopped) return from;
      record = await store.read(place.key, c);
    }
    if (!isSessionRecord(record)) break;
    if (record.trace === undefined) return { ...place, record };
    // Only the client has the cookie that replaces it.
    if (store.capabilities.stateless) return from;
    if (record.trace === "ended") return undefined;
    const next = await successorOf({ ...place, record });
    if (!next) break;
    place = next;
  }
  return await findListed(store, from, c);
}

/** Checks whether a session is being moved, and its trace does not contain the new key yet. */
function isMoving({ trace, data }: SessionRecord): boolean {
  return trace === "replaced" && data === "{}";
}

/** Returns the successor in a trace, if the trace contains it. */
async function successorOf({ token, record }: StoredSession): Promise<Place | undefined> {
  const { successor, data } = record;
  if (successor === undefined) {
    const { key } = parseObjectIfAny(data) ?? {};
    return typeof key === "string" ? { token: undefined, key } : undefined;
  }
  const next = token === undefined ? undefined : await unsealToken(successor, token);
  return next === undefined ? undefined : { token: next, key: await hashToken(next) };
}

/** Finds the session in the list of its subject. */
async function findListed(
  store: TimeoutStore,
  { record: { sid, subject } }: StoredSession,
  c: unknown,
): Promise<StoredSession | undefined> {
  if (subject === undefined || !store.capabilities.index) return undefined;
  const sessions = await listSessionsOf(store, subject, c);
  const session = sessions.find((session) => session.sid === sid);
  return session && {
    token: undefined,
    key: session.keys.at(-1)!,
    record: { data: "{}", ...session.record },
  };
}
