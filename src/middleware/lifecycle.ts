import type { Context } from "hono";
import type { InnerCommit } from "../commit/context.ts";
import { SessionStoreError } from "../errors.ts";
import type { MiddlewareConfig } from "../http/config.ts";
import { cookieDeliveryOf } from "../http/cookie_delivery.ts";
import { credentialsOf } from "../http/credentials.ts";
import { asResponse } from "../http/error_response.ts";
import { innerCommitOf } from "../http/inner_request.ts";
import type { SessionCookie } from "../http/session_cookie.ts";
import type { CookieDelivery } from "../record/renewal.ts";
import { canShowFlash } from "../request/consume_flash.ts";
import type { SessionObserver } from "../request/request_info.ts";
import type { RequestSession } from "../request/request_session.ts";
import type { Credential } from "../request/session_loader.ts";
import { isFailure } from "../request/response_status.ts";
import type { Sessions } from "../request/sessions.ts";
import { andThen, type Awaitable, isPromiseLike } from "../util/awaitable.ts";
import { Unprinted } from "../util/unprinted.ts";
import type { ContextSession } from "./context.ts";
import { attachSession } from "./context_properties.ts";
import type { Variables } from "./context_variables.ts";
import { finishLoading } from "./finish_loading.ts";
import { ContextResponse } from "./response.ts";
import { ResponseEnd } from "./response_end.ts";
import { markForCaches, setSessionHeaders } from "./response_headers.ts";

/** The objects that all sessions of one middleware share. */
export interface Mount {
  readonly config: MiddlewareConfig;
  readonly sessions: Sessions;
  readonly variables: Variables;
}

/** The progress of loading: `starting` until the call that loads the session returns. */
type Loading = "idle" | "starting" | Awaitable<RequestSession>;

/** The session of a request: loaded before the handler, committed and sent after it. */
export class SessionLifecycle extends Unprinted implements ContextSession, SessionObserver {
  readonly config: MiddlewareConfig;
  readonly sessions: Sessions;
  readonly variables: Variables;
  readonly outer: ContextSession | undefined;
  readonly response: ContextResponse;
  requestSession: RequestSession | undefined;
  cookie: SessionCookie | undefined;

  readonly #c: Context;
  #loading: Loading = "idle";
  #phase: "pending" | "left" | "failed" = "pending";
  /** The number of middleware that handle the response before the client receives it. */
  readonly #around: number;
  #responseEnd: ResponseEnd | undefined;

  constructor(c: Context, mount: Mount, outer: ContextSession | undefined) {
    super();
    this.config = mount.config;
    this.sessions = mount.sessions;
    this.variables = mount.variables;
    this.outer = outer;
    this.#c = c;
    this.#around = c.req.routeIndex;
    this.response = outer?.response ?? new ContextResponse(c);
    this.response.watching = this;
    attachSession(c, this);
  }

  /** The end of the response. It is created when something has to be done then. */
  get responseEnd(): ResponseEnd {
    return this.#responseEnd ??= new ResponseEnd(this.sessions);
  }

  mark(read: () => Response): void {
    if (this.#phase === "pending" && this.#loading !== "idle" && this.#c.finalized) {
      markForCaches(this, read.call(this.#c));
    }
    this.outer?.mark(read);
  }

  /** Commits at the end of the request; synchronously if there is nothing to commit and no cookie to change. */
  leave(): Awaitable<void> {
    this.#phase = "left";
    const { requestSession } = this;
    if (requestSession ? requestSession.isUntouched : this.#loading === "idle") {
      return requestSession?.leave();
    }
    return this.finish(this.#c.res.status);
  }

  /** Watches the session for changes that are made too late. */
  watch(): void {
    const state = this.requestSession?.state;
    if (!state) return;
    const { ends, unsavedChanges } = this.sessions.config;
    const isFailed = this.#phase === "failed";
    const responseEnd = ends.isUsed ? this.responseEnd : this.#responseEnd;
    const { response } = this;
    if (responseEnd?.watch(state, { isFailed, request: this.#c.req.raw, response })) return;
    if (!isFailed) unsavedChanges.watch(state, this.#around);
  }

  watchTask(task: unknown): void {
    this.responseEnd.watchTask(task);
    this.outer?.watchTask(task);
  }

  get cookieDelivery(): CookieDelivery {
    return cookieDeliveryOf(this.#c.req.raw);
  }

  canShowFlash(status: number): boolean {
    return canShowFlash(this.#c.req.raw, status);
  }

  load(): Awaitable<RequestSession> {
    if (this.#loading === "idle") {
      this.#loading = "starting";
      return this.#loading = this.#startLoading();
    }
    // An event listener that the loading calls loads the session as well. Its result is there in the next microtask.
    if (this.#loading === "starting") return this.#loadSoon();
    return this.#loading;
  }

  async #loadSoon(): Promise<RequestSession> {
    await undefined;
    return await this.load();
  }

  /** Commits, then changes the cookie; synchronously where there is nothing to commit. */
  finish(status: number): Awaitable<void> {
    const failed = isFailure(status);
    this.#phase = failed ? "failed" : "left";
    const { requestSession } = this;
    if (!requestSession) return this.#loading === "idle" ? undefined : finishLoading(this, status);
    let committing: Awaitable<void>;
    try {
      committing = requestSession.finish(status);
    } catch (error) {
      return this.#fail(error);
    }
    return isPromiseLike(committing) ? this.#deliverLater(committing) : this.#deliver();
  }

  #deliverLater(committing: Promise<void>): Promise<void> {
    return committing.then(
      () => this.#deliver(),
      (error) => this.#fail(error),
    );
  }

  #deliver(): Awaitable<void> {
    const requestSession = this.requestSession!;
    requestSession.leave();
    return setSessionHeaders(this, requestSession.cookieChange, this.#c);
  }

  /** Responds to a commit that failed. A handler that failed as well keeps its own response. */
  async #fail(error: unknown): Promise<void> {
    const requestSession = this.requestSession!;
    requestSession.leave();
    const failed = this.#phase === "failed";
    // What was committed before the failure must still reach the client.
    const { cookieChange } = requestSession;
    if (!failed) {
      this.response.drop();
      if (requestSession.state) this.sessions.config.ends.over(requestSession.state);
    } else if (!(error instanceof SessionStoreError)) {
      // Failures of the store were already reported.
      const { logger } = this.config;
      logger.error("Cannot commit session: it failed after the handler had failed", error);
    }
    const isSent = cookieChange && "token" in cookieChange;
    await setSessionHeaders(this, isSent ? cookieChange : undefined, this.#c);
    if (!failed) throw asResponse(error);
  }

  #startLoading(): Awaitable<RequestSession> {
    const c = this.#c;
    try {
      const credentials = credentialsOf(this.config, c.req.raw, c);
      const requestSession = isPromiseLike(credentials)
        ? this.#loadVerified(credentials)
        : this.sessions.load(credentials, c);
      return isPromiseLike(requestSession)
        ? this.#loadLater(requestSession)
        : this.#show(requestSession);
    } catch (error) {
      return this.#failToLoad(error);
    }
  }

  #loadVerified(credentials: Promise<readonly Credential[]>): Promise<RequestSession> {
    return credentials.then((credentials) => this.sessions.load(credentials, this.#c));
  }

  #loadLater(loading: Promise<RequestSession>): Promise<RequestSession> {
    return loading.then(
      (requestSession) => this.#show(requestSession),
      (error) => this.#failToLoad(error),
    );
  }

  /** Rejects, and shows an empty session to code that still reads it, such as an error page. */
  #failToLoad(error: unknown): Promise<never> {
    if (error instanceof SessionStoreError) this.#show(this.sessions.unavailable(this.#c));
    return Promise.reject(asResponse(error));
  }

  /** Shows a session on the context. */
  #show(requestSession: RequestSession): Awaitable<RequestSession> {
    this.requestSession = requestSession;
    requestSession.observer = this;
    if (this.#phase !== "pending") {
      requestSession.leave();
      this.watch();
    }
    return andThen(requestSession.renewEarly(), renewed, requestSession);
  }

  innerCommit(): Awaitable<InnerCommit | undefined> {
    const c = this.#c;
    if (!c.finalized) return undefined;
    const { config, requestSession } = this;
    const given = { sessions: this.sessions, response: c.res.headers, held: requestSession!.held };
    return innerCommitOf(config, given, c);
  }
}

function renewed(_: void, requestSession: RequestSession): RequestSession {
  return requestSession;
}
