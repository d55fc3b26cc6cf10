import type { Awaitable } from "../util/awaitable.ts";
import { toBase64Url } from "./base64url.ts";
import { nodeCrypto } from "./node.ts";

const encoder = new TextEncoder();

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
