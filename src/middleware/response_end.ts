import { cookieDeliveryOf } from "../http/conditional_request.ts";
import type { StreamWatcher } from "../http/response_stream.ts";
import type { Sessions } from "../request/sessions.ts";
import { type CommittedSession, committedSession } from "../request/unsaved_changes.ts";
import type { SessionState } from "../session/session_state.ts";
import type { ContextResponse } from "./response.ts";

/**
 * Tracks the end of one response. Until its streams and background tasks have ended, the session may be changed
 * and saved.
 */
export class ResponseEnd implements StreamWatcher {
  readonly #sessions: Sessions;
  /** The number of streams and background tasks that are running. */
  #running = 0;
  #hasStream = false;
  /** Whether a WebSocket outlives the background tasks. */
  #isSocket = false;
  /** The session of the request whose response was sent while some are running. */
  #state: SessionState | undefined;
  /** The same, if it was committed. */
  #committed: CommittedSession | undefined;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /**
   * Watches a session while streams or background tasks are running. Unless its request has failed, it is watched
   * for changes that are made too late from now on.
   *
   * @returns Whether some are running.
   */
  watch(
    state: SessionState,
    { isFailed, request }: { isFailed: boolean; request: Request },
  ): boolean {
    if (!this.isRunning) {
      // A lazy session can be loaded when its stream is over.
      if (this.#hasStream) this.#sessions.ends.over(state);
      return false;
    }
    this.#state = state;
    this.#isSocket = !this.#hasStream && cookieDeliveryOf(request) === "none";
    if (!isFailed) this.#committed = committedSession(state);
    return true;
  }

  /** Whether the body of the response is a stream. */
  get hasStream(): boolean {
    return this.#hasStream;
  }

  /** Whether streams or background tasks are still running. */
  get isRunning(): boolean {
    return this.#running > 0;
  }

  streamBegun(): void {
    this.#hasStream = true;
    this.#running++;
  }

  /** Drops a response that is not sent, and what watches the session for it. */
  drop(response: ContextResponse, state: SessionState | undefined): void {
    response.drop();
    if (state) this.#sessions.ends.over(state);
  }

  /** Watches a background task, which may change and save the session like a stream. */
  watchTask(task: unknown): void {
    this.#running++;
    Promise.resolve(task).then(() => this.streamEnded(true), () => this.streamEnded(false));
  }

  streamEnded(isWhole: boolean): void {
    this.#running--;
    if (!this.#state || this.#running > 0) return;
    const { unsavedChanges, ends } = this.#sessions;
    if (!this.#isSocket) ends.over(this.#state);
    if (!this.#committed) return;
    if (isWhole) unsavedChanges.look(this.#committed);
    unsavedChanges.keep(this.#committed);
  }
}
