import type { Context } from "hono";
import type { InnerCommit } from "../commit/context.ts";
import { SessionStoreError } from "../errors.ts";
import type { MiddlewareConfig } from "../http/config.ts";
import { reachOf } from "../http/cookie_delivery.ts";
import { credentialsOf } from "../http/credentials.ts";
import { asResponse } from "../http/error_response.ts";
import { innerCommitOf } from "../http/inner_request.ts";
import { sessionCookie } from "../http/session_cookie.ts";
import type { Reach } from "../record/expiry.ts";
import { type CookieChange, NO_CHANGE } from "../request/cookie_change.ts";
import type { VisitWatcher } from "../request/request_info.ts";
import type { Visit } from "../request/request_session.ts";
import { isFailure } from "../request/response_status.ts";
import type { Sessions } from "../request/sessions.ts";
import { type Awaitable, isPromiseLike } from "../util/awaitable.ts";
import { hold, type Mounted, type Names } from "./context.ts";
import { ContextVariables } from "./context_variables.ts";
import { Outgoing } from "./response.ts";
import { Departure } from "./response_end.ts";
import { deliver, markEarly } from "./response_headers.ts";
import { watchVariable } from "./watch_variable.ts";

/** What a {@linkcode Mount} is made of. */
interface MountOptions {
  readonly config: MiddlewareConfig;
  readonly sessions: Sessions;
  readonly names: Names;
  readonly outer: Mounted | undefined;
}

/** Whether somebody has asked for the session, and what came of it: `starting` while its loading has given no promise. */
type Loading = "idle" | "starting" | Awaitable<Visit>;

/** One session of one request. */
export class Mount extends ContextVariables implements Mounted, VisitWatcher {
  readonly outer: Mounted | undefined;
  readonly outgoing: Outgoing;

  readonly #sessions: Sessions;
  readonly #c: Context;
  #loading: Loading = "idle";
  #response: "pending" | "left" | "failed" = "pending";
  readonly #departure: Departure;

  constructor(c: Context, { config, sessions, names, outer }: MountOptions) {
    super(c, { config, names });
    this.outer = outer;
    this.#sessions = sessions;
    this.#c = c;
    hold(c, this);
    this.#departure = new Departure(c, sessions.late);
    this.outgoing = outer?.outgoing ?? new Outgoing(c);
    this.outgoing.watchStreams(this.#departure);
    if (config.bearer) watchVariable(c, names[2], () => this.outgoing.showToken());
  }

  mark(): void {
    if (this.#response !== "pending" || this.#loading === "idle") return;
    if (this.#c.finalized) markEarly(this.config, this);
  }

  /** Commits at the end of the request: at once if there is nothing to commit, and no cookie to change. */
  leave(): Awaitable<void> {
    this.#response = "left";
    const { visit } = this;
    if (visit ? visit.isUntouched : this.#loading === "idle") return visit?.leave();
    return this.finish(this.#c.res.status);
  }

  /** Watches out for changes of the session that come too late. */
  watch(): void {
    const state = this.visit?.state;
    if (state && this.#response !== "failed") this.#departure.watch(state);
  }

  get reach(): Reach {
    return reachOf(this.#c.req.raw);
  }

  open(): Awaitable<Visit> {
    if (this.#loading === "idle") {
      this.#loading = "starting";
      return this.#loading = this.#load();
    }
    // A listener of events asks for what is being loaded, which is known by the next turn.
    if (this.#loading === "starting") return Promise.resolve().then(() => this.open());
    return this.#loading;
  }

  async end(token: string): Promise<void> {
    const { bearer, contextKey } = this.config;
    if (!bearer) {
      throw new TypeError(`Cannot end session: middleware "${contextKey}" has no option token`);
    }
    const opened = await bearer.tokens.verify(token, this.#c);
    const visit = await this.open();
    if ("key" in opened && visit.endByKey(opened.key)) return;
    await this.#sessions.end({ by: "token", ...opened }, this.#c);
  }

  /** Commits, then changes the cookie: at once where there is nothing to commit. */
  finish(status: number): Awaitable<void> {
    const failed = isFailure(status);
    this.#response = failed ? "failed" : "left";
    const { visit } = this;
    if (!visit) return this.#loading === "idle" ? undefined : this.#finishLoading(status);
    const keepChanges = !failed || this.config.commitOnError;
    let change: Awaitable<CookieChange>;
    try {
      change = visit.finish({ request: this.#c.req.raw, status, keepChanges });
    } catch (error) {
      return this.#fail(error, { visit, failed });
    }
    if (!isPromiseLike(change)) return this.#deliver(visit, change);
    return change.then(
      (change) => this.#deliver(visit, change),
      (error) => this.#fail(error, { visit, failed }),
    );
  }

  async #finishLoading(status: number): Promise<void> {
    try {
      await this.open();
    } catch {
      // Whoever has opened it was told.
      return;
    }
    // Whoever has opened it goes on first.
    await undefined;
    await this.finish(status);
  }

  /** What comes of a commit that failed. A handler that failed as well keeps its own answer. */
  async #fail(
    error: unknown,
    { visit, failed }: { visit: Visit; failed: boolean },
  ): Promise<void> {
    // What was committed before it failed has to reach the client all the same.
    const { cookieChange } = visit;
    if (!failed) this.outgoing.drop();
    // Of a failure of the store whoever listens was told.
    else if (!(error instanceof SessionStoreError)) {
      const { logger } = this.config;
      logger.error("Cannot commit session: it failed after the handler had failed", error);
    }
    await this.#deliver(visit, cookieChange.action === "send" ? cookieChange : NO_CHANGE);
    if (!failed) throw asResponse(error);
  }

  #load(): Awaitable<Visit> {
    const c = this.#c;
    try {
      const credentials = credentialsOf(this.config, c.req.raw, c);
      if (!isPromiseLike(credentials)) {
        const visit = this.#sessions.open(credentials, c);
        return isPromiseLike(visit) ? this.#loadLater(visit) : this.#show(visit);
      }
      return this.#loadLater(credentials.then((given) => this.#sessions.open(given, c)));
    } catch (error) {
      return this.#failToLoad(error);
    }
  }

  #loadLater(visit: Promise<Visit>): Promise<Visit> {
    return visit.then((visit) => this.#show(visit)).catch((error) => this.#failToLoad(error));
  }

  /** What reads the session all the same, the page of an error for example, finds an empty one. */
  #failToLoad(error: unknown): Promise<never> {
    if (error instanceof SessionStoreError) this.#show(this.#sessions.unavailable(this.#c));
    return Promise.reject(asResponse(error));
  }

  /** Makes the session of a visit readable on the context. */
  #show(visit: Visit): Awaitable<Visit> {
    this.visit = visit;
    visit.watcher = this;
    if (this.#response !== "pending") {
      visit.leave();
      this.watch();
    }
    const { transport } = this.config;
    if (transport) {
      this.setVariable(this.names[1], sessionCookie({ cookie: transport.cookie, visit }));
    }
    this.changed(visit);
    const renewing = visit.renewEarly();
    return renewing ? renewing.then(() => visit) : visit;
  }

  innerCommit(): Awaitable<InnerCommit | undefined> {
    const c = this.#c;
    if (!c.finalized) return undefined;
    const { headers: response } = c.res;
    const { held } = this.visit!;
    return innerCommitOf(this.config, { sessions: this.#sessions, response, held }, c);
  }

  #deliver(visit: Visit, change: CookieChange): Awaitable<void> {
    return deliver(this.config, { visit, change, outgoing: this.outgoing }, this.#c);
  }
}
