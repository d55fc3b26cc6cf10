import { allOf, andThen, type Awaitable, CachedPromise } from "../util/awaitable.ts";
import { fromBase64Url, toBase64Url } from "./base64url.ts";
import { type HmacKey, importHmacKey } from "./hmac.ts";
import { PerSecret, type SecretOption } from "./secrets.ts";

const SIGNED_REGEXP = /^([^.]{1,64})\.([A-Za-z0-9_-]{43})$/;

const encoder = new TextEncoder();

/** Options of {@linkcode TokenSigner}. */
export interface TokenSignerOptions {
  /** The secrets: the first signs, all verify. */
  readonly secret: SecretOption;
  /** The purpose of the signature, so that it is invalid for any other: the name of the cookie. */
  readonly purpose: string;
}

/** Signs tokens, so that a forged token is detected without a store call. Keys are imported once. */
export class TokenSigner {
  readonly #purpose: string;
  readonly #keys: PerSecret<CachedPromise<HmacKey[]>>;

  /** @throws {TypeError | RangeError} When a secret is invalid. */
  constructor({ secret, purpose }: TokenSignerOptions) {
    this.#purpose = purpose;
    this.#keys = new PerSecret(secret, importKeys, { action: "build session middleware" });
  }

  /** Returns the token with its signature. */
  sign(token: string, c: unknown): Awaitable<string> {
    return andThen(
      this.#keys.get(c).get(),
      ([key]) =>
        andThen(
          key!.sign(this.#message(token)),
          (signature) => `${token}.${toBase64Url(signature)}`,
        ),
    );
  }

  /** Returns the token without its signature; `undefined` when the signature is invalid. */
  verify(signed: string, c: unknown): Awaitable<string | undefined> {
    const [, token, text] = SIGNED_REGEXP.exec(signed) ?? [];
    const signature = text === undefined ? undefined : fromBase64Url(text);
    if (token === undefined || signature === undefined) return undefined;
    return andThen(this.#keys.get(c).get(), (keys) => this.#find(keys, { token, signature }));
  }

  #find(
    [key, ...others]: readonly HmacKey[],
    given: { token: string; signature: Uint8Array<ArrayBuffer> },
  ): Awaitable<string | undefined> {
    if (!key) return undefined;
    return andThen(
      key.verify(given.signature, this.#message(given.token)),
      (isRight) => isRight ? given.token : this.#find(others, given),
    );
  }

  #message(token: string): string {
    return `hono-session token\n${this.#purpose}\n${token}`;
  }
}

function importKeys(secrets: readonly string[]): CachedPromise<HmacKey[]> {
  return new CachedPromise(allOf(secrets.map((secret) => importHmacKey(encoder.encode(secret)))));
}
