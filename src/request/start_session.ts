import { commit } from "../commit/commit.ts";
import { SessionExistsError } from "../errors.ts";
import type { SessionState } from "../session/session_state.ts";
import type { RequestConfig } from "./config.ts";

/** A session to start. */
export interface NewSession {
  readonly data: object;
  /** Sets its other properties. */
  readonly prepare: (session: SessionState) => void;
}

/** The request in which a session is started. */
export interface StartingRequest {
  readonly config: RequestConfig;
  /** Its current session. */
  readonly state: SessionState | undefined;
  /** Creates a session state that is not visible yet. */
  createState(): SessionState;
  /** Sets its current session. */
  setCurrent(state: SessionState): void;
}

/**
 * Stores a new session, even an empty one, and makes it the current one. The previous session ends.
 *
 * @throws {SessionExistsError} When there is a live session and `allowOverwrite` is `false`.
 */
export async function startSession(
  request: StartingRequest,
  { data, prepare }: NewSession,
  c: unknown,
): Promise<SessionState> {
  const { config, state: before } = request;
  if (before?.stored && before.status === "live" && !config.allowOverwrite) {
    throw new SessionExistsError("Cannot start session: another one is live");
  }
  const state = request.createState();
  state.assertNotCommitted("start");
  state.replaceData(data);
  prepare(state);
  await commit(config, { state, storeEmpty: true }, c);
  state.assertLive("start");
  // The current session may have changed in the meantime.
  request.state?.destroy();
  request.setCurrent(state);
  return state;
}
