import { type AesGcmKey, importAesGcmKey } from "../../src/crypto/aes_gcm.ts";
import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import { type Hmac, importHmacKey } from "../../src/crypto/hmac.ts";
import { checkSecrets, PerSecret, type SecretOption } from "../../src/crypto/secrets.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import { andThen, type Awaitable, CachedPromise } from "../../src/util/awaitable.ts";
import type { OptionTable } from "../../src/util/option_table.ts";
import { ARRAY, NOT_ASYNC } from "../../src/util/shapes.ts";
import type { OpenedCookie } from "./format.ts";
import { cookieTable } from "./options.ts";

const KEY_BYTES = 32;

const encoder = new TextEncoder();

/** The purpose of a key, and how it is imported. */
export interface KeyKind<Key = unknown> {
  readonly algorithm: { readonly name: string; readonly length: number; readonly hash?: string };
  readonly usages: KeyUsage[];
  /** The largest size of an imported key, in bytes. */
  readonly mostBytes: number;
  /** The HKDF info, which separates keys of different kinds from the same secret. */
  readonly info: string;
  readonly take: (key: CryptoKey, bytes: Uint8Array<ArrayBuffer>) => Key;
}

/** Keys that encrypt with AES-256-GCM. */
export const ENCRYPTING: KeyKind<AesGcmKey> = {
  algorithm: { name: "AES-GCM", length: 256 },
  usages: ["encrypt", "decrypt"],
  mostBytes: KEY_BYTES,
  info: "hono-session encrypted cookie",
  take: importAesGcmKey,
};

/** Keys that sign with HMAC-SHA-256. */
export const SIGNING: KeyKind<Hmac> = {
  algorithm: { name: "HMAC", length: 256, hash: "SHA-256" },
  usages: ["sign", "verify"],
  // The block size of SHA-256, and the size of keys that Web Crypto generates by default. A longer key would be
  // hashed.
  mostBytes: 64,
  info: "hono-session signed cookie",
  take: (_, bytes) => importHmacKey(bytes),
};

/** A key, and the byte that identifies it in values. */
export interface NamedKey<Key> {
  readonly id: number;
  readonly key: Key;
}

/** Keys; the first is used to write. */
export type KeyRing<Key> = CachedPromise<readonly NamedKey<Awaited<Key>>[]>;

/** The source of a store's keys: secrets or keys. */
export interface KeySource {
  readonly secret?: SecretOption;
  readonly keys?: readonly CryptoKey[];
}

/** Returns the option table of a store with keys. */
export function keyTable(store: string): OptionTable {
  const isKey = (value: unknown) => Object.prototype.toString.call(value) === "[object CryptoKey]";
  const isKeys = (value: unknown) => Array.isArray(value) && value.every(isKey);
  return cookieTable(store, {
    shapes: { secret: NOT_ASYNC, keys: ARRAY },
    instead: { encoder: "use SealedCookieStore" },
    mistakes: [
      [isKeys, "write { keys }"],
      [isKey, "write { keys: [key] }"],
      [(value) => typeof value === "string" || Array.isArray(value), "write { secret }"],
    ],
  });
}

/**
 * Returns a function that finds the keys of a request. They are derived and imported only once.
 *
 * @throws {TypeError | RangeError} When secrets or keys are missing or invalid.
 */
export function keyRings<Key>(
  store: string,
  kind: KeyKind<Key>,
  source: KeySource,
): (c: unknown) => KeyRing<Key> {
  const action = `create ${store}`;
  const { secret, keys } = source;
  if ((secret === undefined) === (keys === undefined)) {
    throw new TypeError(`Cannot ${action}: either secret or keys is required`);
  }
  if (keys !== undefined) {
    if (!Array.isArray(keys) || keys.length === 0) {
      throw new TypeError(`Cannot ${action}: the list of keys is empty`);
    }
    for (const key of keys) {
      if (key?.algorithm?.name !== kind.algorithm.name || !key.extractable) {
        throw new TypeError(
          `Cannot ${action}: keys must be extractable and for ${kind.algorithm.name}, as generateKey() makes them`,
        );
      }
    }
    const given = [...keys];
    let ring: KeyRing<Key> | undefined;
    return () => ring ??= new CachedPromise(() => nameKeys(kind, given));
  }
  const rings = new PerSecret<KeyRing<Key>>(
    secret!,
    (secrets) =>
      new CachedPromise(async () => await nameKeys(kind, await keysFromSecrets(kind, secrets))),
    { action },
  );
  return (c) => rings.get(c);
}

/** A value, and the byte that identifies its key. */
interface Sealed {
  readonly id: number;
}

/** Opens a value with the first of the keys that it names. */
export function openUnder<Key, Value extends Sealed>(
  { ring, value, from = 0 }: { ring: readonly NamedKey<Key>[]; value: Value; from?: number },
  open: (key: Key, value: Value) => Awaitable<SessionRecord | undefined>,
): Awaitable<OpenedCookie | undefined> {
  let at = from;
  while (at < ring.length && ring[at]!.id !== value.id) at++;
  if (at >= ring.length) return undefined;
  return andThen(open(ring[at]!.key, value), openedUnder<Key, Value>, { ring, value, at, open });
}

function openedUnder<Key, Value extends Sealed>(
  record: SessionRecord | undefined,
  { ring, value, at, open }: {
    ring: readonly NamedKey<Key>[];
    value: Value;
    at: number;
    open: (key: Key, value: Value) => Awaitable<SessionRecord | undefined>;
  },
): Awaitable<OpenedCookie | undefined> {
  return record ? { record, outdated: at > 0 } : openUnder({ ring, value, from: at + 1 }, open);
}

async function nameKeys<Key>(
  { take }: KeyKind<Key>,
  keys: readonly CryptoKey[],
): Promise<NamedKey<Awaited<Key>>[]> {
  return await Promise.all(keys.map(async (key) => {
    const bytes = new Uint8Array(await crypto.subtle.exportKey("raw", key));
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    return { id: new Uint8Array(digest)[0]!, key: await take(key, bytes) };
  }));
}

/** Generates a key. */
export async function generateKey(kind: KeyKind): Promise<CryptoKey> {
  return await crypto.subtle.generateKey(kind.algorithm, true, kind.usages) as CryptoKey;
}

/** Exports a key as base64url, for an environment variable. */
export async function exportKey(key: CryptoKey): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.exportKey("raw", key)));
}

/** @throws {RangeError} When a text is not base64 or base64url of a key of valid length. */
export async function keysFromBase64(
  kind: KeyKind,
  texts: readonly string[],
): Promise<CryptoKey[]> {
  return await Promise.all(texts.map(async (text) => {
    const bytes = fromBase64Url(
      text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
    );
    if (!bytes || bytes.length < KEY_BYTES || bytes.length > kind.mostBytes) {
      const length = kind.mostBytes === KEY_BYTES ? KEY_BYTES : `${KEY_BYTES} to ${kind.mostBytes}`;
      throw new RangeError(`Cannot import key: ${length} bytes of base64 are required`);
    }
    return await importKey(kind, bytes);
  }));
}

/** @throws {TypeError | RangeError} When a secret is invalid. */
export async function keysFromSecrets(
  kind: KeyKind,
  secrets: readonly string[],
): Promise<CryptoKey[]> {
  return await Promise.all(
    checkSecrets(secrets, { action: "derive key" }).map(async (secret) => {
      const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, [
        "deriveBits",
      ]);
      const hkdf = {
        name: "HKDF",
        hash: "SHA-256",
        salt: new Uint8Array(),
        info: encoder.encode(kind.info),
      };
      return await importKey(kind, await crypto.subtle.deriveBits(hkdf, material, KEY_BYTES * 8));
    }),
  );
}

function importKey(
  { algorithm: { length: _, ...algorithm }, usages }: KeyKind,
  bytes: BufferSource,
): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, algorithm, true, usages);
}
