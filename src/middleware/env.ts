import type { SessionCookie } from "../http/session_cookie.ts";
import type { Session, SessionData } from "../session/session.ts";

/**
 * The variables that {@linkcode session} puts into a Hono context. With another `contextKey` they are named after that:
 * `admin`, `adminCookie`, `adminToken`.
 *
 * @example Beside variables of your own
 * ```ts
 * import type { SessionVariables } from "@x/hono-session";
 * import { Hono } from "hono";
 *
 * interface Variables extends SessionVariables<{ userId?: string }> {
 *   locale: string;
 * }
 * new Hono<{ Variables: Variables }>();
 * ```
 */
export type SessionVariables<Data extends object = SessionData, Key extends string = "session"> =
  & {
    /** The session of the request. */
    [Name in Key]: Session<Data>;
  }
  & {
    /** The attributes of its cookie, which can be changed. */
    [Name in `${Key}Cookie`]: SessionCookie;
  }
  & {
    /** Its token for clients that keep no cookies; `undefined` while it has none that lasts. */
    [Name in `${Key}Token`]: string | undefined;
  };

/**
 * The environment of an application with {@linkcode session}, for handlers that are written elsewhere.
 *
 * @example A handler in a file of its own
 * ```ts
 * import type { SessionEnv } from "@x/hono-session";
 * import type { Context } from "hono";
 *
 * export function profile(c: Context<SessionEnv<{ name?: string }>>) {
 *   return c.text(c.var.session.name ?? "nobody");
 * }
 * ```
 */
export interface SessionEnv<Data extends object = SessionData, Key extends string = "session"> {
  /** The variables of the context. */
  Variables: SessionVariables<Data, Key>;
}

/**
 * The session of a context, as the middleware typed it and `Variables: { Session: { … } }` of another middleware
 * narrowed it. It types `c.session`, see the reference.
 *
 * @example What a guard has seen to
 * ```ts
 * import type { SessionEnv, SessionOf } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * type Env = SessionEnv<{ userId?: string }> & { Variables: { Session: { userId: string } } };
 * const userIdOf = (session: SessionOf<Env>): string => session.userId;
 * assertEquals(typeof userIdOf, "function");
 * ```
 */
export type SessionOf<Env> =
  & (Env extends { Variables: { session: infer Kept } } ? Kept : Session<SessionData>)
  & (Env extends { Variables: { Session: infer Narrowed } } ? Narrowed : unknown);
