import { commit } from "../commit/commit.ts";
import { SessionExistsError } from "../errors.ts";
import type { SessionState } from "../session/session_state.ts";
import type { RequestConfig } from "./config.ts";

/** A session to start. */
export interface NewSession {
  readonly data: object;
  /** Sets more than its data. */
  readonly prepare: (session: SessionState) => void;
}

/** The request that a session is started in. */
export interface StartingRequest {
  readonly config: RequestConfig;
  /** Its session now. */
  readonly state: SessionState | undefined;
  /** Makes one that nobody has seen yet. */
  createState(): SessionState;
  /** Makes one its session. */
  setCurrent(state: SessionState): void;
}

/**
 * Stores a new session, even an empty one. It takes the place of the previous one, which ends.
 *
 * @throws {SessionExistsError} When there is a live one and `allowOverwrite` is `false`.
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
  await commit(config, { state, keepChanges: true, consumeFlash: false, storeEmpty: true }, c);
  state.assertLive("start");
  // Whatever that is by now.
  request.state?.destroy();
  request.setCurrent(state);
  return state;
}
