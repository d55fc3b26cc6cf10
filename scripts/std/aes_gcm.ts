// Stands in for @std/crypto/aes-gcm where JSR can't be reached. The layout is the same:
// 12 bytes of nonce, the ciphertext, 16 bytes of tag.
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface AesGcmOptions {
  additionalData?: BufferSource;
}

export async function encryptAesGcm(
  key: CryptoKey,
  plaintext: BufferSource,
  options: AesGcmOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, ...options }, key, plaintext);
  const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength);
  bytes.set(iv);
  bytes.set(new Uint8Array(sealed), NONCE_BYTES);
  return bytes;
}

export async function decryptAesGcm(
  key: CryptoKey,
  data: Uint8Array<ArrayBuffer>,
  options: AesGcmOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (data.byteLength < NONCE_BYTES + TAG_BYTES) throw new RangeError("Data is too short");
  const iv = data.subarray(0, NONCE_BYTES);
  const algorithm = { name: "AES-GCM", iv, ...options };
  return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, data.subarray(NONCE_BYTES)));
}
