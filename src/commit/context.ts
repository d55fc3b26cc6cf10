import { SessionConflictError } from "../errors.ts";
import { emit, type Logger, type SessionEvents } from "../events.ts";
import { type Contents, contentsOf } from "../record/contents.ts";
import type { ExpiryPolicy } from "../record/expiry.ts";
import type { JsonObject } from "../record/json_object.ts";
import { isSessionRecord, type SessionRecord, type Trace } from "../record/record.ts";
import type { DataReader } from "../record/schema.ts";
import type { SessionState, Stored } from "../session/session_state.ts";
import type { BoundedStore } from "../store/timeout_store.ts";
import type { Clock } from "../util/clock.ts";
import type { Queue } from "../util/keyed_queue.ts";
import type { Retry } from "./retry.ts";
import { follow, type RotationPolicy, toEnded } from "./rotation.ts";

/** How often ending a session is tried against the writes of other requests. */
const END_TRIES = 100;

/** How many sessions a subject may have. */
export interface SessionLimit {
  readonly limit: number;
  readonly policy: "evict-oldest" | "reject";
}

/** What a commit works with. */
export interface Committing {
  readonly store: BoundedStore;
  readonly clock: Clock;
  /** A clock by which nothing happens at the same time. */
  readonly instant: Clock;
  readonly expiry: ExpiryPolicy;
  readonly events: SessionEvents;
  readonly logger: Logger;
  readonly queue: Queue;
  readonly rotation: RotationPolicy | undefined;
  /** The cookie that sessions are made for. */
  readonly cookieName: string;
  readonly limit: SessionLimit | undefined;
  /** Brings data that were read up to date, and checks them. */
  readonly readData: DataReader | undefined;
  /** The scope that a session of this request lives in. */
  readonly scope: ((c: unknown) => string) | undefined;
}

/** Reads again what another request wrote first, under another token if it is so, or why it is gone. */
export async function reread(
  committing: Committing,
  state: SessionState,
  { current, retry }: { current: Stored; retry: Retry },
  c: unknown,
): Promise<Stored | Trace> {
  const { tries } = retry;
  if (!await retry.next()) {
    throw new SessionConflictError(
      `Cannot commit session: other requests were faster in ${tries} tries`,
    );
  }
  const record = await committing.store.read(current.key, c);
  if (!isSessionRecord(record)) return "ended";
  // It was accepted when it came. The grace is only for those that come later.
  const fresh = await follow(committing.store, { from: { ...current, record }, now: -Infinity }, c);
  if (typeof fresh === "string") return fresh;
  const now = committing.clock();
  if (!state.isLiveFor(fresh.record, now) || !isReadable(fresh.record)) return "ended";
  if (fresh.token !== current.token) {
    state.moved({ isLate: now >= (record.graceUntil ?? Infinity) });
  }
  emit(committing, "conflict", { sid: state.sid, tries }, c);
  return fresh;
}

/**
 * Ends a session in the store, for whatever token it has by now. Where tokens are rotated it is marked first: a
 * rotation under way must find that it came too late, or be found.
 */
export async function end(
  { store, rotation, clock }: Committing,
  stored: Stored,
  c: unknown,
): Promise<void> {
  let current: Stored | undefined = stored;
  for (let tries = 0; rotation && current && tries < END_TRIES; tries++) {
    if (await store.update(current.key, toEnded(current.record, clock()), current.record, c)) break;
    const record = await store.read(current.key, c);
    const next: Stored | Trace = isSessionRecord(record)
      ? await follow(store, { from: { ...current, record }, now: -Infinity }, c)
      : "ended";
    current = typeof next === "string" ? undefined : next;
  }
  if (current) await store.delete(current.key, c);
}

/** The contents of a record that was read again, brought up to date. Data that don't fit stay as they are. */
export async function readContents(
  { readData }: Committing,
  record: SessionRecord,
  c: unknown,
): Promise<Contents> {
  const data = await readData?.(record.data, c);
  return contentsOf(data === undefined ? record : { ...record, data });
}

/** Tells of the keys of data that a write has changed, where somebody listens. */
export function tellUpdated(
  committing: Committing,
  { sid }: SessionState,
  { before, now }: { before: JsonObject; now: JsonObject },
  c: unknown,
): void {
  if (!committing.events.updated || now === before) return;
  const keys = now.keysUnlike(before);
  if (keys.length > 0) emit(committing, "updated", { sid, keys }, c);
}

function isReadable(record: SessionRecord): boolean {
  try {
    const { data, flash } = contentsOf(record);
    return Boolean(data.copy() && flash.copy());
  } catch {
    return false;
  }
}

/** Ends a session here because it was ended elsewhere. */
export function interrupt(committing: Committing, state: SessionState, c: unknown): void {
  state.status = "gone";
  state.deliver = false;
  emit(committing, "interrupted", { sid: state.sid }, c);
}
