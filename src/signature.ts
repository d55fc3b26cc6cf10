import { fromBase64Url, toBase64Url } from "./base64url.ts";
import { PerSecret, type SecretOption } from "./secrets.ts";

const ALGORITHM = { name: "HMAC", hash: "SHA-256" };
const SIGNED_REGEXP = /^([^.]{1,64})\.([A-Za-z0-9_-]{43})$/;

const encoder = new TextEncoder();

/** Options of {@linkcode TokenSigner}. */
export interface TokenSignerOptions {
  /** The first signs, all verify. */
  readonly secret: SecretOption;
  /** What the signature is for, so that it is worth nothing elsewhere: the name of the cookie. */
  readonly purpose: string;
}

/** Signs tokens, so that a forged one is known without asking a store. Keys are imported once. */
export class TokenSigner {
  readonly #purpose: string;
  readonly #keys: PerSecret<Promise<CryptoKey[]>>;

  /** @throws {TypeError | RangeError} When a secret is no good. */
  constructor({ secret, purpose }: TokenSignerOptions) {
    this.#purpose = purpose;
    this.#keys = new PerSecret(secret, importHmacKeys, { action: "build session middleware" });
  }

  /** The token with its signature. */
  async sign(token: string, c: unknown): Promise<string> {
    const [key] = await this.#keys.get(c);
    const signature = await crypto.subtle.sign(ALGORITHM.name, key!, this.#message(token));
    return `${token}.${toBase64Url(new Uint8Array(signature))}`;
  }

  /** The token of a signed one, or `undefined` when the signature is wrong. */
  async verify(signed: string, c: unknown): Promise<string | undefined> {
    const [, token, text] = SIGNED_REGEXP.exec(signed) ?? [];
    const signature = text === undefined ? undefined : fromBase64Url(text);
    if (token === undefined || signature === undefined) return undefined;
    for (const key of await this.#keys.get(c)) {
      const message = this.#message(token);
      if (await crypto.subtle.verify(ALGORITHM.name, key, signature, message)) return token;
    }
    return undefined;
  }

  #message(token: string): Uint8Array<ArrayBuffer> {
    return encoder.encode(`hono-session token\n${this.#purpose}\n${token}`);
  }
}

/** The keys that secrets are for HMAC-SHA256. */
export function importHmacKeys(secrets: readonly string[]): Promise<CryptoKey[]> {
  return Promise.all(
    secrets.map((secret) =>
      crypto.subtle.importKey("raw", encoder.encode(secret), ALGORITHM, false, ["sign", "verify"])
    ),
  );
}
