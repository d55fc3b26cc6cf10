import { allOf, andThen, type Awaitable } from "../util/awaitable.ts";
import { type Hmac, importHmacKey, isSameSignature } from "./hmac.ts";
import { PerSecret, type SecretOption } from "./secrets.ts";

/** A text, and its signature in base64url. */
const SIGNED_REGEXP = /^([^.]{1,64})\.([\w-]{43})$/;

const encoder = new TextEncoder();

/** The purpose of a signature, which is invalid for any other. */
export interface Purpose {
  readonly use: string;
  /** The subject of the message, such as the key of a session. */
  readonly of?: string;
}

/** The purpose of the signature of a token. */
export const TOKEN_PURPOSE: Purpose = { use: "token" };

/** Options of {@linkcode MessageSigner}. */
export interface MessageSignerOptions {
  /** The secrets: the first signs, all verify. */
  readonly secret: SecretOption;
  /** The name of the session cookie. Signatures for any other are invalid. */
  readonly cookieName: string;
}

/**
 * Signs short texts, such as tokens, with HMAC-SHA-256: a forged token is detected without a store call. Keys are imported
 * once.
 */
export class MessageSigner {
  readonly #keys: PerSecret<Hmac[]>;
  readonly #cookieName: string;

  /** @throws {TypeError | RangeError} When a secret is invalid. */
  constructor({ secret, cookieName }: MessageSignerOptions) {
    this.#keys = new PerSecret(secret, importKeys, { action: "build session middleware" });
    this.#cookieName = cookieName;
  }

  /** Returns a text with its signature. */
  sign(text: string, purpose: Purpose, c: unknown): Awaitable<string> {
    return andThen(
      this.#keys.get(c)[0]!(this.#message(text, purpose)),
      (signature) => `${text}.${signature}`,
    );
  }

  /** Returns the signatures of a text with every secret, that of the first secret first. */
  signWithEach(text: string, purpose: Purpose, c: unknown): Awaitable<string[]> {
    return allOf(this.#keys.get(c).map((hmac) => hmac(this.#message(text, purpose))));
  }

  /** Returns a text without its signature; `undefined` when the signature is invalid. */
  verify(signed: string, purpose: Purpose, c: unknown): Awaitable<string | undefined> {
    const [, text, signature] = SIGNED_REGEXP.exec(signed) ?? [];
    if (text === undefined || signature === undefined) return undefined;
    return andThen(
      isSignedByOne(this.#keys.get(c), signature, this.#message(text, purpose)),
      (isRight) => isRight ? text : undefined,
    );
  }

  #message(text: string, { use, of }: Purpose): string {
    const start = `hono-session ${use}\n${this.#cookieName}\n`;
    return of === undefined ? start + text : `${start}${of}\n${text}`;
  }
}

function isSignedByOne(
  [hmac, ...others]: readonly Hmac[],
  signature: string,
  message: string,
): Awaitable<boolean> {
  if (!hmac) return false;
  return andThen(
    hmac(message),
    (right) => isSameSignature(signature, right) || isSignedByOne(others, signature, message),
  );
}

function importKeys(secrets: readonly string[]): Hmac[] {
  return secrets.map((secret) => importHmacKey(encoder.encode(secret)));
}
