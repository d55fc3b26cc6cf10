import type { SessionRecord } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";

/** The change of the session cookie in a response. */
export type CookieChange =
  | { readonly action: "none" }
  | {
    readonly action: "clear";
    /** The changed attributes of the cookie that the client holds, as JSON text. */
    readonly held: string | undefined;
  }
  | {
    readonly action: "send";
    readonly token: string;
    /** The record of the session, which determines the lifetime of the cookie. */
    readonly record: SessionRecord;
    /** The key of a session that the browser is asked to bind to its device. */
    readonly binds: string | undefined;
    /** The changed attributes of the new cookie, as JSON text. */
    readonly cookie: string | undefined;
    /** The changed attributes of the cookie that the client holds, as JSON text. */
    readonly held: string | undefined;
  };

/** The response does not change the cookie. */
export const KEEP_COOKIE: CookieChange = { action: "none" };

/** The state of a request at its end. */
export interface RequestEnd {
  /** The changed attributes of the cookie in the request, as JSON text. */
  readonly held: string | undefined;
  /** Whether the client presented a cookie that identifies no session. */
  readonly isStale: boolean;
  /** Whether a session whose cookie the client holds was ended. */
  readonly hasDeleted: boolean;
  /** Whether the session concerns the cookie of the client. */
  readonly isForClient: boolean;
  /** Whether the handler gave the session a new token, or started it. */
  readonly isLogin: boolean;
}

/** Decides how the response changes the cookie. */
export function cookieChange(
  state: SessionState | undefined,
  { held, isStale, hasDeleted, isForClient, isLogin }: RequestEnd,
): CookieChange {
  const { token, record, key } = state?.stored ?? {};
  if (!record) return hasDeleted || isStale && !state ? { action: "clear", held } : KEEP_COOKIE;
  // A link with an access token must not put its session into the cookie of the browser that follows it.
  if (!state!.sendsCookie || state!.isGraceOver || !isForClient || token === undefined) {
    return KEEP_COOKIE;
  }
  const binds = isLogin && record.device === undefined ? key : undefined;
  return { action: "send", token, record, binds, cookie: record.cookie, held };
}
