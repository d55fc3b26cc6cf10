import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import { type Hmac, isSameSignature } from "../../src/crypto/hmac.ts";
import type { SecretOption } from "../../src/crypto/secrets.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import { andThen, type Awaitable } from "../../src/util/awaitable.ts";
import { checkTable } from "../../src/util/option_table.ts";
import { CookieStore, type CookieStoreOptions } from "./cookie_store.ts";
import type { CookieContext, CookieFormat, OpenedCookie } from "./format.ts";
import {
  exportKey,
  generateKey,
  type KeyRing,
  keyRings,
  keysFromBase64,
  keysFromSecrets,
  type KeySource,
  keyTable,
  openUnder,
  SIGNING,
} from "./keys.ts";
import { fromReadable, toReadable } from "./readable.ts";

const SIGNED_REGEXP = /^(1\.([0-9a-f]{2})\.([A-Za-z0-9_-]+))\.([A-Za-z0-9_-]{43})$/;

const OPTIONS = keyTable("SignedCookieStore");

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Options of {@linkcode SignedCookieStore}: either `secret` or `keys`.
 *
 * @example Usage
 * ```ts
 * import { SignedCookieStore, type SignedCookieStoreOptions } from "@x/hono-session/stores/cookie";
 *
 * const options: SignedCookieStoreOptions = { keys: [await SignedCookieStore.generateKey()] };
 * new SignedCookieStore(options);
 * ```
 */
export interface SignedCookieStoreOptions extends CookieStoreOptions {
  /**
   * One secret of at least 32 characters, or a list: the first signs, all verify. Or a function that returns
   * them for a request. A key is derived from each with HKDF, once.
   */
  secret?: SecretOption;
  /** Keys instead of secrets. */
  keys?: readonly CryptoKey[];
}

/**
 * Keeps sessions in cookies that the client can read but not write, signed with HMAC-SHA-256.
 *
 * A value is `1.key.data.signature`: two hexadecimal digits that name the key, the session as base64url of
 * JSON, and the signature of all that and the name of the cookie. The signature is verified before anything is
 * parsed (ASVS 5.0, V9). Anyone with the cookie can read the data: don't store anything in it that its user
 * must not know.
 *
 * @example Usage
 * ```ts
 * import { SignedCookieStore } from "@x/hono-session/stores/cookie";
 * import { session } from "@x/hono-session";
 *
 * const secret = "at least thirty-two characters, from the environment";
 * session({ store: new SignedCookieStore({ secret }) });
 * ```
 */
export class SignedCookieStore extends CookieStore {
  /**
   * Checks the options. No key is derived yet.
   *
   * @param options Secrets or keys, and other options.
   * @throws {TypeError} When both or neither are given, a key has another purpose, or another option is unknown
   * or of the wrong kind.
   * @throws {RangeError} When a secret is shorter than 32 characters or repeats one character.
   */
  constructor(options: SignedCookieStoreOptions) {
    checkTable(OPTIONS, options);
    const { secret: _, keys: __, ...common } = options;
    super(new SignedFormat(options), common);
  }

  /**
   * Generates a key.
   *
   * @returns The key.
   */
  static generateKey(): Promise<CryptoKey> {
    return generateKey(SIGNING);
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
    return keysFromSecrets(SIGNING, secrets);
  }

  /**
   * Imports keys from {@linkcode SignedCookieStore.exportKey}, or from `@hattip/session`.
   *
   * @param texts 32 to 64 bytes each, as base64 or base64url.
   * @returns The keys, in the same order.
   * @throws {RangeError} When a text is not valid.
   */
  static generateKeysFromBase64(texts: readonly string[]): Promise<CryptoKey[]> {
    return keysFromBase64(SIGNING, texts);
  }
}

class SignedFormat implements CookieFormat {
  readonly keys: (c: unknown) => KeyRing<Hmac>;

  constructor(source: KeySource) {
    this.keys = keyRings("SignedCookieStore", SIGNING, source);
  }

  seal(record: SessionRecord, { cookieName, c }: CookieContext): Awaitable<string> {
    return andThen(this.keys(c).get(), ([first]) => {
      const id = first!.id.toString(16).padStart(2, "0");
      const content = `1.${id}.${toBase64Url(encoder.encode(toReadable(record)))}`;
      return andThen(
        first!.key(bind(content, cookieName)),
        (signature) => `${content}.${signature}`,
      );
    });
  }

  open(value: string, { cookieName, c }: CookieContext): Awaitable<OpenedCookie | undefined> {
    const [, content, id, payload, signature] = SIGNED_REGEXP.exec(value) ?? [];
    if (content === undefined || signature === undefined) return undefined;
    const message = bind(content, cookieName);
    const signed = { id: parseInt(id!, 16) };
    return andThen(this.keys(c).get(), (ring) =>
      openUnder(
        { ring, value: signed },
        (hmac) =>
          andThen(hmac(message), (right) => {
            const bytes = isSameSignature(signature, right) ? fromBase64Url(payload!) : undefined;
            return bytes && fromReadable(decoder.decode(bytes));
          }),
      ));
  }
}

function bind(content: string, cookieName: string): string {
  return `hono-session signed cookie\n${cookieName}\n${content}`;
}
