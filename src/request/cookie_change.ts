import type { SessionRecord } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";

/** A session cookie that the response expires. */
interface ExpiredCookie {
  /** The changed attributes of the cookie that the client holds, as JSON text. */
  readonly held: string | undefined;
}

/** A session cookie that the response sends. */
interface SentCookie extends ExpiredCookie {
  readonly token: string;
  /** The record of the session, which determines the lifetime of the cookie. */
  readonly record: SessionRecord;
  /** The key of a session that the browser is asked to bind to its device. */
  readonly binds: string | undefined;
  /** The changed attributes of the new cookie, as JSON text. */
  readonly cookie: string | undefined;
}

/** A change of the session cookie in a response. */
export type CookieChange = ExpiredCookie | SentCookie;

/** What a request knows about the session cookie of its client. */
export interface ClientCookie {
  /** The changed attributes of the cookie in the request, as JSON text. */
  readonly held: string | undefined;
  /** Whether the client presented a cookie that identifies no session. */
  readonly isStale: boolean;
  /** Whether a session of the cookie has ended, as by a logout. */
  readonly hasEndedForClient: boolean;
  /** Checks whether a session concerns the cookie: not if an access token identified it. */
  isForClient(state: SessionState): boolean;
  /** Checks whether the handler has given a session a new token, or has started it. */
  isLogin(state: SessionState): boolean;
}

/**
 * Decides what happens to the session cookie of a client.
 *
 * @param state The session of the request from now on.
 */
export function cookieChangeOf(
  state: SessionState | undefined,
  client: ClientCookie,
): CookieChange | undefined {
  if (!state?.stored) {
    const isExpired = client.hasEndedForClient || client.isStale && !state;
    return isExpired ? { held: client.held } : undefined;
  }
  // A link with an access token must not put its session into the cookie of the browser that follows it.
  const isSent = state.sendsCookie && !state.isGraceOver && client.isForClient(state);
  const { token, record, key } = state.stored;
  if (!isSent || token === undefined) return undefined;
  const binds = client.isLogin(state) && record.device === undefined ? key : undefined;
  return { token, record, binds, cookie: record.cookie, held: client.held };
}
