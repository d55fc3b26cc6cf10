import { decryptAesGcm, encryptAesGcm } from "@std/crypto/aes-gcm";
import type { Awaitable } from "../util/awaitable.ts";
import { nodeCrypto } from "./node.ts";

/** The bytes at the front of the output that are reserved for the caller. */
const HEAD_BYTES = 2;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** The offset of the ciphertext. */
const BEGIN = HEAD_BYTES + NONCE_BYTES;

/**
 * AES-256-GCM with one key. Every implementation returns the same layout: 2 bytes reserved for the caller, a
 * nonce of 12 bytes, the ciphertext, and a tag of 16 bytes.
 */
export interface AesGcmKey {
  /** Encrypts a plaintext. It is copied before the first await. */
  encrypt(
    plaintext: Uint8Array<ArrayBuffer>,
    additionalData: Uint8Array<ArrayBuffer>,
  ): Awaitable<Uint8Array<ArrayBuffer>>;

  /** Returns the plaintext; `undefined` when anything was changed after the encryption. */
  decrypt(
    sealed: Uint8Array<ArrayBuffer>,
    additionalData: Uint8Array<ArrayBuffer>,
  ): Awaitable<Uint8Array | undefined>;
}

/** Imports a key. The result works synchronously where the runtime can. */
export function importAesGcmKey(key: CryptoKey, bytes: Uint8Array): AesGcmKey {
  // One block and a byte, to test whether the runtime encrypts correctly.
  const sample = Uint8Array.from({ length: 17 }, (_, index) => index);
  try {
    const known = new NodeAesGcmKey(bytes);
    const opened = known.decrypt(known.encrypt(sample, sample), sample);
    if (opened?.join() === sample.join()) return known;
  } catch {
    // Fall back to Web Crypto, which every runtime has.
  }
  return new WebAesGcmKey(key);
}

class NodeAesGcmKey implements AesGcmKey {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  encrypt(plaintext: Uint8Array, additionalData: Uint8Array): Uint8Array<ArrayBuffer> {
    const sealed = new Uint8Array(BEGIN + plaintext.length + TAG_BYTES);
    const nonce = crypto.getRandomValues(sealed.subarray(HEAD_BYTES, BEGIN));
    const cipher = nodeCrypto!.createCipheriv("aes-256-gcm", this.#key, nonce);
    cipher.setAAD(additionalData);
    sealed.set(cipher.update(plaintext), BEGIN);
    cipher.final();
    sealed.set(cipher.getAuthTag(), BEGIN + plaintext.length);
    return sealed;
  }

  decrypt(sealed: Uint8Array, additionalData: Uint8Array): Uint8Array | undefined {
    const end = sealed.length - TAG_BYTES;
    if (end < BEGIN) return undefined;
    const nonce = sealed.subarray(HEAD_BYTES, BEGIN);
    const decipher = nodeCrypto!.createDecipheriv("aes-256-gcm", this.#key, nonce);
    decipher.setAAD(additionalData);
    decipher.setAuthTag(sealed.subarray(end));
    try {
      const plaintext = decipher.update(sealed.subarray(BEGIN, end));
      decipher.final();
      return plaintext;
    } catch {
      return undefined;
    }
  }
}

/** AES-GCM with Web Crypto, which every runtime has. */
class WebAesGcmKey implements AesGcmKey {
  readonly #key: CryptoKey;

  constructor(key: CryptoKey) {
    this.#key = key;
  }

  async encrypt(
    plaintext: Uint8Array<ArrayBuffer>,
    additionalData: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const sealed = await encryptAesGcm(this.#key, plaintext.slice(), { additionalData });
    const bytes = new Uint8Array(HEAD_BYTES + sealed.length);
    bytes.set(sealed, HEAD_BYTES);
    return bytes;
  }

  async decrypt(
    sealed: Uint8Array<ArrayBuffer>,
    additionalData: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array | undefined> {
    try {
      return await decryptAesGcm(this.#key, sealed.subarray(HEAD_BYTES), { additionalData });
    } catch {
      return undefined;
    }
  }
}
