import { andThen, type Awaitable } from "../util/awaitable.ts";
import { MessageSigner } from "./message_signature.ts";
import type { SecretOption } from "./secrets.ts";

const SIGNED_REGEXP = /^([^.]{1,64})\.([A-Za-z0-9_-]{43})$/;

/** Options of {@linkcode TokenSigner}. */
export interface TokenSignerOptions {
  /** The secrets: the first signs, all verify. */
  readonly secret: SecretOption;
  /** The purpose of the signature, so that it is invalid for any other: the name of the cookie. */
  readonly purpose: string;
}

/** Signs tokens, so that a forged token is detected without a store call. */
export class TokenSigner {
  readonly #purpose: string;
  readonly #signer: MessageSigner;

  /** @throws {TypeError | RangeError} When a secret is invalid. */
  constructor({ secret, purpose }: TokenSignerOptions) {
    this.#purpose = purpose;
    this.#signer = new MessageSigner(secret);
  }

  /** Returns the token with its signature. */
  sign(token: string, c: unknown): Awaitable<string> {
    return andThen(
      this.#signer.sign(this.#message(token), c),
      (signature) => `${token}.${signature}`,
    );
  }

  /** Returns the token without its signature; `undefined` when the signature is invalid. */
  verify(signed: string, c: unknown): Awaitable<string | undefined> {
    const [, token, signature] = SIGNED_REGEXP.exec(signed) ?? [];
    if (token === undefined || signature === undefined) return undefined;
    return andThen(
      this.#signer.verify({ signature, message: this.#message(token) }, c),
      (isRight) => isRight ? token : undefined,
    );
  }

  #message(token: string): string {
    return `hono-session token\n${this.#purpose}\n${token}`;
  }
}
