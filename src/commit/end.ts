import { emit } from "../events.ts";
import { isSessionRecord, type Stored, type Trace } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";
import { END_TRIES } from "../util/tries.ts";
import type { Committing } from "./context.ts";
import { follow, toEnded } from "./rotation.ts";

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

/** Ends a session here because it was ended elsewhere. */
export function interrupt(committing: Committing, state: SessionState, c: unknown): void {
  state.status = "gone";
  state.deliver = false;
  emit(committing, "interrupted", { sid: state.sid }, c);
}
