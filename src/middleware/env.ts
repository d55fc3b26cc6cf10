import type { SessionCookie } from "../http/session_cookie.ts";
import type { Session, SessionData } from "../session/session.ts";

/**
 * The variables that {@linkcode session} adds to the Hono context. Another `contextKey` changes their names:
 * `admin`, `adminCookie`, `adminToken`.
 *
 * @example Together with variables of your own
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
    /** The attributes of its cookie. Assign to them to change them. */
    [Name in `${Key}Cookie`]: SessionCookie;
  }
  & {
    /**
     * Its access token for clients without cookies; `undefined` until it is stored, and after `regenerate()` until that
     * is saved.
     */
    [Name in `${Key}Token`]: string | undefined;
  };

/**
 * The Hono environment of an application with {@linkcode session}, for handlers in other files.
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
 * The type of a context's session: the type that the middleware gives it, narrowed by
 * `Variables: { Session: { … } }` of another middleware. It types `c.session`, see the reference.
 *
 * @example Narrowed by a guard
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
  & (Env extends { Variables: { session: infer Kept } }
    // A plain `Context` has the environment `any`, in which the type is `unknown`.
    ? unknown extends Kept ? Session<SessionData> : Kept
    : Session<SessionData>)
  & (Env extends { Variables: { Session: infer Narrowed } } ? Narrowed : unknown);
