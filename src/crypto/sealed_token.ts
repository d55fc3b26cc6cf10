import { decryptAesGcm, encryptAesGcm } from "@std/crypto/aes-gcm";
import { fromBase64Url, toBase64Url } from "./base64url.ts";

/** Bytes at the front of a sealed token that are reserved. */
const HEAD_BYTES = 2;

const encoder = new TextEncoder();

/** Encrypts a token with another token as the key. */
export async function sealToken(token: string, under: string): Promise<string> {
  const sealed = await encryptAesGcm(await keyOf(under), encoder.encode(token));
  return toBase64Url(Uint8Array.of(...new Uint8Array(HEAD_BYTES), ...sealed));
}

/** Decrypts a token; `undefined` with any token but the one that encrypted it. */
export async function unsealToken(sealed: string, under: string): Promise<string | undefined> {
  const key = await keyOf(under);
  try {
    const token = await decryptAesGcm(key, fromBase64Url(sealed)!.subarray(HEAD_BYTES));
    return new TextDecoder().decode(token);
  } catch {
    return undefined;
  }
}

/** Derives the encryption key of a token. It is unrelated to the key under which its session is stored. */
async function keyOf(token: string): Promise<CryptoKey> {
  const bytes = encoder.encode(`hono-session successor\0${token}`);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return await crypto.subtle.importKey("raw", digest, "AES-GCM", false, ["encrypt", "decrypt"]);
}
