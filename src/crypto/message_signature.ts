import { allOf, andThen, type Awaitable, CachedPromise } from "../util/awaitable.ts";
import { fromBase64Url, toBase64Url } from "./base64url.ts";
import { type HmacKey, importHmacKey } from "./hmac.ts";
import { PerSecret, type SecretOption } from "./secrets.ts";

const encoder = new TextEncoder();

/** Signs messages with HMAC-SHA-256: the first secret signs, all verify. Keys are imported once. */
export class MessageSigner {
  readonly #keys: PerSecret<CachedPromise<HmacKey[]>>;

  /** @throws {TypeError | RangeError} When a secret is invalid. */
  constructor(secret: SecretOption) {
    this.#keys = new PerSecret(secret, importKeys, { action: "build session middleware" });
  }

  /** Returns the signature of a message in base64url. */
  sign(message: string, c: unknown): Awaitable<string> {
    return andThen(this.#keys.get(c).get(), ([key]) => signWith(key!, message));
  }

  /** Returns the signatures of a message with every secret, that of the first secret first. */
  signWithEach(message: string, c: unknown): Awaitable<string[]> {
    return andThen(
      this.#keys.get(c).get(),
      (keys) => allOf(keys.map((key) => signWith(key, message))),
    );
  }

  /** Checks the signature of a message. */
  verify(
    { signature, message }: { signature: string; message: string },
    c: unknown,
  ): Awaitable<boolean> {
    const bytes = fromBase64Url(signature);
    if (!bytes) return false;
    return andThen(this.#keys.get(c).get(), (keys) => isSignedByOne(keys, bytes, message));
  }
}

function signWith(key: HmacKey, message: string): Awaitable<string> {
  return andThen(key.sign(message), toBase64Url);
}

function isSignedByOne(
  [key, ...others]: readonly HmacKey[],
  signature: Uint8Array<ArrayBuffer>,
  message: string,
): Awaitable<boolean> {
  if (!key) return false;
  return andThen(
    key.verify(signature, message),
    (isRight) => isRight || isSignedByOne(others, signature, message),
  );
}

function importKeys(secrets: readonly string[]): CachedPromise<HmacKey[]> {
  return new CachedPromise(allOf(secrets.map((secret) => importHmacKey(encoder.encode(secret)))));
}
