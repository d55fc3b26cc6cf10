import type { Awaitable } from "../util/awaitable.ts";
import { MessageSigner } from "./message_signature.ts";
import type { SecretOption } from "./secrets.ts";

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
    this.#purpose = `hono-session token\n${purpose}`;
    this.#signer = new MessageSigner(secret);
  }

  /** Returns the token with its signature. */
  sign(token: string, c: unknown): Awaitable<string> {
    return this.#signer.sign(token, this.#purpose, c);
  }

  /** Returns the token without its signature; `undefined` when the signature is invalid. */
  verify(signed: string, c: unknown): Awaitable<string | undefined> {
    return this.#signer.verify(signed, this.#purpose, c);
  }
}
