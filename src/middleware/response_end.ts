import { cookieDeliveryOf } from "../http/cookie_delivery.ts";
import type { StreamWatcher } from "../http/response_stream.ts";
import type { Sessions } from "../request/sessions.ts";
import { type CommittedSession, committedSession } from "../request/unsaved_changes.ts";
import type { SessionState } from "../session/session_state.ts";
import type { ContextResponse } from "./response.ts";

/** A request whose response is sent now. */
interface Leaving {
  readonly isFailed: boolean;
  readonly request: Request;
  readonly response: ContextResponse;
}

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
  /** The session, once the response was sent while streams or background tasks are running. */
  #state: SessionState | undefined;
  /** The same session, unless its request has failed. */
  #committed: CommittedSession | undefined;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /**
   * Watches a session whose response is sent now, until its streams and background tasks have ended. Unless its request
   * has failed, unsaved changes are detected then.
   *
   * @returns Whether some are running.
   */
  watch(state: SessionState, { isFailed, request, response }: Leaving): boolean {
    const { ends } = this.#sessions.config;
    if (ends.isUsed) this.#leave(state, { request, response });
    if (this.#running === 0) {
      // A lazy session can be loaded when its stream is over.
      if (this.#hasStream) ends.over(state);
      return false;
    }
    this.#state = state;
    this.#isSocket = !this.#hasStream && cookieDeliveryOf(request) === "none";
    if (!isFailed) this.#committed = committedSession(state);
    return true;
  }

  /**
   * Records the rest of a request whose session is watched until it ends: a stream, a socket, or only listeners. A client
   * can ask for an upgrade and get a stream.
   */
  #leave(state: SessionState, { request, response }: Omit<Leaving, "isFailed">): void {
    const { ends } = this.#sessions.config;
    // Hono drops the body of the response.
    if (isHead(request)) return ends.over(state);
    if (!ends.has(state)) return;
    if (this.#running === 0) response.watchBody(this);
    const isSocket = !this.#hasStream && cookieDeliveryOf(request) === "none";
    ends.left(
      state,
      isSocket ? "socket" : this.#running > 0 || this.#hasStream ? "stream" : "whole",
    );
  }

  streamBegun(): void {
    this.#hasStream = true;
    this.#running++;
  }

  /** Watches a background task, which may change and save the session like a stream. */
  watchTask(task: unknown): void {
    this.#running++;
    Promise.resolve(task).then(() => this.streamEnded(true), () => this.streamEnded(false));
  }

  streamEnded(isWhole: boolean): void {
    this.#running--;
    if (!this.#state || this.#running > 0) return;
    const { unsavedChanges, ends } = this.#sessions.config;
    if (!this.#isSocket) ends.over(this.#state);
    if (!this.#committed) return;
    if (isWhole) unsavedChanges.look(this.#committed);
    unsavedChanges.keep(this.#committed);
  }
}

function isHead(request: Request): boolean {
  try {
    return request.method === "HEAD";
  } catch {
    // Deno throws when the properties of an upgraded request are read.
    return false;
  }
}
