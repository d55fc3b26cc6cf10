import type { MessageSigner } from "../crypto/message_signature.ts";
import { sealToken, unsealToken } from "../crypto/sealed_token.ts";
import { isToken } from "../crypto/token.ts";

/** What a browser does with a reference: register a key, or prove that it still has it. */
export type DeviceUse = "register" | "refresh";

/** The form of a sealed key. */
const SEALED_REGEXP = /^[\w-]{98}$/;

/** Options of {@linkcode DeviceReferences}. */
export interface DeviceReferencesOptions {
  readonly signer: MessageSigner;
  /** The name of the session cookie. */
  readonly cookieName: string;
}

/**
 * Encrypted keys of sessions. With one a browser names its session without a cookie: requests that another site has
 * initiated carry none.
 */
export class DeviceReferences {
  readonly #options: DeviceReferencesOptions;

  constructor(options: DeviceReferencesOptions) {
    this.#options = options;
  }

  /** Encrypts the key of a session. */
  async seal(key: string, use: DeviceUse, c: unknown): Promise<string> {
    return await sealToken(key, await this.#options.signer.sign(this.#message(use), c));
  }

  /** Decrypts the key of a session; `undefined` when the text is not from here. */
  async unseal(text: string | null, use: DeviceUse, c: unknown): Promise<string | undefined> {
    if (text === null || !SEALED_REGEXP.test(text)) return undefined;
    for (const under of await this.#options.signer.signWithEach(this.#message(use), c)) {
      const key = await unsealToken(text, under);
      if (key !== undefined && isToken(key)) return key;
    }
    return undefined;
  }

  #message(use: DeviceUse): string {
    return `hono-session device reference\n${this.#options.cookieName}\n${use}`;
  }
}
