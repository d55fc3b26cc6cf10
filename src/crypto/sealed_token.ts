import { WebAesGcmKey } from "./aes_gcm.ts";
import { fromBase64Url, toBase64Url } from "./base64url.ts";

const NO_DATA = new Uint8Array();

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Encrypts a token with another token as the key. */
export async function sealToken(token: string, under: string): Promise<string> {
  const key = await keyOf(under);
  return toBase64Url(await key.encrypt(encoder.encode(token), NO_DATA));
}

/** Decrypts a token; `undefined` with any token but the one that encrypted it. */
export async function unsealToken(sealed: string, under: string): Promise<string | undefined> {
  const bytes = fromBase64Url(sealed);
  const token = bytes && await (await keyOf(under)).decrypt(bytes, NO_DATA);
  return token && decoder.decode(token);
}

/** Derives the encryption key of a token. It is unrelated to the key under which its session is stored. */
async function keyOf(token: string): Promise<WebAesGcmKey> {
  const bytes = encoder.encode(`hono-session successor\0${token}`);
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  const usages: KeyUsage[] = ["encrypt", "decrypt"];
  return new WebAesGcmKey(
    await crypto.subtle.importKey("raw", digest, "AES-GCM", false, usages),
  );
}
