import { unsealToken } from "../crypto/sealed_token.ts";
import { hashToken } from "../crypto/store_key.ts";
import { deadline, type ExpiryPolicy } from "../record/expiry.ts";
import { isSessionRecord, parseObject, type StoredSession } from "../record/record.ts";
import { listSessionsOf } from "../store/subject_sessions.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import type { Clock } from "../util/clock.ts";

/** How many tokens of a session are followed at a time. */
const MOST_MOVES = 100;

/** How long a store that moves a session in several steps may need for it, in milliseconds. */
const MOVING = 250;

/** Where sessions are looked for. */
export interface FindOptions {
  readonly store: TimeoutStore;
  readonly clock: Clock;
  readonly expiry: ExpiryPolicy;
}

/** Where a session is kept. */
type Place = Pick<StoredSession, "token" | "key">;

/** Why a session was not found. */
export type NotFound = "ended" | "expired";

/**
 * Looks a session up again, under whatever token it has by now.
 *
 * @param from Where it was, and what it was then.
 * @returns Where it is, or why it is over.
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
  { store }: FindOptions,
  from: StoredSession,
  c: unknown,
): Promise<StoredSession | undefined> {
  let place: Place = from;
  for (let moves = 0; moves < MOST_MOVES; moves++) {
    let record = await store.read(place.key, c);
    if (record === undefined && moves > 0) {
      await new Promise((resolve) => setTimeout(resolve, MOVING));
      record = await store.read(place.key, c);
    }
    if (!isSessionRecord(record)) break;
    if (record.trace === undefined) return { ...place, record };
    // The client alone knows the cookie that the session has instead.
    if (store.capabilities.stateless) return from;
    if (record.trace === "ended") return undefined;
    const next = await successorOf({ ...place, record });
    if (!next) break;
    place = next;
  }
  return await findListed(store, from, c);
}

/** Where the session of a trace has moved, as far as the trace says it. */
async function successorOf({ token, record }: StoredSession): Promise<Place | undefined> {
  const { successor, data } = record;
  if (successor === undefined) {
    const { key } = parseObject(data);
    return typeof key === "string" ? { token: undefined, key } : undefined;
  }
  const next = token === undefined ? undefined : await unsealToken(successor, token);
  return next === undefined ? undefined : { token: next, key: await hashToken(next) };
}

/** The session on the list of its subject. */
async function findListed(
  store: TimeoutStore,
  { record: { sid, subject } }: StoredSession,
  c: unknown,
): Promise<StoredSession | undefined> {
  if (subject === undefined || !store.capabilities.index) return undefined;
  const sessions = await listSessionsOf(store, subject, c);
  const session = sessions.find((session) => session.sid === sid);
  const key = session?.keys.at(-1);
  if (!session || key === undefined) return undefined;
  return { token: undefined, key, record: { data: "{}", ...session.record } };
}
