import type { Context, Handler } from "hono";
import type { CommitConfig } from "../commit/context.ts";
import { endProviderSessions } from "../commit/provider_logout.ts";
import { holdsMarks } from "../commit/provider_marks.ts";
import { hashToken } from "../crypto/store_key.ts";
import { makeSid } from "../crypto/token.ts";
import { SessionConflictError, SessionStoreError } from "../errors.ts";
import { assertSubject } from "../record/subject.ts";
import { makeTrace } from "../record/trace.ts";
import type { SessionData } from "../session/session.ts";
import type { Awaitable } from "../util/awaitable.ts";
import { refuse } from "../util/option_errors.ts";
import { checkTable, type OptionTable } from "../util/option_table.ts";
import { RateLimit } from "../util/rate_limit.ts";
import { FUNCTION, OBJECT } from "../util/shapes.ts";
import { logoutTokenOf } from "./logout_request.ts";
import { checkLogoutToken, type LogoutToken, readVerified } from "./logout_token.ts";
import { configs, type SessionManager } from "./session_manager.ts";

/**
 * The claims of a logout token.
 *
 * @example Usage
 * ```ts
 * import type { LogoutClaims } from "@x/hono-session";
 *
 * const subjectOf = ({ sub }: LogoutClaims) => `user:${sub}`;
 * console.assert(subjectOf({ sub: "42" }) === "user:42");
 * ```
 */
export interface LogoutClaims {
  /** The user at the identity provider. */
  readonly sub?: string;
  /** All other claims. */
  readonly [name: string]: unknown;
}

/**
 * Options of {@linkcode backChannelLogout}.
 *
 * @typeParam Data The data of the sessions.
 * @typeParam Key The name of the session on the context.
 *
 * @example Verification with `jose`
 * ```ts
 * import { type BackChannelLogoutOptions, createSessions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { createRemoteJWKSet, jwtVerify } from "jose";
 *
 * const keys = createRemoteJWKSet(new URL("https://id.example/jwks"));
 * const options: BackChannelLogoutOptions = {
 *   sessions: createSessions({ store: new MapStore() }),
 *   verify: (jwt) => jwtVerify(jwt, keys, { issuer: "https://id.example", audience: "my-client" }),
 *   subject: ({ sub }) => `user:${sub}`,
 * };
 * console.assert(options.verify.length === 1);
 * ```
 */
export interface BackChannelLogoutOptions<
  Data extends object = SessionData,
  Key extends string = "session",
> {
  /** The sessions that a logout ends. They require a store that is atomic and lists the sessions of a subject. */
  sessions: SessionManager<Data, Key>;
  /**
   * Verifies the signature, issuer, audience and times of a logout token, and throws or rejects if it is invalid.
   *
   * @param jwt The token.
   * @param c The Hono context.
   * @returns The result of `jwtVerify` of `jose`, another object with the claims as its `payload`, or the claims themselves.
   */
  verify: (jwt: string, c: Context) => Awaitable<object>;
  /**
   * Returns the `session.subject` of a user of the identity provider; `undefined` when there is no such user.
   *
   * @param claims The claims of the logout token, which have a `sub`.
   * @default {(claims) => claims.sub}
   */
  subject?: (claims: LogoutClaims) => Awaitable<string | undefined>;
}

/** How many failed verifications are logged: every client can send a token. */
const LIMIT = { burst: 5, perSecond: 1 / 60 };
const NOT_VERIFIED = "Cannot verify logout token: option verify failed with";
const WAY_OUT = "check its keys, issuer and audience if the identity provider has sent the token";

const OPTIONS: OptionTable = {
  action: "create back-channel logout",
  shapes: { sessions: OBJECT, verify: FUNCTION, subject: FUNCTION },
};

/**
 * Creates the handler of OpenID Connect Back-Channel Logout. The identity provider calls it when a user has logged out
 * there. It ends the sessions that come from the provider's session, see `session.provider`. Streams and WebSockets
 * end through `session.ended`. Logins in flight are refused with 409.
 *
 * A token with a `sid` ends the sessions of that `sid`. One with only a `sub` ends all sessions of the subject that come from
 * the issuer. The response is 200, or 400 for an invalid token or one that was used before. When the store fails, it is 503,
 * and the provider can send the token again.
 *
 * @typeParam Data The data of the sessions.
 * @typeParam Key The name of the session on the context.
 * @param options The sessions, and the verification of tokens.
 * @returns The handler. Mount it with `app.post`, before `csrf()`.
 * @throws {TypeError} When an option is missing, unknown or of the wrong kind, or the store can't find sessions by their
 * provider.
 *
 * @example Usage
 * ```ts
 * import { backChannelLogout, createSessions } from "@x/hono-session";
 * import { MapStore } from "@x/hono-session/stores/map";
 * import { Hono } from "hono";
 * import { jwtVerify, SignJWT } from "jose";
 * import { assertEquals } from "@std/assert";
 *
 * const issuer = "https://id.example";
 * const key = new TextEncoder().encode("the key of the provider, which has 32 bytes or more");
 * const sessions = createSessions({ store: new MapStore() });
 * const app = new Hono().post(
 *   "/backchannel-logout",
 *   backChannelLogout({ sessions, verify: (jwt) => jwtVerify(jwt, key, { issuer, audience: "my-client" }) }),
 * );
 *
 * await sessions.create({}, { subject: "42", provider: { issuer, sid: "08a5019c" } });
 * const events = { "http://schemas.openid.net/event/backchannel-logout": {} };
 * const token = await new SignJWT({ iss: issuer, aud: "my-client", sid: "08a5019c", jti: "1", events })
 *   .setProtectedHeader({ alg: "HS256", typ: "logout+jwt" }).setIssuedAt().sign(key);
 * const body = new URLSearchParams({ logout_token: token });
 * assertEquals((await app.request("/backchannel-logout", { method: "POST", body })).status, 200);
 * assertEquals(await sessions.count("42"), 0);
 * ```
 */
export function backChannelLogout<
  Data extends object = SessionData,
  Key extends string = "session",
>(options: BackChannelLogoutOptions<Data, Key>): Handler {
  const config = checkOptions(options);
  const { logger } = config;
  const { verify, subject = subOf } = options;
  const failures = new RateLimit(LIMIT);
  return async function backChannelLogout(c): Promise<Response> {
    c.header("Cache-Control", "no-store");
    const jwt = await logoutTokenOf(c);
    if (jwt === undefined) return refuseRequest(c, "a form with one logout_token is required");
    let verified;
    try {
      verified = readVerified(await verify(jwt, c));
    } catch (error) {
      if (failures.take()) logger.warn(`${NOT_VERIFIED} ${nameOf(error)}; ${WAY_OUT}`);
    }
    if (!verified) return refuseRequest(c, "the token was not verified");
    const token = checkLogoutToken(verified, config.clock());
    if (typeof token === "string") return refuseRequest(c, token);
    const { issuer, sid, sub } = token;
    const owner = sub === undefined ? undefined : await subject(verified.payload as LogoutClaims);
    if (owner !== undefined) assertSubject(owner, { action: "log out subject" });
    const end = async () => {
      if (sid === undefined && owner === undefined) return;
      await endProviderSessions(config, { issuer, sid, subject: owner }, c);
    };
    try {
      if (!await useOnce(config, { token, run: end }, c)) {
        return refuseRequest(c, "the token was used before");
      }
    } catch (error) {
      const isTemporary = error instanceof SessionStoreError ||
        error instanceof SessionConflictError;
      if (!isTemporary) throw error;
      return c.json({ error: "temporarily_unavailable" }, 503);
    }
    return c.body(null, 200);
  };
}

/** @throws {TypeError} When an option is missing or invalid. */
function checkOptions<Data extends object, Key extends string>(
  options: BackChannelLogoutOptions<Data, Key>,
): CommitConfig {
  checkTable(OPTIONS, options);
  const config = configs.get(options.sessions);
  if (!config) refuse("sessions", "the result of createSessions() is required", OPTIONS);
  if (!options.verify) refuse("verify", "it is missing", OPTIONS);
  if (holdsMarks(config.records.capabilities)) return config;
  return refuse(
    "sessions",
    "their store can't find a session by its provider; use one that is atomic and lists the sessions of a subject",
    OPTIONS,
  );
}

/** Returns the name of a failure. Its message may contain claims. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function subOf({ sub }: LogoutClaims): string | undefined {
  return sub;
}

/**
 * Runs a function unless a token was used before. The token counts as used once the function has succeeded.
 *
 * @returns Whether this was its first use.
 */
async function useOnce(
  { records }: CommitConfig,
  { token, run }: { token: LogoutToken; run: () => Promise<void> },
  c: Context,
): Promise<boolean> {
  const { issuer, jti, expiresAt } = token;
  const key = await hashToken(JSON.stringify(["logout token", issuer, jti]));
  if (await records.read(key, c)) return false;
  await run();
  return await records.create(key, makeTrace("ended", { sid: makeSid(), expiresAt }), c) !== false;
}

function refuseRequest(c: Context, error_description: string): Response {
  return c.json({ error: "invalid_request", error_description }, 400);
}
