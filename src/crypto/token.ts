import type { Awaitable } from "../util/awaitable.ts";
import { toBase64Url } from "./base64url.ts";
import { nodeCrypto } from "./node.ts";

const TOKEN_BYTES = 32;
const SID_BYTES = 16;
const TOKEN_REGEXP = /^[A-Za-z0-9_-]{43}$/;

const encoder = new TextEncoder();

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

/**
 * Returns the key under which a store holds the session of a token: SHA-256 as 43 base64url characters. The
 * token can't be derived from the key (OWASP Session Management Cheat Sheet), and the time of a look-up reveals
 * nothing about the token (CVE-2019-16782). The text is hashed, not the decoded bytes: the last of 43
 * characters has two unused bits, so four texts decode to the same bytes, and only one of them must identify
 * the session.
 */
export function hashToken(token: string): Awaitable<string> {
  return nodeCrypto?.hash?.("sha256", token, "base64url") ?? hashLater(token);
}

async function hashLater(text: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text))));
}
