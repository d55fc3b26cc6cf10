import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import type { Awaitable } from "../util/awaitable.ts";
import { toBase64Url } from "./base64url.ts";
import { nodeCrypto } from "./node.ts";

const ALGORITHM = { name: "HMAC", hash: "SHA-256" };

const encoder = new TextEncoder();

/** Returns the HMAC-SHA-256 of a text in base64url, by one key. */
export type Hmac = (text: string) => Awaitable<string>;

/** Imports a key. The result works synchronously where the runtime can. */
export function importHmacKey(key: Uint8Array<ArrayBuffer>): Hmac {
  try {
    const hmac = (text: string) =>
      nodeCrypto!.createHmac("sha256", key).update(text).digest("base64url");
    hmac("");
    return hmac;
  } catch {
    // Fall back to Web Crypto, which every runtime has.
  }
  const importing = importWebKey(key);
  return async (text) =>
    toBase64Url(
      new Uint8Array(await crypto.subtle.sign("HMAC", await importing, encoder.encode(text))),
    );
}

/** Compares two signatures in constant time. */
export function isSameSignature(one: string, other: string): boolean {
  return timingSafeEqual(encoder.encode(one), encoder.encode(other));
}

export function importWebKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key, ALGORITHM, false, ["sign", "verify"]);
}
