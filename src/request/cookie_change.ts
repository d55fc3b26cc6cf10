import type { SessionRecord } from "../record/record.ts";
import type { SessionState } from "../session/session_state.ts";

/** What a response does to the session cookie of the client. */
export type CookieChange =
  | { readonly action: "none" }
  | {
    readonly action: "clear";
    /** The JSON text of what the session changed of the cookie that the client holds. */
    readonly held: string | undefined;
  }
  | {
    readonly action: "send";
    readonly token: string;
    /** The record of the session, whose lifetime the cookie has. */
    readonly record: SessionRecord;
    /** The JSON text of what the session changed of its cookie. */
    readonly cookie: string | undefined;
    /** The same of the cookie that the client holds. */
    readonly held: string | undefined;
  };

/** The response leaves the cookie as it is. */
export const KEEP_COOKIE: CookieChange = { action: "none" };

/** A request that ends. */
export interface RequestEnd {
  /** The JSON text of what the session changed of the cookie that the client came with. */
  readonly held: string | undefined;
  /** Whether the client presented a cookie that identifies no session. */
  readonly isStale: boolean;
  /** Whether a session whose cookie the client holds was ended. */
  readonly hasDeleted: boolean;
  /** Whether an access token identified the session. */
  readonly isByToken: boolean;
}

/** Decides what the response does to the cookie. */
export function cookieChange(
  state: SessionState | undefined,
  { held, isStale, hasDeleted, isByToken }: RequestEnd,
): CookieChange {
  const { token, record } = state?.stored ?? {};
  if (!record) return hasDeleted || isStale && !state ? { action: "clear", held } : KEEP_COOKIE;
  // A link that carries a token must not make its session that of the browser that follows it.
  if (!state!.sendsCookie || state!.isGraceOver || isByToken || token === undefined) {
    return KEEP_COOKIE;
  }
  return { action: "send", token, record, cookie: record.cookie, held };
}
