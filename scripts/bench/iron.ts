// The format of iron with synchronous cryptography: what opening and sealing such a cookie takes at least.
import { Buffer } from "node:buffer";
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  pbkdf2Sync,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

const PREFIX = "Fe26.2";
const KEY_BYTES = 32;
const IV_BYTES = 16;

/** Opens a sealed cookie. */
export function unsealIron(value: string, secret: string): string | undefined {
  const [, , salt, iv, text, , macSalt, mac] = value.split("*");
  const signed = value.slice(0, value.length - macSalt!.length - mac!.length - 2);
  const given = Buffer.from(mac!, "base64url");
  if (!timingSafeEqual(given, makeMac(signed, secret, macSalt!))) return undefined;
  const decipher = createDecipheriv(
    "aes-256-cbc",
    deriveKey(secret, salt!),
    Buffer.from(iv!, "base64url"),
  );
  return decipher.update(text!, "base64url", "utf8") + decipher.final("utf8");
}

/** Seals a text. */
export function sealIron(text: string, secret: string): string {
  const salt = randomBytes(KEY_BYTES).toString("hex");
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-cbc", deriveKey(secret, salt), iv);
  const sealed = cipher.update(text, "utf8", "base64url") + cipher.final("base64url");
  const signed = `${PREFIX}**${salt}*${iv.toString("base64url")}*${sealed}*`;
  const macSalt = randomBytes(KEY_BYTES).toString("hex");
  return `${signed}*${macSalt}*${makeMac(signed, secret, macSalt).toString("base64url")}`;
}

function deriveKey(secret: string, salt: string): Uint8Array {
  return pbkdf2Sync(secret, salt, 1, KEY_BYTES, "sha1");
}

function makeMac(signed: string, secret: string, salt: string): Buffer {
  return createHmac("sha256", deriveKey(secret, salt)).update(signed).digest();
}
