import { commit } from "../commit/commit.ts";
import { renewEarly } from "../commit/renew_before_handler.ts";
import { transaction } from "../commit/transaction.ts";
import { SessionExistsError } from "../errors.ts";
import { assertPlainObject, type SessionObject } from "../session/session_object.ts";
import { type SessionOwner, SessionState } from "../session/session_state.ts";
import { unavailableSession } from "../session/unavailable_session.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { RequestConfig, RequestSessionOptions } from "./config.ts";
import { type ClientCookie, type CookieChange, cookieChangeOf } from "./cookie_change.ts";
import { DestroyedSessions } from "./destroyed_sessions.ts";
import { RequestInfo } from "./request_info.ts";
import { keepsChanges } from "./response_status.ts";

/** A request and its session: the loaded one first, later at most one at a time. */
export class RequestSession extends RequestInfo implements SessionOwner, ClientCookie {
  /** The session as the application reads it. */
  session: SessionObject;
  /** The access token of the session; `undefined` until it is stored, and after `regenerate()` until that is saved. */
  accessToken: string | undefined;
  /** The sessions that this request has ended, if any. */
  #destroyed: DestroyedSessions | undefined;
  /** The session that was loaded. */
  readonly #loaded: SessionState | undefined;
  #current: SessionState | undefined;
  /** The session that the handler gave a new token, or started. */
  #login: SessionState | undefined;
  /** Whether the handler has started a session. */
  isStarting = false;
  /** Whether the response has shown flashed values. */
  #hasShownFlash = false;

  /** @throws {SyntaxError} When the stored data are not the JSON of objects. */
  constructor(config: RequestConfig, options: RequestSessionOptions) {
    super(config, options);
    const { by, stored, presentedTrace } = options;
    if (stored) this.#loaded = new SessionState(this, options);
    if (presentedTrace || by === "adopted") this.#loaded?.rotated({ presentedTrace });
    this.#current = this.#loaded ?? this.createState();
    const { session } = this.#current;
    this.session = this.unavailable ? unavailableSession(session, this) : session;
  }

  /** Whether a live session was found for the client. */
  get isLoaded(): boolean {
    return this.#loaded !== undefined;
  }

  /** The state of the current session of this request. */
  get state(): SessionState | undefined {
    return this.unavailable ? undefined : this.#current;
  }

  /**
   * Handles an assignment to `c.session`: `null` ends the session; an object replaces its data or, after its
   * end, starts another session.
   *
   * @throws {TypeError} When the value is anything else.
   */
  assign(value: unknown): void {
    if (value === this.session) return;
    if (value !== null) assertPlainObject(value);
    this.assertAvailable();
    if (value === null) return this.#current?.destroy();
    if (this.#current?.status === "live") return this.#current.replaceData(value);
    this.#show(this.#begin(value));
  }

  /**
   * Starts a new session and stores it immediately. The previous session ends.
   *
   * @throws {SessionExistsError} When there is a live session and `allowOverwrite` is `false`.
   * @throws {TypeError} When the data are not a plain object.
   */
  async start(
    data: object,
    prepare?: (session: SessionState) => void,
  ): Promise<SessionObject> {
    assertPlainObject(data);
    this.beginLogin();
    this.isStarting = true;
    // One after the other: with two at once, the record of the first would remain in the store.
    this.#login = await this.config.queue.run(this, () => this.#store(data, prepare));
    const { session } = this.#login;
    await this.issue();
    return session;
  }

  /** Creates a session state that is not visible yet. */
  #begin(data: object): SessionState {
    const state = this.createState();
    state.assertNotCommitted("start");
    state.replaceData(data);
    return state;
  }

  /** Stores a new session, even an empty one, and shows it. */
  async #store(data: object, prepare?: (session: SessionState) => void): Promise<SessionState> {
    const before = this.state;
    if (before?.stored && before.status === "live" && !this.config.allowOverwrite) {
      throw new SessionExistsError("Cannot start session: another one is live");
    }
    const state = this.#begin(data);
    prepare?.(state);
    await commit(this.config, { state, storeEmpty: true }, this.c);
    state.assertLive("start");
    // The current session may have changed in the meantime.
    this.state?.destroy();
    this.#show(state);
    return state;
  }

  ended(state: SessionState, endedSession: SessionObject): void {
    this.config.ends.endedHere(state, "logout");
    (this.#destroyed ??= new DestroyedSessions(this.config, this.options)).add(state);
    if (state !== this.#current) return;
    this.#current = undefined;
    this.session = endedSession;
    this.accessToken = undefined;
  }

  endSignal(state: SessionState): AbortSignal {
    return this.config.ends.signalOf(
      state,
      this.committed || this.unavailable !== undefined,
      this.c,
    );
  }

  regenerating(state: SessionState): void {
    this.#login = state;
    // The access token is about to become invalid.
    if (state === this.#current) this.accessToken = undefined;
  }

  async save(state: SessionState): Promise<void> {
    const options = { state, consumeFlash: this.#hasShownFlash };
    await this.#saving(state, () => commit(this.config, options, this.c));
    state.assertLive("save");
    state.flashed?.saved(state.base().flash);
  }

  update(
    state: SessionState,
    key: string,
    change: (value: unknown) => unknown,
  ): Promise<unknown> {
    const run = () => transaction(this.config, { state, key, change }, this.c);
    return this.#saving(state, run);
  }

  /** Commits now, after removing the sessions that this request has ended. */
  #saving<Result>(state: SessionState, save: () => Awaitable<Result>): Promise<Result> {
    const run = async () => {
      // With an await that is not necessary, the response could leave before this is saved.
      if (this.#destroyed) await this.#destroyed.remove();
      try {
        return await save();
      } finally {
        await this.issue();
      }
    };
    return this.committed ? this.config.unsavedChanges.during(state, run) : run();
  }

  /** Issues the access token. A failure is logged, and the session keeps the token that it has, if any. */
  async issue(): Promise<void> {
    const { issue, logger } = this.config;
    if (!issue) return;
    const state = this.#current;
    if (!state?.stored || state.status !== "live") {
      this.accessToken = undefined;
      return;
    }
    const { stored } = state;
    try {
      const token = await issue(stored, state.session, this.c);
      // In the meantime the session may have ended, or be about to get another token.
      const isCurrent = state === this.#current && stored.key === state.stored.key;
      if (isCurrent && !state.pending.regenerate) this.accessToken = token;
    } catch (error) {
      logger.error("Cannot issue session token: it failed", error);
    }
  }

  /** Ends the session of this request that has a key; `false` when none has it. */
  endByKey(key: string): boolean {
    if (this.#destroyed?.includes(key)) return true;
    if (this.state?.stored?.key !== key) return false;
    this.state.destroy();
    return true;
  }

  /** Renews the loaded session if it might expire before the response. */
  renewEarly(): Awaitable<void> {
    if (this.#loaded) return renewEarly(this.config, this.#loaded, this.c);
  }

  /** Whether there is nothing to store or send: no session was loaded, and the new one is empty. */
  get isUntouched(): boolean {
    return this.#current?.isUntouched === true && !this.#destroyed && !this.unavailable &&
      !this.isStarting;
  }

  /**
   * Commits at the end of the request. Synchronous if the store is.
   *
   * @param status The status of the response.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  finish(status: number): Awaitable<void> {
    if (this.unavailable) {
      if (this.#current?.hasChanged()) this.assertAvailable();
      return;
    }
    return this.isStarting || this.#destroyed ? this.#commitInTurn(status) : this.#commit(status);
  }

  /** Commits after every started session was stored, and every ended one removed. */
  #commitInTurn(status: number): Awaitable<void> {
    const commitCurrent = () => this.#commit(status);
    return this.config.queue.run(this, () => andThen(this.#destroyed?.remove(), commitCurrent));
  }

  #commit(status: number): Awaitable<void> {
    const state = this.#current;
    // A handler that has caught the error of the limit responds itself.
    if (!state || state.isRefused()) return;
    this.#hasShownFlash = state.isFlashing && this.observer?.canShowFlash(status) === true;
    const onlyToken = !keepsChanges(this.config, status);
    // A session that this request has started or ended takes precedence over that of an inner request.
    const isOver = this.#destroyed || state.stored && state !== this.#loaded;
    const inner = isOver ? undefined : this.observer;
    const options = { state, onlyToken, consumeFlash: this.#hasShownFlash, rotate: true, inner };
    return commit(this.config, options, this.c);
  }

  /** The change of the cookie by what was committed so far, regardless of later failures. */
  get cookieChange(): CookieChange | undefined {
    return cookieChangeOf(this.#current, this);
  }

  get hasEndedForClient(): boolean {
    return this.#destroyed?.removed.some(this.isForClient, this) === true;
  }

  isForClient(state: SessionState | undefined): boolean {
    return state !== this.#loaded || this.isLoadedForClient;
  }

  isLogin(state: SessionState): boolean {
    return state === this.#login;
  }

  createState(): SessionState {
    return new SessionState(this, { initial: this.config.initial() });
  }

  #show(state: SessionState): void {
    this.#current = state;
    this.session = state.session;
    this.accessToken = undefined;
  }
}
