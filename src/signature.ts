import { toBase64Url } from "./token.ts";

const ALGORITHM = { name: "HMAC", hash: "SHA-256" };
const SIGNED_REGEXP = /^([^.]{1,64})\.([A-Za-z0-9_-]{43})$/;

const encoder = new TextEncoder();

/** Options of {@linkcode TokenSigner}. */
export interface TokenSignerOptions {
  /** The first signs, all verify. */
  readonly secrets: readonly string[];
  /** What the signature is for, so that it is worth nothing elsewhere: the name of the cookie. */
  readonly purpose: string;
}

/** Signs tokens, so that a forged one is known without asking a store. Keys are imported once. */
export class TokenSigner {
  readonly #purpose: string;
  readonly #keys: Promise<CryptoKey[]>;

  constructor({ secrets, purpose }: TokenSignerOptions) {
    this.#purpose = purpose;
    this.#keys = Promise.all(
      secrets.map((secret) =>
        crypto.subtle.importKey("raw", encoder.encode(secret), ALGORITHM, false, ["sign", "verify"])
      ),
    );
  }

  /** The token with its signature. */
  async sign(token: string): Promise<string> {
    const [key] = await this.#keys;
    const signature = await crypto.subtle.sign(ALGORITHM.name, key!, this.#message(token));
    return `${token}.${toBase64Url(new Uint8Array(signature))}`;
  }

  /** The token of a signed one, or `undefined` when the signature is wrong. */
  async verify(signed: string): Promise<string | undefined> {
    const [, token, signature] = SIGNED_REGEXP.exec(signed) ?? [];
    if (token === undefined || signature === undefined) return undefined;
    const bytes = Uint8Array.from(
      atob(signature.replaceAll("-", "+").replaceAll("_", "/")),
      (character) => character.charCodeAt(0),
    );
    for (const key of await this.#keys) {
      if (await crypto.subtle.verify(ALGORITHM.name, key, bytes, this.#message(token))) {
        return token;
      }
    }
    return undefined;
  }

  #message(token: string): Uint8Array<ArrayBuffer> {
    return encoder.encode(`hono-session token\n${this.#purpose}\n${token}`);
  }
}
