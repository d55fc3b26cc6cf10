import type { Logger } from "../events.ts";
import { sameContents } from "../record/contents.ts";
import type { ExpiryPolicy } from "../record/expiry.ts";
import { NOTHING_PENDING, type PendingChanges } from "../record/pending_changes.ts";
import type { SessionState } from "../session/session_state.ts";
import type { Clock } from "../util/clock.ts";
import { RateLimit } from "../util/rate_limit.ts";

/** The number of sessions that are checked again with later requests. */
const MOST_KEPT = 16;
/** How long a change may wait for its `save()`, in milliseconds. */
const PATIENCE = 10_000;
/** The number of microtasks that each outer middleware needs to continue. */
const TURNS = 4;

/** The rate of watched responses. */
const LIMIT = { burst: 128, perSecond: 20 };

/** A session whose response has been sent. */
export interface CommittedSession {
  readonly state: SessionState;
  /** The changes that were pending at that time. */
  readonly pending: PendingChanges;
  /** Since when it is known to have unsaved changes, in epoch milliseconds. */
  changedAt?: number | undefined;
}

/** Options of {@linkcode UnsavedChanges}. */
export interface UnsavedChangesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Its `onServer` decides whether a session can be saved after the response has been sent. */
  readonly expiry: ExpiryPolicy;
}

/**
 * Warns of changes that are made after the response and not saved. Detecting assignments would slow down every
 * request. Therefore sessions are compared again: when the stream of their response ends, some microtasks later
 * if there is outer middleware, and with later requests, at a limited rate.
 */
export class UnsavedChanges {
  readonly #options: UnsavedChangesOptions;
  readonly #reported = new WeakSet<SessionState>();
  readonly #saving = new WeakMap<SessionState, number>();
  #kept: CommittedSession[] = [];
  readonly #limit = new RateLimit(LIMIT);

  constructor(options: UnsavedChangesOptions) {
    this.#options = options;
  }

  /**
   * Watches a session whose response has been sent. The rate of watched sessions is limited.
   *
   * @param around The number of middleware that handle the response before the client receives it.
   */
  watch(state: SessionState, around: number): void {
    if (!this.#limit.take()) return;
    this.#lookAtKept();
    const committed = committedSession(state);
    if (around > 0) this.#lookAfter(around * TURNS, committed);
    this.keep(committed);
  }

  async #lookAfter(turns: number, committed: CommittedSession): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await undefined;
    this.look(committed);
  }

  /** Checks the session again with later requests. */
  keep(committed: CommittedSession): void {
    this.#kept.push(committed);
    if (this.#kept.length <= MOST_KEPT) return;
    const unchanged = this.#kept.findIndex(({ changedAt }) => changedAt === undefined);
    this.#kept.splice(Math.max(unchanged, 0), 1);
  }

  /** Logs a warning if a session has unsaved changes. */
  look(committed: CommittedSession): void {
    if (this.#reported.has(committed.state) || !this.#isUnsaved(committed)) return;
    this.#reported.add(committed.state);
    this.#options.logger.warn(
      "Cannot keep change of session: the response had been sent, and the change was not saved; " +
        (this.#options.expiry.onServer && committed.state.stored
          ? "call save() after such a change"
          : "make it before the response is returned, so that its cookie can be sent"),
    );
  }

  /** Saves a session, which is not checked in the meantime. */
  async during<Result>(state: SessionState, save: () => Promise<Result>): Promise<Result> {
    this.#saving.set(state, (this.#saving.get(state) ?? 0) + 1);
    try {
      return await save();
    } finally {
      this.#saving.set(state, this.#saving.get(state)! - 1);
    }
  }

  #lookAtKept(): void {
    const { clock, expiry: { onServer } } = this.#options;
    const now = clock();
    for (const committed of this.#kept) {
      if (!this.#isUnsaved(committed)) committed.changedAt = undefined;
      else if (!onServer || now - (committed.changedAt ??= now) >= PATIENCE) this.look(committed);
    }
    this.#kept = this.#kept.filter(({ state }) => !this.#reported.has(state));
  }

  #isUnsaved({ state, pending }: CommittedSession): boolean {
    if (state.status !== "live" || state.isRefused() || this.#saving.get(state)) return false;
    if (state.pending !== pending && state.pending !== NOTHING_PENDING) return true;
    const base = state.base();
    try {
      // The response decides whether flashed values are dropped, so both outcomes count as unchanged.
      return [true, false].every((consume) => !sameContents(state.contents(consume), base));
    } catch {
      // It holds a value that can't be stored.
      return true;
    }
  }
}

/** Remembers the state of a session whose response is sent now. */
export function committedSession(state: SessionState): CommittedSession {
  return { state, pending: state.pending };
}
