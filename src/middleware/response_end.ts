import type { Context } from "hono";
import type { StreamWatcher } from "../http/response_stream.ts";
import {
  type CommittedSession,
  committedSession,
  type UnsavedChanges,
} from "../request/unsaved_changes.ts";
import type { SessionState } from "../session/session_state.ts";

/**
 * Tracks the end of one response. Until its streams and background tasks have ended, the session may be changed
 * and saved.
 */
export class ResponseEnd implements StreamWatcher {
  readonly #unsavedChanges: UnsavedChanges;
  /** The number of middleware that handle the response before the client receives it. */
  readonly #around: number;
  /** The number of streams and background tasks that are running. */
  #running = 0;
  /** The session whose response was sent while some are running. */
  #committed: CommittedSession | undefined;

  constructor(c: Context, unsavedChanges: UnsavedChanges) {
    this.#unsavedChanges = unsavedChanges;
    this.#around = c.req.routeIndex;
  }

  /** Watches a session for changes that are made too late from now on. */
  watch(state: SessionState): void {
    if (this.#running > 0) this.#committed = committedSession(state);
    else this.#unsavedChanges.watch(state, this.#around);
  }

  streamBegun(): void {
    this.#running++;
  }

  /** Watches a background task, which may change and save the session like a stream. */
  watchTask(task: unknown): void {
    this.streamBegun();
    Promise.resolve(task).then(() => this.streamEnded(true), () => this.streamEnded(false));
  }

  streamEnded(isWhole: boolean): void {
    this.#running--;
    if (!this.#committed || this.#running > 0) return;
    if (isWhole) this.#unsavedChanges.look(this.#committed);
    this.#unsavedChanges.keep(this.#committed);
  }
}
