import type { Context } from "hono";
import type { StreamWatcher } from "../http/response_stream.ts";
import {
  type CommittedSession,
  committedSession,
  type UnsavedChanges,
} from "../request/unsaved_changes.ts";
import type { SessionState } from "../session/session_state.ts";

/** The end of one response: until it is over, whoever makes it may change and save the session. */
export class ResponseEnd implements StreamWatcher {
  readonly #unsavedChanges: UnsavedChanges;
  /** How many middleware get the response before the client. */
  readonly #around: number;
  /** How many streams it consists of that are not over. */
  #streams = 0;
  /** The session, once it has left with a stream. */
  #committed: CommittedSession | undefined;

  constructor(c: Context, unsavedChanges: UnsavedChanges) {
    this.#unsavedChanges = unsavedChanges;
    this.#around = c.req.routeIndex;
  }

  /** Watches a session for changes that come too late from now on. */
  watch(state: SessionState): void {
    if (this.#streams > 0) this.#committed = committedSession(state);
    else this.#unsavedChanges.watch(state, this.#around);
  }

  streamBegun(): void {
    this.#streams++;
  }

  streamEnded(isWhole: boolean): void {
    this.#streams--;
    if (!this.#committed || this.#streams > 0) return;
    if (isWhole) this.#unsavedChanges.look(this.#committed);
    this.#unsavedChanges.keep(this.#committed);
  }
}
