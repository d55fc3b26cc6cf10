import type { Awaitable } from "../util/awaitable.ts";
import { nodeCrypto } from "./node.ts";

const ALGORITHM = { name: "HMAC", hash: "SHA-256" };

const encoder = new TextEncoder();

/** HMAC-SHA-256 with one key. */
export interface HmacKey {
  /** Returns the signature of a text, 32 bytes. */
  sign(text: string): Awaitable<Uint8Array>;
  /** Verifies the signature of a text in constant time. */
  verify(signature: Uint8Array<ArrayBuffer>, text: string): Awaitable<boolean>;
}

/** Imports a key. The result works synchronously where the runtime can. */
export function importHmacKey(key: Uint8Array<ArrayBuffer>): Awaitable<HmacKey> {
  try {
    const known = new NodeHmacKey(key);
    if (known.verify(known.sign(""), "")) return known;
  } catch {
    // Fall back to Web Crypto, which every runtime has.
  }
  return WebHmacKey.import(key);
}

class NodeHmacKey implements HmacKey {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  sign(text: string): Uint8Array<ArrayBuffer> {
    return nodeCrypto!.createHmac("sha256", this.#key).update(text).digest();
  }

  verify(signature: Uint8Array, text: string): boolean {
    const right = this.sign(text);
    return signature.length === right.length && nodeCrypto!.timingSafeEqual(signature, right);
  }
}

class WebHmacKey implements HmacKey {
  readonly #key: CryptoKey;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  static async import(key: Uint8Array<ArrayBuffer>): Promise<WebHmacKey> {
    return new WebHmacKey(await importWebKey(key));
  }

  async sign(text: string): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign("HMAC", this.#key, encoder.encode(text)));
  }

  async verify(signature: Uint8Array<ArrayBuffer>, text: string): Promise<boolean> {
    return await crypto.subtle.verify("HMAC", this.#key, signature, encoder.encode(text));
  }
}

/** Imports a key for Web Crypto. */
export function importWebKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, ALGORITHM, false, ["sign", "verify"]);
}
