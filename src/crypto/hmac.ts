import type { Awaitable } from "../util/awaitable.ts";
import { nodeCrypto } from "./node.ts";

const ALGORITHM = { name: "HMAC", hash: "SHA-256" };

const encoder = new TextEncoder();

/** HMAC-SHA-256 under one key. */
export interface HmacKey {
  /** The 32 bytes that sign a text. */
  sign(text: string): Awaitable<Uint8Array>;
  /** Whether bytes sign a text, in constant time. */
  verify(signature: Uint8Array<ArrayBuffer>, text: string): Awaitable<boolean>;
}

/** Imports a key, once for all that it signs: at once where the runtime can. */
export function importHmacKey(key: Uint8Array<ArrayBuffer>): Awaitable<HmacKey> {
  try {
    const known = new NodeHmacKey(key);
    if (known.verify(known.sign(""), "")) return known;
  } catch {
    // Web Crypto is everywhere.
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
