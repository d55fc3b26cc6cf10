import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import type { Clock } from "../../src/util/clock.ts";

// A value of iron (https://hapi.dev/module/iron) is eight parts: prefix, name of the secret, salt, initialisation vector,
// ciphertext, expiry, salt of the signature, signature. The signature is of all parts before its salt.

const PREFIX = "Fe26.2";
const PARTS = 8;
const SALT_BYTES = 32;
const IV_BYTES = 16;
/** How much later than its expiry a value is accepted, in milliseconds: for clocks that differ. */
const CLOCK_SKEW = 60_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const CIPHER = { name: "AES-CBC", length: 256 };
const SIGNATURE = { name: "HMAC", hash: "SHA-256", length: 256 };

/** A secret to derive keys from, and the name that values have for it. */
export interface Password {
  readonly id: string;
  readonly secret: CryptoKey;
}

/** A secret to derive keys from. */
export async function importSecret(secret: string): Promise<CryptoKey> {
  const bytes = encoder.encode(secret);
  return await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveKey"]);
}

/** Encrypts a text with AES-256-CBC, and signs it with HMAC-SHA-256, under keys that are derived for this value. */
export async function seal(text: string, { id, secret }: Password): Promise<string> {
  const [salt, signatureSalt] = [randomSalt(), randomSalt()];
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const [key, keyOfSignature] = await Promise.all([
    cipherKey(secret, salt),
    signingKey(secret, signatureSalt),
  ]);
  const encrypted = await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, encoder.encode(text));
  const ciphertext = toBase64Url(new Uint8Array(encrypted));
  const signed = [PREFIX, id, salt, toBase64Url(iv), ciphertext, ""].join("*");
  const signature = await crypto.subtle.sign("HMAC", keyOfSignature, encoder.encode(signed));
  return `${signed}*${signatureSalt}*${toBase64Url(new Uint8Array(signature))}`;
}

/** The name that a value has for its secret; `undefined` when it is none of iron. */
export function idOf(value: string): string | undefined {
  const parts = value.split("*", PARTS + 1);
  return parts.length === PARTS && parts[0] === PREFIX ? parts[1] : undefined;
}

/**
 * The text of a value; `undefined` when it is damaged, forged or expired. It is decrypted only when its signature is right.
 */
export async function unseal(
  value: string,
  { secret, clock }: { secret: CryptoKey; clock: Clock },
): Promise<string | undefined> {
  const [, , salt, iv, ciphertext, expiry, signatureSalt, signatureText] = value.split("*", PARTS);
  // The signature itself is not signed, so only one of the texts that stand for its bytes is accepted.
  const signature = fromBase64Url(signatureText!);
  const bytes = fromBase64Url(iv!);
  const encrypted = fromBase64Url(ciphertext!);
  if (!signature || !bytes || !encrypted) return undefined;
  if (expiry !== "" && !(clock() < Number(expiry) + CLOCK_SKEW)) return undefined;
  const isRight = await crypto.subtle.verify(
    "HMAC",
    await signingKey(secret, signatureSalt!),
    signature,
    encoder.encode(value.slice(0, -`*${signatureSalt}*${signatureText}`.length)),
  );
  if (!isRight) return undefined;
  const key = await cipherKey(secret, salt!);
  const text = await crypto.subtle.decrypt({ name: "AES-CBC", iv: bytes }, key, encrypted);
  return decoder.decode(text);
}

/** A salt as it stands in a value. It is the text itself that is put in. */
function randomSalt(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function cipherKey(secret: CryptoKey, salt: string): Promise<CryptoKey> {
  return crypto.subtle.deriveKey(pbkdf2(salt), secret, CIPHER, false, ["encrypt", "decrypt"]);
}

function signingKey(secret: CryptoKey, salt: string): Promise<CryptoKey> {
  return crypto.subtle.deriveKey(pbkdf2(salt), secret, SIGNATURE, false, ["sign", "verify"]);
}

/** One iteration: random secrets of 32 characters need no more. */
function pbkdf2(salt: string): Pbkdf2Params {
  return { name: "PBKDF2", hash: "SHA-1", salt: encoder.encode(salt), iterations: 1 };
}
