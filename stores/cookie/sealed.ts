import { toBase64Url } from "../../src/crypto/base64url.ts";
import type { SessionEncoder } from "../../src/crypto/encoder.ts";
import { PerSecret, type SecretOption } from "../../src/crypto/secrets.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import { type Clock, systemClock } from "../../src/util/clock.ts";
import { checkTable } from "../../src/util/option_table.ts";
import { CookieStore, type CookieStoreOptions } from "./cookie_store.ts";
import { encodePayload } from "./encoder.ts";
import type { CookieContext, CookieFormat, OpenedCookie } from "./format.ts";
import { idOf, importSecret, type Password, seal, unseal } from "./iron.ts";
import { cookieTable } from "./options.ts";
import { fromPayload, parsePayload, toPayload } from "./payload.ts";

const OPTIONS = cookieTable("SealedCookieStore", {
  shapes: { secret: ["any"], encoder: [{ methods: ["encode", "decode"] }] },
  instead: { keys: "use secret", password: "use secret" },
  mistakes: [[(value) => typeof value === "string" || Array.isArray(value), "write { secret }"]],
});

const PURPOSE = "hono-session";

const encoder = new TextEncoder();

/**
 * Options of {@linkcode SealedCookieStore}.
 *
 * @example Two secrets, while the older one is on its way out
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
   * One secret of at least 32 characters, or several: the first seals, all open. Or a function that finds
   * them for a request.
   */
  secret: SecretOption;
  /**
   * Takes the place of iron.
   *
   * @default {iron}
   */
  encoder?: SessionEncoder;
}

/**
 * Seals sessions into their cookies with iron (`Fe26.2`): encrypted with AES-256-CBC and authenticated with
 * HMAC-SHA-256. It derives its keys anew for every value; `EncryptedCookieStore` is much faster and its
 * cookies are smaller.
 *
 * What is sealed are the data, and under `hono-session` what else is kept of the session: data can't have that key.
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
   * Checks the secrets; nothing is derived yet.
   *
   * @param options The secrets.
   * @throws {TypeError} When an option is unknown or of the wrong kind, or there is no secret.
   * @throws {RangeError} When a secret is shorter than 32 characters or one character over and over.
   */
  constructor(options: SealedCookieStoreOptions) {
    checkTable(OPTIONS, options);
    const { secret, encoder, ...common } = options;
    super(new SealedFormat({ secret, encoder, clock: common.clock ?? systemClock }), common);
  }
}

interface NamedSecret extends Password {
  /** The secret as an encoder gets it. */
  readonly text: string;
}

interface SealedFormatOptions {
  readonly secret: SecretOption;
  readonly encoder: SessionEncoder | undefined;
  readonly clock: Clock;
}

class SealedFormat implements CookieFormat {
  readonly #passwords: PerSecret<Promise<NamedSecret[]>>;
  readonly #encoder: SessionEncoder | undefined;
  readonly #clock: Clock;

  constructor({ secret, encoder, clock }: SealedFormatOptions) {
    this.#passwords = new PerSecret(secret, namePasswords, {
      action: "create SealedCookieStore",
    });
    this.#encoder = encoder;
    this.#clock = clock;
  }

  keys(c: unknown): object {
    return this.#passwords.get(c);
  }

  async seal(record: SessionRecord, { cookieName, c }: CookieContext): Promise<string> {
    const [first] = await this.#passwords.get(c);
    const payload = toPayload(record, cookieName);
    return this.#encoder
      ? await encodePayload(this.#encoder, { payload, secret: first!.text })
      : await seal(payload, first!);
  }

  async open(value: string, { cookieName, c }: CookieContext): Promise<OpenedCookie | undefined> {
    const passwords = await this.#passwords.get(c);
    for (const password of this.#candidates(value, passwords)) {
      const record = await this.#open(value, { ...password, cookieName });
      if (record) return { record, outdated: password !== passwords[0] };
    }
    return undefined;
  }

  /** The secrets that a value can be under. Iron's values name theirs, unless another library made them. */
  #candidates(value: string, passwords: NamedSecret[]): NamedSecret[] {
    if (this.#encoder) return passwords;
    const id = idOf(value);
    return passwords.filter((password) => id === "" || id === password.id);
  }

  async #open(
    value: string,
    { secret, text: encoderSecret, cookieName }: NamedSecret & { readonly cookieName: string },
  ): Promise<SessionRecord | undefined> {
    try {
      if (this.#encoder) {
        return fromPayload(await this.#encoder.decode(value, encoderSecret), cookieName);
      }
      const text = await unseal(value, { secret, clock: this.#clock });
      return text === undefined ? undefined : parsePayload(text, cookieName);
    } catch {
      return undefined;
    }
  }
}

function namePasswords(secrets: readonly string[]): Promise<NamedSecret[]> {
  return Promise.all(secrets.map(async (text) => {
    const digest = await crypto.subtle.digest(
      "SHA-256",
      encoder.encode(`${PURPOSE} key id ${text}`),
    );
    // Iron allows word characters only.
    const id = toBase64Url(new Uint8Array(digest, 0, 6)).replaceAll("-", "_");
    return { id, secret: await importSecret(text), text };
  }));
}
