const { process } = globalThis as {
  process?: { getBuiltinModule?(name: string): unknown };
};

/** Returns a module of Node, on runtimes that have it. */
export function nodeBuiltin<Module>(name: `node:${string}`): Module | undefined {
  return process?.getBuiltinModule?.(name) as Module | undefined;
}

/** The methods of `Hmac` that are used. */
interface Hmac {
  update(text: string): Hmac;
  digest(encoding: "base64url"): string;
}

/** The methods of a cipher in Galois/counter mode that are used. */
interface Cipher {
  setAAD(additionalData: Uint8Array): unknown;
  update(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
  final(): Uint8Array<ArrayBuffer>;
}

/**
 * The synchronous functions of `node:crypto` that are used. Web Crypto hands every operation to another thread
 * and back, which takes longer than the operation itself.
 */
export interface NodeCrypto {
  hash?(algorithm: "sha256", text: string, encoding: "base64url"): string;
  createHmac(algorithm: "sha256", key: Uint8Array): Hmac;
  createCipheriv(
    algorithm: "aes-256-gcm",
    key: Uint8Array,
    nonce: Uint8Array,
  ): Cipher & { getAuthTag(): Uint8Array };
  createDecipheriv(
    algorithm: "aes-256-gcm",
    key: Uint8Array,
    nonce: Uint8Array,
  ): Cipher & { setAuthTag(tag: Uint8Array): unknown };
}

/** `node:crypto`, on runtimes that have it. Some implement it in part, which only a trial shows. */
export const nodeCrypto: NodeCrypto | undefined = nodeBuiltin("node:crypto");
