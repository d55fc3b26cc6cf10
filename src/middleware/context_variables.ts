import type { MiddlewareConfig } from "../http/config.ts";
import { CookieView, type SessionCookie, sessionCookie } from "../http/session_cookie.ts";
import type { RequestSession } from "../request/request_session.ts";
import { refuseUnloaded, UNLOADED } from "../session/lazy_session.ts";

/** A session on a context, as its variables show it. */
export interface VariableOwner {
  readonly config: MiddlewareConfig;
  /** The loaded session. */
  readonly requestSession: RequestSession | undefined;
  readonly response: { holdsToken: boolean };
  /** The attributes of the cookie, once they are read. */
  cookie: SessionCookie | undefined;
}

/** A variable of a context that belongs to its session. */
export interface Variable {
  read(owner: VariableOwner): unknown;
  assign(owner: VariableOwner, value: unknown): void;
}

/** The variables of the sessions of one middleware, by their names. */
export type Variables = ReadonlyMap<string, Variable>;

/** The session as the application reads it. */
export const SESSION: Variable = {
  read: (owner) => owner.requestSession ? owner.requestSession.session : unloaded(owner),
  assign: (owner, value) => loaded(owner).assign(value),
};

const COOKIE: Variable = {
  read(owner) {
    const { config: { transport }, requestSession } = owner;
    if (!requestSession) return unloaded(owner);
    return owner.cookie ??= sessionCookie(transport!.cookie, requestSession);
  },
  assign(owner, value) {
    new CookieView(owner.config.transport!.cookie, loaded(owner)).replace(value);
  },
};

/** The access token. The response may contain it once it was read. */
export const TOKEN: Variable = {
  read({ requestSession, response }) {
    const token = requestSession?.accessToken;
    if (token !== undefined) response.holdsToken = true;
    return token;
  },
  assign() {
    throw new TypeError("Cannot change session token: it follows the session");
  },
};

/** Returns the variables of the sessions of a middleware. */
export function variablesOf({ contextKey, transport, bearer }: MiddlewareConfig): Variables {
  const variables = new Map([[contextKey, SESSION]]);
  if (transport) variables.set(`${contextKey}Cookie`, COOKIE);
  if (bearer) variables.set(`${contextKey}Token`, TOKEN);
  return variables;
}

function unloaded({ config }: VariableOwner): object | undefined {
  return config.lazy ? UNLOADED : undefined;
}

function loaded({ requestSession, config }: VariableOwner): RequestSession {
  if (requestSession) return requestSession;
  if (config.lazy) return refuseUnloaded("change");
  throw new TypeError("Cannot change session: it could not be loaded");
}
