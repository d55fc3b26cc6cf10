import { defaults, seal, unseal } from "iron-webcrypto";
import { fromBase64Url, toBase64Url } from "../../src/crypto/base64url.ts";
import type { SessionEncoder } from "../../src/crypto/encoder.ts";
import { PerSecret, type SecretOption } from "../../src/crypto/secrets.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import { hasMethods, refuse } from "../../src/util/option_errors.ts";
import { checkTable } from "../../src/util/option_table.ts";
import { NOT_ASYNC, OBJECT } from "../../src/util/shapes.ts";
import { CookieStore, type CookieStoreOptions } from "./cookie_store.ts";
import { encodePayload } from "./encoder.ts";
import type { CookieContext, CookieFormat, OpenedCookie } from "./format.ts";
import { cookieTable } from "./options.ts";
import { fromPayload, parsePayload, toPayload } from "./payload.ts";

const OPTIONS = cookieTable("SealedCookieStore", {
  shapes: { secret: NOT_ASYNC, encoder: OBJECT },
  instead: { keys: "use secret", password: "use secret" },
  mistakes: [[(value) => typeof value === "string" || Array.isArray(value), "write { secret }"]],
});

const PURPOSE = "hono-session";
const PARTS = 8;
const ID_PART = 1;
const SIGNATURE_PART = 7;

/** The value to seal is JSON text already. */
const SEALING = { ...defaults, encode: String, decode: String };

const encoder = new TextEncoder();

/**
 * Options of {@linkcode SealedCookieStore}.
 *
 * @example Replacing a secret
 * ```ts
 * import { SealedCookieStore, type SealedCookieStoreOptions } from "@x/hono-session/stores/cookie";
 *
 * const options: SealedCookieStoreOptions = {
 *   secret: ["the new secret, thirty-two characters or more", "the old secret, still good for reading"],
 * };
 * new SealedCookieStore(options);
 * ```
 */
export interface SealedCookieStoreOptions extends CookieStoreOptions {
  /**
   * One secret of at least 32 characters, or a list: the first seals, all unseal. Or a function that returns
   * them for a request.
   */
  secret: SecretOption;
  /**
   * Replaces iron.
   *
   * @default {iron-webcrypto}
   */
  encoder?: SessionEncoder;
}

/**
 * Seals sessions into their cookies with iron (`Fe26.2`): encrypted with AES-256-CBC and authenticated with
 * HMAC-SHA-256. It derives its keys for every value; `EncryptedCookieStore` is much faster, and its cookies are
 * smaller.
 *
 * The sealed object holds the data, and everything else of the session under `hono-session`. The data can't
 * have that key.
 *
 * @example Usage
 * ```ts
 * import { SealedCookieStore } from "@x/hono-session/stores/cookie";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new SealedCookieStore({ secret: "at least thirty-two characters, from the environment" });
 * assertEquals(await store.read("anything else"), undefined);
 * ```
 */
export class SealedCookieStore extends CookieStore {
  /**
   * Checks the options. No key is derived yet.
   *
   * @param options The secrets, and other options.
   * @throws {TypeError} When an option is unknown or of the wrong kind, or there is no secret.
   * @throws {RangeError} When a secret is shorter than 32 characters or repeats one character.
   */
  constructor(options: SealedCookieStoreOptions) {
    checkTable(OPTIONS, options);
    const { secret, encoder, ...common } = options;
    if (encoder && !hasMethods(encoder, "encode", "decode")) {
      refuse("encoder", "functions encode and decode are required", OPTIONS);
    }
    super(new SealedFormat(secret, encoder), common);
  }
}

interface Password {
  readonly id: string;
  readonly secret: string;
}

class SealedFormat implements CookieFormat {
  readonly #passwords: PerSecret<Promise<Password[]>>;
  readonly #encoder: SessionEncoder | undefined;

  constructor(secret: SecretOption, encoder: SessionEncoder | undefined) {
    this.#passwords = new PerSecret(secret, namePasswords, {
      action: "create SealedCookieStore",
    });
    this.#encoder = encoder;
  }

  keys(c: unknown): object {
    return this.#passwords.get(c);
  }

  async seal(record: SessionRecord, { cookieName, c }: CookieContext): Promise<string> {
    const [first] = await this.#passwords.get(c);
    const payload = toPayload(record, cookieName);
    return this.#encoder
      ? await encodePayload(this.#encoder, { payload, secret: first!.secret })
      : await seal(payload, first!, SEALING);
  }

  async open(value: string, { cookieName, c }: CookieContext): Promise<OpenedCookie | undefined> {
    const passwords = await this.#passwords.get(c);
    for (const password of this.#candidates(value, passwords)) {
      const record = await this.#open(value, { secret: password.secret, cookieName });
      if (record) return { record, outdated: password !== passwords[0] };
    }
    return undefined;
  }

  /**
   * Returns the secrets that a value may be sealed with. Values of iron name their secret, unless another
   * library made them.
   */
  #candidates(value: string, passwords: Password[]): Password[] {
    if (this.#encoder) return passwords;
    const parts = value.split("*", PARTS + 1);
    // The signature itself is not signed, so only its canonical encoding is accepted.
    if (parts.length !== PARTS || fromBase64Url(parts[SIGNATURE_PART]!) === undefined) return [];
    return passwords.filter(({ id }) => parts[ID_PART] === "" || parts[ID_PART] === id);
  }

  async #open(
    value: string,
    { secret, cookieName }: { secret: string; cookieName: string },
  ): Promise<SessionRecord | undefined> {
    try {
      return this.#encoder
        ? fromPayload(await this.#encoder.decode(value, secret), cookieName)
        : parsePayload(await unseal(value, secret, SEALING) as string, cookieName);
    } catch {
      return undefined;
    }
  }
}

function namePasswords(secrets: readonly string[]): Promise<Password[]> {
  return Promise.all(secrets.map(async (secret) => {
    const digest = await crypto.subtle.digest(
      "SHA-256",
      encoder.encode(`${PURPOSE} key id ${secret}`),
    );
    // Iron allows only word characters.
    return { id: toBase64Url(new Uint8Array(digest, 0, 6)).replaceAll("-", "_"), secret };
  }));
}
