import { parseObjectIfAny } from "./record.ts";
import { isWellFormed } from "./subject.ts";

/**
 * The session at the identity provider from which a session comes, see `session.provider`.
 *
 * @example From the claims of an ID token
 * ```ts
 * import type { SessionProvider } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const claims = { iss: "https://id.example", sub: "248289761001", sid: "08a5019c" };
 * const provider: SessionProvider = { issuer: claims.iss, sid: claims.sid };
 * assertEquals(provider.issuer, "https://id.example");
 * ```
 */
export interface SessionProvider {
  /** The identity provider: the claim `iss` of its ID tokens. */
  readonly issuer: string;
  /** The session at the provider: the claim `sid` of the ID token, if it has one. */
  readonly sid?: string | undefined;
}

/** The largest length of an issuer and of a `sid`. */
const LONGEST = 512;

/** Checks whether a value can be an issuer or a `sid`. */
export function isProviderText(value: unknown): value is string {
  return isWellFormed(value, LONGEST);
}

/**
 * Serializes the `provider` of a session.
 *
 * @throws {TypeError} When it is not an object with an issuer, or one of its members is invalid.
 */
export function serializeProvider(provider: SessionProvider): string {
  const { issuer, sid } = Object(provider) as SessionProvider;
  for (const [name, value] of Object.entries({ issuer, sid })) {
    if (isProviderText(value) || name === "sid" && value === undefined) continue;
    throw new TypeError(
      `Cannot set session.provider: ${name} is not a well-formed string of 1 to ${LONGEST} characters`,
    );
  }
  return JSON.stringify({ issuer, sid });
}

/** Parses the `provider` of a session; `undefined` when it is damaged. */
export function parseProvider(text: string | undefined): SessionProvider | undefined {
  const { issuer, sid } = parseObjectIfAny(text) ?? {};
  if (!isProviderText(issuer)) return undefined;
  return isProviderText(sid) ? { issuer, sid } : { issuer };
}
