import type { SessionRecord } from "../record/record.ts";

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
