import { commit } from "../commit/commit.ts";
import { SessionExistsError } from "../errors.ts";
import type { SessionState } from "../session/session_state.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { RequestConfig } from "./config.ts";

/** A session to start. */
export interface NewSession {
  readonly data: object;
  /** Sets more than its data. */
  readonly prepare: (session: SessionState) => void;
}

/** The request that a session is started in. */
export interface StartingRequest {
  /** Its session now. */
  readonly state: SessionState | undefined;
  /** Makes one that nobody has seen yet. */
  createState(): SessionState;
  /** Makes one its session. */
  setCurrent(state: SessionState): void;
}

/** Starts sessions in a request, one after the other: of two at once the record of the first would stay behind. */
export class SessionStarter {
  readonly #config: RequestConfig;
  readonly #request: StartingRequest;
  constructor(config: RequestConfig, request: StartingRequest) {
    this.#config = config;
    this.#request = request;
  }

  /**
   * Stores a new session, even an empty one. It takes the place of the previous one, which ends.
   *
   * @throws {SessionExistsError} When there is a live one and `allowOverwrite` is `false`.
   */
  async start(beginning: NewSession, c: unknown): Promise<SessionState> {
    return await this.inTurn(() => this.#start(beginning, c));
  }

  /** Runs something once every session that was started is stored. */
  inTurn<Result>(run: () => Awaitable<Result>): Awaitable<Result> {
    return this.#config.queue.run(this, run);
  }

  async #start({ data, prepare }: NewSession, c: unknown): Promise<SessionState> {
    const request = this.#request;
    const before = request.state;
    if (before?.stored && before.status === "live" && !this.#config.allowOverwrite) {
      throw new SessionExistsError("Cannot start session: another one is live");
    }
    const state = request.createState();
    state.assertNotCommitted("start");
    state.replaceData(data);
    prepare(state);
    const options = { state, keepChanges: true, consumeFlash: false, storeEmpty: true };
    await commit(this.#config, options, c);
    state.assertLive("start");
    // Whatever that is by now.
    request.state?.destroy();
    request.setCurrent(state);
    return state;
  }
}
