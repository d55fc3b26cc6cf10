import { CLOCK_SKEW } from "../record/expiry.ts";
import { isObject } from "../record/plain_object.ts";
import { isProviderText } from "../record/provider.ts";
import { isSubject } from "../record/subject.ts";

/** The member of `events` that makes a token a logout token. */
const EVENT = "http://schemas.openid.net/event/backchannel-logout";

/** The types of tokens that may be logout tokens. Older providers set no type, or the general one. */
const TYPE_REGEXP = /^(?:application\/)?(?:logout\+)?jwt$/i;

/** How long a logout token is accepted after it was issued, in milliseconds. */
const LONGEST = 86_400_000;

/** A valid logout token. */
export interface LogoutToken {
  readonly issuer: string;
  readonly sid: string | undefined;
  readonly sub: string | undefined;
  readonly jti: string;
  /** Until when it could be used again, in epoch milliseconds. */
  readonly expiresAt: number;
}

/** A logout token with a verified signature: the result of `jwtVerify` of `jose`, or the claims alone. */
interface Verified {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly typ: unknown;
}

/**
 * Checks the claims of a logout token.
 *
 * @returns The token, or the reason why it is invalid.
 */
export function checkLogoutToken({ payload, typ }: Verified, now: number): LogoutToken | string {
  const { iss, sub, sid, jti, iat, exp, events } = payload;
  if (typ !== undefined && !TYPE_REGEXP.test(String(typ))) return "typ is not logout+jwt";
  if (!isObject(events) || !Object.hasOwn(events, EVENT) || !isObject(events[EVENT])) {
    return "events does not contain a back-channel logout";
  }
  if (Object.hasOwn(payload, "nonce")) return "a nonce is prohibited";
  if (!isProviderText(iss)) return "iss is missing or invalid";
  if (!isProviderText(jti)) return "jti is missing or invalid";
  if (sub === undefined && sid === undefined) return "neither sub nor sid is there";
  if (sid !== undefined && !isProviderText(sid)) return "sid is invalid";
  if (sub !== undefined && !isSubject(sub)) return "sub is invalid";
  const issuedAt = toMilliseconds(iat);
  const end = exp === undefined ? Infinity : toMilliseconds(exp);
  if (issuedAt === undefined || issuedAt > now + CLOCK_SKEW) return "iat is missing or invalid";
  const expiresAt = Math.min(end ?? -Infinity, issuedAt + LONGEST) + CLOCK_SKEW;
  if (now >= expiresAt) return "the token has expired";
  return { issuer: iss, jti, sid, sub, expiresAt };
}

/** Returns the payload and the type of a verified token; `undefined` when it has no payload. */
export function readVerified(verified: unknown): Verified | undefined {
  if (!isObject(verified)) return undefined;
  const { payload, protectedHeader } = verified;
  if (!isObject(payload)) return { payload: verified, typ: undefined };
  return { payload, typ: isObject(protectedHeader) ? protectedHeader.typ : undefined };
}

function toMilliseconds(seconds: unknown): number | undefined {
  return typeof seconds === "number" && Number.isFinite(seconds)
    ? Math.ceil(seconds * 1000)
    : undefined;
}
