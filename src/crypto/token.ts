import { toBase64Url } from "./base64url.ts";

const TOKEN_BYTES = 32;
const SID_BYTES = 16;
const TOKEN_REGEXP = /^[A-Za-z0-9_-]{43}$/;

function randomText(bytes: number): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(bytes)));
}

/**
 * Makes a session token: 256 random bits as 43 base64url characters. A UUID would hold 122 bits,
 * which ASVS 5.0, 11.5.1 does not accept.
 */
export function makeToken(): string {
  return randomText(TOKEN_BYTES);
}

/** Makes the public identifier of a session: 128 random bits as 22 base64url characters. */
export function makeSid(): string {
  return randomText(SID_BYTES);
}

/** Checks whether a value has the format of a token. Other values never reach a store (CVE-2025-61686). */
export function isToken(value: string): boolean {
  return TOKEN_REGEXP.test(value);
}
