import { emit, type Logger, type SessionEvents } from "../events.ts";
import type { ExpiryPolicy } from "../record/expiry.ts";
import type { JsonObject } from "../record/json_object.ts";
import type { DataReader } from "../record/schema.ts";
import type { SessionState } from "../session/session_state.ts";
import type { BoundedStore } from "../store/timeout_store.ts";
import type { Clock } from "../util/clock.ts";
import type { Queue } from "../util/keyed_queue.ts";
import type { RotationPolicy } from "./rotation.ts";

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
