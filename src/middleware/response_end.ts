import type { Context } from "hono";
import type { StreamWatcher } from "../http/response_stream.ts";
import {
  type CommittedSession,
  committedSession,
  type UnsavedChanges,
} from "../request/unsaved_changes.ts";
import type { SessionState } from "../session/session_state.ts";

/** The end of one response: until it is over, and what goes on in the background, the session may be changed and saved. */
export class ResponseEnd implements StreamWatcher {
  readonly #unsavedChanges: UnsavedChanges;
  /** How many middleware get the response before the client. */
  readonly #around: number;
  /** How many streams it consists of, and tasks in the background, that are not over. */
  #running = 0;
  /** The session, once it has left while some are running. */
  #committed: CommittedSession | undefined;

  constructor(c: Context, unsavedChanges: UnsavedChanges) {
    this.#unsavedChanges = unsavedChanges;
    this.#around = c.req.routeIndex;
  }

  /** Watches a session for changes that come too late from now on. */
  watch(state: SessionState): void {
    if (this.#running > 0) this.#committed = committedSession(state);
    else this.#unsavedChanges.watch(state, this.#around);
  }

  streamBegun(): void {
    this.#running++;
  }

  /** Watches a task in the background, which may change and save the session as a stream may. */
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
