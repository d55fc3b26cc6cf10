import { decode, sign, verify } from "hono/utils/jwt/jwt";
import { importWebKey } from "../crypto/hmac.ts";
import { PerSecret, type SecretOption } from "../crypto/secrets.ts";
import { isToken } from "../crypto/token.ts";
import type { RejectionReason } from "../events.ts";
import type { Clock } from "../util/clock.ts";

const ALGORITHM = "HS256";
const LONGEST = 8192;
/** The format of a JWS (RFC 7515) with HMAC-SHA256. The last character has two unused bits. */
const SIGNED_REGEXP = /^[\w-]+\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]$/;

/** Options of {@linkcode AccessTokens}. */
export interface AccessTokensOptions {
  /** The secrets: the first signs, all verify. */
  readonly secret: SecretOption;
  /** The lifetime of a token, in seconds. */
  readonly maxAge: number;
  /** The audience of the tokens: their `aud` claim. */
  readonly audience: string | undefined;
  readonly clock: Clock;
}

/**
 * Access tokens for clients without cookies: JWTs (RFC 7519) signed with HMAC-SHA256. Their `sid` is the key of
 * the session in the store, so that they become invalid when the session ends or gets another token.
 */
export class AccessTokens {
  readonly #options: AccessTokensOptions;
  readonly #keys: PerSecret<Promise<CryptoKey[]>>;

  /** @throws {TypeError | RangeError} When a secret is invalid. */
  constructor(options: AccessTokensOptions) {
    this.#options = options;
    this.#keys = new PerSecret(options.secret, importKeys, {
      action: "build session middleware",
      name: "token.secret",
    });
  }

  /** Returns a token for the session under a key, with further claims. */
  async sign(key: string, claims: object, c: unknown): Promise<string> {
    const { maxAge, audience, clock } = this.#options;
    const [first] = await this.#keys.get(c);
    const { aud: _, ...others } = claims as Record<string, unknown>;
    const exp = Math.floor(clock() / 1000 + maxAge);
    const payload = { ...others, ...(audience !== undefined && { aud: audience }), sid: key, exp };
    const token = await sign(payload, first!, ALGORITHM);
    if (token.length <= LONGEST) return token;
    throw new RangeError(
      `Cannot sign session token: it is ${token.length} characters, ${LONGEST} are accepted`,
    );
  }

  /** Returns the key that a token identifies, or the reason why it is rejected. */
  async verify(
    token: string,
    c: unknown,
  ): Promise<{ key: string } | { rejected: RejectionReason }> {
    if (token.length > LONGEST || !SIGNED_REGEXP.test(token)) return { rejected: "malformed" };
    const payload = await this.#open(token, c);
    if (!payload) return { rejected: "forged" };
    const { sid, exp, nbf = -Infinity, aud } = payload;
    if (typeof sid !== "string" || !isToken(sid)) return { rejected: "malformed" };
    // RFC 7519, 4.1.3: a token for another audience must be rejected.
    if (![aud].flat().includes(this.#options.audience)) return { rejected: "scope" };
    const now = this.#options.clock() / 1000;
    if (typeof exp !== "number" || typeof nbf !== "number" || !(nbf <= now && now < exp)) {
      return { rejected: "expired" };
    }
    return { key: sid };
  }

  /** Returns the payload of a token that is signed with one of the secrets. */
  async #open(token: string, c: unknown): Promise<Record<string, unknown> | undefined> {
    // Times are checked against the clock of the middleware.
    const options = { alg: ALGORITHM, exp: false, nbf: false, iat: false } as const;
    for (const key of await this.#keys.get(c)) {
      try {
        const payload = await verify(token, key, options);
        // RFC 7515, 4.1.11: unknown critical extensions must be rejected. Older versions of Hono don't check
        // this.
        return "crit" in decode(token).header ? undefined : payload;
      } catch {
        // The signature is invalid. The error contains the token, so it is dropped.
      }
    }
    return undefined;
  }
}

function importKeys(secrets: readonly string[]): Promise<CryptoKey[]> {
  const encoder = new TextEncoder();
  return Promise.all(secrets.map((secret) => importWebKey(encoder.encode(secret))));
}
