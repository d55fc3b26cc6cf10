import type { Context } from "hono";
import type { MiddlewareConfig } from "../http/config.ts";
import { replaceCookie } from "../http/session_cookie.ts";
import type { RequestSession } from "../request/request_session.ts";
import { refuseUnloaded, UNLOADED } from "../session/lazy_session.ts";
import { Unprinted } from "../util/inspect.ts";
import type { Names } from "./context.ts";

/** The session variables of a context. */
export class ContextVariables extends Unprinted {
  readonly config: MiddlewareConfig;
  readonly names: Names;
  requestSession: RequestSession | undefined;
  protected readonly setVariable: (key: string, value: unknown) => void;

  constructor(c: Context, { config, names }: { config: MiddlewareConfig; names: Names }) {
    super();
    this.config = config;
    this.names = names;
    this.setVariable = c.set as (key: string, value: unknown) => void;
    // Assigned directly, the function literal would stay in memory with the request until a full garbage
    // collection.
    const assign = (key: string, value: unknown) => this.assign(key, value);
    c.set = assign;
    if (config.lazy) {
      const [session, cookie] = names;
      this.setVariable(session, UNLOADED);
      if (config.transport) this.setVariable(cookie, UNLOADED);
    }
  }

  /** The session as the application reads it. */
  get session(): unknown {
    return this.requestSession
      ? this.requestSession.session
      : this.config.lazy
      ? UNLOADED
      : undefined;
  }

  changed(requestSession: RequestSession): void {
    this.setVariable(this.names[0], requestSession.session);
    if (this.config.bearer) this.setVariable(this.names[2], requestSession.accessToken);
  }

  /** Assigns to a variable of the context, which may be the session. */
  assign(key: string, value: unknown): void {
    const { transport, bearer } = this.config;
    const [session, cookie, token] = this.names;
    if (key === session) {
      this.#loaded("change").assign(value);
    } else if (key === cookie && transport) {
      replaceCookie({ cookie: transport.cookie, owner: this.#loaded("change") }, value);
    } else if (key === token && bearer) {
      throw new TypeError("Cannot change session token: it follows the session");
    } else {
      this.setVariable(key, value);
    }
  }

  #loaded(action: string): RequestSession {
    if (this.requestSession) return this.requestSession;
    if (this.config.lazy) return refuseUnloaded(action);
    throw new TypeError(`Cannot ${action} session: it could not be loaded`);
  }
}
