import type { AesGcmKey } from "../../src/crypto/aes_gcm.ts";
import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import type { SecretOption } from "../../src/crypto/secrets.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import { andThen, type Awaitable } from "../../src/util/awaitable.ts";
import { checkTable } from "../../src/util/option_table.ts";
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
  keyTable,
  type NamedKey,
  openUnder,
} from "./keys.ts";

const VERSION = 1;

const OPTIONS = keyTable("EncryptedCookieStore");

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
   * One secret of at least 32 characters, or a list: the first encrypts, all decrypt. Or a function that
   * returns them for a request. A key is derived from each with HKDF, once.
   */
  secret?: SecretOption;
  /** Keys instead of secrets. */
  keys?: readonly CryptoKey[];
}

/**
 * Encrypts sessions into their cookies with AES-256-GCM.
 *
 * A value is base64url of a version byte, a byte that names the key, a nonce of 12 bytes, the ciphertext and a
 * tag of 16 bytes. The version, the key and the name of the cookie are authenticated as well. A value with an
 * unknown key is rejected, and a value with an older key is encrypted again with the first key. With random
 * nonces a key may encrypt up to 2^32 values (NIST SP 800-38D): replace it in time.
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
   * Checks the options. No key is derived yet.
   *
   * @param options Secrets or keys, and other options.
   * @throws {TypeError} When both or neither are given, a key has another purpose, or another option is unknown
   * or of the wrong kind.
   * @throws {RangeError} When a secret is shorter than 32 characters or repeats one character.
   */
  constructor(options: EncryptedCookieStoreOptions) {
    checkTable(OPTIONS, options);
    const { secret: _, keys: __, ...common } = options;
    super(new EncryptedFormat(options), common);
  }

  /**
   * Generates a key.
   *
   * @returns The key.
   */
  static generateKey(): Promise<CryptoKey> {
    return generateKey(ENCRYPTING);
  }

  /**
   * Exports a key as base64url, for an environment variable.
   *
   * @param key The key.
   * @returns 43 characters.
   */
  static exportKey(key: CryptoKey): Promise<string> {
    return exportKey(key);
  }

  /**
   * Derives keys from secrets, like the option `secret`.
   *
   * @param secrets The secrets.
   * @returns The keys, in the same order.
   * @throws {RangeError} When a secret is invalid.
   */
  static generateKeysFromSecrets(secrets: readonly string[]): Promise<CryptoKey[]> {
    return keysFromSecrets(ENCRYPTING, secrets);
  }

  /**
   * Imports keys from {@linkcode EncryptedCookieStore.exportKey}, or from `@hattip/session`.
   *
   * @param texts 32 bytes each, as base64 or base64url.
   * @returns The keys, in the same order.
   * @throws {RangeError} When a text is not valid.
   */
  static generateKeysFromBase64(texts: readonly string[]): Promise<CryptoKey[]> {
    return keysFromBase64(ENCRYPTING, texts);
  }
}

function toValue(bytes: Uint8Array<ArrayBuffer>, id: number): string {
  bytes[0] = VERSION;
  bytes[1] = id;
  return toBase64Url(bytes);
}

/** A value that is being opened. */
interface Opening {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly bound: Uint8Array<ArrayBuffer>;
}

function decrypt(
  ring: readonly NamedKey<AesGcmKey>[],
  value: Opening,
): Awaitable<OpenedCookie | undefined> {
  return openUnder({ ring, value }, decryptUnder);
}

function decryptUnder(
  key: AesGcmKey,
  { bytes, bound }: Opening,
): Awaitable<SessionRecord | undefined> {
  return andThen(key.decrypt(bytes, bound), unpackOpened);
}

function unpackOpened(opened: Uint8Array | undefined): SessionRecord | undefined {
  return opened && unpackRecord(opened);
}

class EncryptedFormat implements CookieFormat {
  readonly keys: (c: unknown) => KeyRing<AesGcmKey>;
  /** The additional data that values are bound to, by the name of their cookie and of their key. */
  readonly #bounds = new Map<string, Uint8Array<ArrayBuffer>[]>();

  constructor(source: KeySource) {
    this.keys = keyRings("EncryptedCookieStore", ENCRYPTING, source);
  }

  seal(record: SessionRecord, { cookieName, c }: CookieContext): Awaitable<string> {
    const sealing = { format: this, record, cookieName };
    return andThen(this.keys(c).get(), EncryptedFormat.#encrypt, sealing);
  }

  open(value: string, { cookieName, c }: CookieContext): Awaitable<OpenedCookie | undefined> {
    const bytes = fromBase64Url(value);
    if (bytes?.[0] !== VERSION) return undefined;
    const id = bytes[1]!;
    const opening = { id, bytes, bound: this.#bind(id, cookieName) };
    return andThen(this.keys(c).get(), decrypt, opening);
  }

  static #encrypt(
    [first]: readonly NamedKey<AesGcmKey>[],
    { format, record, cookieName }: {
      format: EncryptedFormat;
      record: SessionRecord;
      cookieName: string;
    },
  ): Awaitable<string> {
    const { id, key } = first!;
    return andThen(key.encrypt(packRecord(record), format.#bind(id, cookieName)), toValue, id);
  }

  /** Returns the additional data of a value: its version, its key, its purpose and its cookie. */
  #bind(id: number, cookieName: string): Uint8Array<ArrayBuffer> {
    let bounds = this.#bounds.get(cookieName);
    if (!bounds) this.#bounds.set(cookieName, bounds = []);
    return bounds[id] ??= Uint8Array.of(
      VERSION,
      id,
      ...encoder.encode(`hono-session encrypted cookie\n${cookieName}`),
    );
  }
}
