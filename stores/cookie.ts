/**
 * Sessions in their own cookies, sealed, without a database.
 *
 * The client holds the session, so nothing on the server can end it before its time: a copy of a cookie
 * lives on after logout. Two requests at the same time overwrite each other's changes, and a browser keeps
 * 4096 bytes at most. Where any of that matters, use a store on the server.
 *
 * @example Usage
 * ```ts
 * import { session } from "@x/hono-session";
 * import { SealedCookieStore } from "@x/hono-session/stores/cookie";
 * import { Hono } from "hono";
 * import { assertEquals } from "@std/assert";
 *
 * const store = new SealedCookieStore({ secret: "at least thirty-two characters, from the environment" });
 * const app = new Hono().use(session<{ name?: string }>({ store })).get("/", (c) => {
 *   const name = c.var.session.name ?? "nobody";
 *   c.var.session.name = "Ada";
 *   return c.text(name);
 * });
 *
 * const first = await app.request("/");
 * const cookie = first.headers.getSetCookie()[0]!.split(";")[0]!;
 * const second = await app.request("/", { headers: { cookie } });
 * assertEquals(await second.text(), "Ada");
 * ```
 *
 * @module
 */

import { defaults, seal, unseal } from "iron-webcrypto";
import { SessionTooLargeError } from "../src/errors.ts";
import { isSessionRecord, type SessionRecord, type SessionTimes } from "../src/record.ts";
import {
  type Clock,
  type SessionStore,
  type StoreCapabilities,
  type StoreReplacement,
  systemClock,
} from "../src/store.ts";

const SHORTEST_SECRET = 32;

/** What browsers keep of a cookie, name and value together, in bytes (RFC 6265bis, 5.6). */
const LARGEST_COOKIE = 4096;

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
export interface SealedCookieStoreOptions {
  /** One secret of at least 32 characters, or several: the first seals, all open. */
  secret: string | readonly string[];
  /**
   * Tells the time, for tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/**
 * Seals sessions into their cookies with iron (`Fe26.2`): encrypted with AES-256-CBC and authenticated with
 * HMAC-SHA-256.
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
export class SealedCookieStore implements SessionStore {
  /** Not atomic: the client holds the record, and the last answer that it gets wins. */
  readonly capabilities: StoreCapabilities = {
    atomic: false,
    index: false,
    consistency: "strong",
    stateless: true,
    maxBytes: LARGEST_COOKIE,
  };
  readonly #secrets: readonly string[];
  readonly #clock: Clock;

  /**
   * Checks the secrets; nothing is derived yet.
   *
   * @param options The secrets.
   * @throws {TypeError} When there is no secret.
   * @throws {RangeError} When a secret is shorter than 32 characters.
   */
  constructor(options: SealedCookieStoreOptions) {
    const { secret, clock = systemClock } = options;
    this.#secrets = typeof secret === "string" ? [secret] : [...secret ?? []];
    this.#clock = clock;
    if (this.#secrets.length === 0) {
      throw new TypeError("Cannot create SealedCookieStore: a secret is needed");
    }
    for (const { length } of this.#secrets) {
      if (length >= SHORTEST_SECRET) continue;
      throw new RangeError(
        `Cannot create SealedCookieStore: secret is ${length} characters, at least ${SHORTEST_SECRET} are needed`,
      );
    }
  }

  /**
   * Opens a cookie.
   *
   * @param token The value of the cookie.
   * @returns The record, or `undefined` when the value is damaged, forged or has expired.
   */
  async read(token: string): Promise<SessionRecord | undefined> {
    if (token.length > LARGEST_COOKIE) return undefined;
    for (const secret of this.#secrets) {
      const record = await open(token, secret);
      if (isSessionRecord(record)) {
        return this.#clock() < record.expiresAt ? record : undefined;
      }
    }
    return undefined;
  }

  /**
   * Seals a new session.
   *
   * @param _key Not used: the sealed record is the token.
   * @param record The record.
   * @returns The value of the cookie.
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   */
  create(_key: string, record: SessionRecord): Promise<string> {
    return this.#seal(record);
  }

  /**
   * Seals a changed session.
   *
   * @param _token Not used: nobody can take it back.
   * @param record The record.
   * @returns The value of the cookie.
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   */
  update(_token: string, record: SessionRecord): Promise<string> {
    return this.#seal(record);
  }

  /**
   * Seals a session anew.
   *
   * @param _token Not used: nobody can take it back.
   * @param next The record.
   * @returns The value of the cookie.
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   */
  replace(_token: string, next: StoreReplacement): Promise<string> {
    return this.#seal(next.record);
  }

  /**
   * Moves the times of a session.
   *
   * @param token The value of the cookie.
   * @param times The new times.
   * @returns The new value of the cookie, or `false` when the old one can't be opened.
   */
  async touch(token: string, times: SessionTimes): Promise<string | false> {
    const record = await this.read(token);
    return record ? this.#seal({ ...record, ...times }) : false;
  }

  /**
   * Does nothing: a cookie can be cleared, but not taken back.
   *
   * @param _token The value of the cookie.
   */
  delete(_token: string): void {}

  async #seal(record: SessionRecord): Promise<string> {
    const token = await seal(record, this.#secrets[0]!, defaults);
    if (token.length <= LARGEST_COOKIE) return token;
    throw new SessionTooLargeError(
      `Cannot seal session: the cookie is ${token.length} bytes, at most ${LARGEST_COOKIE} are kept by browsers`,
      { size: token.length, limit: LARGEST_COOKIE },
    );
  }
}

/** What is sealed in a token. Whatever damaged it, it holds nothing. */
async function open(token: string, secret: string): Promise<unknown> {
  try {
    return await unseal(token, secret, defaults);
  } catch {
    return undefined;
  }
}
