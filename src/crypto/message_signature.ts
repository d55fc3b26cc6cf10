import { allOf, andThen, type Awaitable } from "../util/awaitable.ts";
import { type Hmac, importHmacKey, isSameSignature } from "./hmac.ts";
import { PerSecret, type SecretOption } from "./secrets.ts";

/** A text, and its signature in base64url. */
const SIGNED_REGEXP = /^([^.]{1,64})\.([\w-]{43})$/;

const encoder = new TextEncoder();

/** Signs messages with HMAC-SHA-256: the first secret signs, all verify. Keys are imported once. */
export class MessageSigner {
  readonly #keys: PerSecret<Hmac[]>;

  /** @throws {TypeError | RangeError} When a secret is invalid. */
  constructor(secret: SecretOption) {
    this.#keys = new PerSecret(secret, importKeys, { action: "build session middleware" });
  }

  /** Returns a short text with its signature, which is invalid for any other purpose. */
  sign(text: string, purpose: string, c: unknown): Awaitable<string> {
    return andThen(
      this.#keys.get(c)[0]!(`${purpose}\n${text}`),
      (signature) => `${text}.${signature}`,
    );
  }

  /** Returns the signatures of a message with every secret, that of the first secret first. */
  signWithEach(message: string, c: unknown): Awaitable<string[]> {
    return allOf(this.#keys.get(c).map((hmac) => hmac(message)));
  }

  /** Returns a text without its signature; `undefined` when the signature is invalid. */
  verify(signed: string, purpose: string, c: unknown): Awaitable<string | undefined> {
    const [, text, signature] = SIGNED_REGEXP.exec(signed) ?? [];
    if (text === undefined || signature === undefined) return undefined;
    return andThen(
      isSignedByOne(this.#keys.get(c), signature, `${purpose}\n${text}`),
      (isRight) => isRight ? text : undefined,
    );
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
