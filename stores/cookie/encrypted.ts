import { decryptAesGcm, encryptAesGcm } from "@std/crypto/aes-gcm";
import { fromBase64Url, toBase64Url } from "../../src/base64url.ts";
import type { SessionRecord } from "../../src/record.ts";
import type { SecretOption } from "../../src/secrets.ts";
import { packRecord, unpackRecord } from "./compact.ts";
import { CookieStore, type CookieStoreOptions } from "./cookie_store.ts";
import type { CookieContext, CookieFormat, OpenedCookie } from "./format.ts";
import {
  ENCRYPTING,
  exportKey,
  generateKey,
  type KeyRing,
  keyRings,
  keysFromBase64,
  keysFromSecrets,
  type KeySource,
} from "./keys.ts";

const VERSION = 1;
const HEAD_BYTES = 2;

const encoder = new TextEncoder();

/**
 * Options of {@linkcode EncryptedCookieStore}: either `secret` or `keys`.
 *
 * @example Keys of your own
 * ```ts
 * import { EncryptedCookieStore, type EncryptedCookieStoreOptions } from "@x/hono-session/stores/cookie";
 *
 * const options: EncryptedCookieStoreOptions = {
 *   keys: await EncryptedCookieStore.generateKeysFromBase64([
 *     "q0_3Wz1kCkI6X0ZTzBLZQzCeZCVn3yJ3bqjGT3Wzt1Y",
 *   ]),
 * };
 * new EncryptedCookieStore(options);
 * ```
 */
export interface EncryptedCookieStoreOptions extends CookieStoreOptions {
  /**
   * One secret of at least 32 characters, or several: the first encrypts, all decrypt. Or a function that
   * finds them for a request. A key is derived from each with HKDF, once.
   */
  secret?: SecretOption;
  /** Keys instead of secrets. */
  keys?: readonly CryptoKey[];
}

/**
 * Encrypts sessions into their cookies with AES-256-GCM.
 *
 * A value is base64url of a version byte, a byte that names the key, a nonce of 12 bytes, the ciphertext and a
 * tag of 16 bytes. Version, key and the name of the cookie are authenticated with it. A value under a key
 * that is not known is not decrypted, and one under an older key is issued again under the first. With random
 * nonces a key is good for 2^32 values (NIST SP 800-38D): give it a successor in time.
 *
 * @example Usage
 * ```ts
 * import { EncryptedCookieStore } from "@x/hono-session/stores/cookie";
 * import { session } from "@x/hono-session";
 *
 * const secret = "at least thirty-two characters, from the environment";
 * session({ store: new EncryptedCookieStore({ secret }) });
 * ```
 */
export class EncryptedCookieStore extends CookieStore {
  /**
   * Checks secrets or keys; nothing is decrypted yet.
   *
   * @param options Secrets or keys.
   * @throws {TypeError} When both or neither are given, or a key is for something else.
   * @throws {RangeError} When a secret is shorter than 32 characters or one character over and over.
   */
  constructor(options: EncryptedCookieStoreOptions) {
    super(new EncryptedFormat(options), options);
  }

  /**
   * Makes a key.
   *
   * @returns The key.
   */
  static generateKey(): Promise<CryptoKey> {
    return generateKey(ENCRYPTING);
  }

  /**
   * A key as base64url, for an environment variable.
   *
   * @param key The key.
   * @returns 43 characters.
   */
  static exportKey(key: CryptoKey): Promise<string> {
    return exportKey(key);
  }

  /**
   * Derives keys from secrets, as the option `secret` does.
   *
   * @param secrets The secrets.
   * @returns A key for each.
   * @throws {RangeError} When a secret is no good.
   */
  static generateKeysFromSecrets(secrets: readonly string[]): Promise<CryptoKey[]> {
    return keysFromSecrets(ENCRYPTING, secrets);
  }

  /**
   * Imports keys that {@linkcode EncryptedCookieStore.exportKey} gave.
   *
   * @param texts 32 bytes each, as base64 or base64url.
   * @returns A key for each.
   * @throws {RangeError} When a text is anything else.
   */
  static generateKeysFromBase64(texts: readonly string[]): Promise<CryptoKey[]> {
    return keysFromBase64(ENCRYPTING, texts);
  }
}

class EncryptedFormat implements CookieFormat {
  readonly keys: (c: unknown) => KeyRing;

  constructor(source: KeySource) {
    this.keys = keyRings("EncryptedCookieStore", ENCRYPTING, source);
  }

  async seal(record: SessionRecord, { cookieName, c }: CookieContext): Promise<string> {
    const [first] = await this.keys(c);
    const head = Uint8Array.of(VERSION, first!.id);
    const sealed = await encryptAesGcm(first!.key, packRecord(record), {
      additionalData: bind(head, cookieName),
    });
    const bytes = new Uint8Array(HEAD_BYTES + sealed.length);
    bytes.set(head);
    bytes.set(sealed, HEAD_BYTES);
    return toBase64Url(bytes);
  }

  async open(value: string, { cookieName, c }: CookieContext): Promise<OpenedCookie | undefined> {
    const bytes = fromBase64Url(value);
    if (bytes?.[0] !== VERSION) return undefined;
    const ring = await this.keys(c);
    const additionalData = bind(bytes.subarray(0, HEAD_BYTES), cookieName);
    for (const named of ring) {
      if (named.id !== bytes[1]) continue;
      const opened = await decrypt(named.key, bytes.subarray(HEAD_BYTES), additionalData);
      const record = opened && unpackRecord(opened);
      if (record) return { record, outdated: named !== ring[0] };
    }
    return undefined;
  }
}

function bind(head: Uint8Array, cookieName: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(...head, ...encoder.encode(`hono-session encrypted cookie\n${cookieName}`));
}

async function decrypt(
  key: CryptoKey,
  sealed: Uint8Array<ArrayBuffer>,
  additionalData: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array | undefined> {
  try {
    return await decryptAesGcm(key, sealed, { additionalData });
  } catch {
    return undefined;
  }
}
