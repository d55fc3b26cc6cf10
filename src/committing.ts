import type { BoundedStore } from "./bounded_store.ts";
import type { Clock } from "./clock.ts";
import { contentsOf } from "./contents.ts";
import { SessionConflictError } from "./errors.ts";
import { emit, type Logger, type SessionEvents } from "./events.ts";
import { type ExpiryPolicy, isLive } from "./expiry.ts";
import type { Queue } from "./queue.ts";
import { isSessionRecord, type SessionRecord } from "./record.ts";
import type { SessionState, Stored } from "./session_state.ts";

/** What a commit works with. */
export interface Committing {
  readonly store: BoundedStore;
  readonly clock: Clock;
  readonly expiry: ExpiryPolicy;
  readonly events: SessionEvents;
  readonly logger: Logger;
  readonly queue: Queue;
  /** The cookie that sessions are made for. */
  readonly cookieName: string;
}

/** Reads again what another request wrote first; `undefined` when the session has ended. */
export async function reread(
  committing: Committing,
  state: SessionState,
  { current, tries, most }: { current: Stored; tries: number; most: number },
  c: unknown,
): Promise<SessionRecord | undefined> {
  if (tries === most) {
    throw new SessionConflictError(
      `Cannot commit session: other requests were faster in ${most} tries`,
    );
  }
  if (tries > 1) await pause(5 + Math.random() * 45);
  const fresh = await committing.store.read(current.key, c);
  if (!isSessionRecord(fresh) || !isLive(committing.expiry, fresh, committing.clock())) {
    return undefined;
  }
  if (!isReadable(fresh)) return undefined;
  emit(committing, "conflict", { sid: state.sid, tries }, c);
  return fresh;
}

function isReadable(record: SessionRecord): boolean {
  try {
    contentsOf(record);
    return true;
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

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
