import type { SessionRecord, SessionTimes } from "../../src/record/record.ts";
import { traceOf } from "../../src/record/trace.ts";
import type {
  DeleteAllOptions,
  ListedSession,
  ListPage,
  SessionStore,
  StoreCapabilities,
  StoreReplacement,
} from "../../src/store/contract.ts";
import { andThen, type Awaitable } from "../../src/util/awaitable.ts";
import { type Clock, systemClock } from "../../src/util/clock.ts";
import { LARGEST_COOKIE } from "../../src/util/cookie_limits.ts";
import type { CookieFormat } from "./format.ts";
import { checkCookieStore } from "./options.ts";
import { succeed, type Succession } from "./revocation/epoch.ts";
import type { CookieRevocations } from "./revocation/cookie_revocations.ts";
import type { Revocations } from "./revocation/revocations.ts";
import type { Call } from "./revocation/marks_store.ts";
import { CookieValues } from "./values.ts";

/** The format of the keys of listed sessions. No sealed value is that short. */
const KEY_REGEXP = /^[\w-]{43}$/;

/**
 * The options of all cookie stores.
 *
 * @example Revocable sessions in cookies
 * ```ts
 * import { type CookieStoreOptions, EncryptedCookieStore, Revocations } from "@x/hono-session/stores/cookie";
 * import { MapStore } from "@x/hono-session/stores/map";
 *
 * const revocations = new Revocations(new MapStore({ maxEntries: Infinity }));
 * const options: CookieStoreOptions = { revocations };
 * const secret = "at least thirty-two characters, from the environment";
 * new EncryptedCookieStore({ secret, ...options });
 * ```
 */
export interface CookieStoreOptions {
  /**
   * The largest number of cookies over which a session is split, at most 4. Every request carries all of them,
   * which proxies must allow: see `stores/README.md` for nginx.
   *
   * @default {1}
   */
  chunks?: number;
  /**
   * The number of cached cookies: a cookie in the cache need not be decrypted or verified again. Each entry
   * needs memory for its value and its data, about 8 KB at most without chunks, and for its parsed data once it
   * is used again. 0 turns the cache off.
   *
   * @default {1000}
   */
  memo?: number;
  /** Makes sessions revocable. Without it a copy of a cookie stays valid after logout (ASVS 5.0, 7.4.1). */
  revocations?: Revocations;
  /**
   * Returns the current time; replace it in tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/**
 * Keeps sessions in cookies of a format. The cookie stores of this package extend it. Methods return a value or
 * a promise, and may throw synchronously: `await` them in a `try` block.
 *
 * @example A format of your own
 * ```ts
 * import { type CookieFormat, CookieStore } from "@x/hono-session/stores/cookie";
 * import { assertEquals } from "@std/assert";
 *
 * const keys = {};
 * const format: CookieFormat = {
 *   keys: () => keys,
 *   seal: (record) => btoa(JSON.stringify(record)),
 *   open: () => undefined,
 * };
 * assertEquals(new CookieStore(format).capabilities.stateless, true);
 * ```
 */
export class CookieStore implements SessionStore {
  /** Not atomic: the client holds the record, and the last response that it receives wins. */
  readonly capabilities: StoreCapabilities;
  readonly #format: CookieFormat;
  readonly #options: CookieStoreOptions;
  readonly #cookieName: string;
  readonly #values: CookieValues;
  readonly #clock: Clock;
  readonly #revocations: CookieRevocations | undefined;

  /**
   * Checks the options. No key is derived yet.
   *
   * @param format The format of the cookie's value.
   * @param options The options of all cookie stores.
   * @param cookieName The name of the cookie. The middleware sets it.
   * @throws {RangeError} When `chunks` or `memo` is out of range.
   * @throws {TypeError} When an option is unknown or of the wrong kind.
   */
  constructor(format: CookieFormat, options: CookieStoreOptions = {}, cookieName = "sid") {
    checkCookieStore(format, options);
    const { chunks = 1, memo = 1000, clock = systemClock, revocations } = options;
    this.#format = format;
    this.#options = options;
    this.#cookieName = cookieName;
    this.#clock = clock;
    const epochs = revocations !== undefined;
    this.#values = new CookieValues(format, { cookieName, chunks, memo, epochs });
    const index = revocations?.capabilities.index === true && !format.anonymous;
    this.#revocations = revocations?.forCookieStore({ clock, cookieName, index });
    this.capabilities = {
      atomic: false,
      index,
      ...(index && revocations?.capabilities.ordered ? { ordered: true } : {}),
      consistency: "strong",
      stateless: true,
      chunks,
      maxBytes: chunks * LARGEST_COOKIE,
      ...(revocations ? { abortable: true } : {}),
    };
  }

  /**
   * Returns the store for a cookie name, to which its values are bound.
   *
   * @param cookieName The name.
   * @returns This store, or one like it.
   */
  forCookie(cookieName: string): CookieStore {
    return cookieName === this.#cookieName
      ? this
      : new CookieStore(this.#format, this.#options, cookieName);
  }

  /**
   * Reads the session in a cookie.
   *
   * @param token The value of the cookie.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The record, or `undefined` when the value is damaged, forged, foreign, revoked or expired. For a
   * replaced cookie whose session continues, a record with the trace `replaced`.
   */
  read(token: string, c?: unknown, signal?: AbortSignal): Awaitable<SessionRecord | undefined> {
    const record = this.#values.open(token, c);
    return andThen(record, CookieStore.#check, { store: this, c, signal });
  }

  static #check(
    record: SessionRecord | undefined,
    { store, c, signal }: Call & { store: CookieStore },
  ): Awaitable<SessionRecord | undefined> {
    if (!record || store.#clock() >= record.expiresAt) return undefined;
    return store.#revocations ? store.#checkRevocation(record, { c, signal }) : record;
  }

  #checkRevocation(record: SessionRecord, call: Call): Awaitable<SessionRecord | undefined> {
    return andThen(
      this.#revocations!.fateOf(this.#values.whole(record), call),
      (fate) =>
        fate === "live" ? record : fate === "replaced" ? traceOf(record, "replaced") : undefined,
    );
  }

  /**
   * Checks whether a record was sealed with an older key.
   *
   * @param record The record that was read.
   * @returns Whether it must be written again.
   */
  outdated(record: SessionRecord): boolean {
    return this.#values.isOutdated(record);
  }

  /**
   * Seals a new session.
   *
   * @param _key Not used: the sealed record is the token.
   * @param record The record.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The value of the cookie.
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  create(
    _key: string,
    record: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<string> {
    return andThen(
      this.#values.seal(record, c),
      (token) => andThen(this.#revocations?.admit({ record }, { c, signal }), () => token),
    );
  }

  /**
   * Seals a changed session.
   *
   * @param token The previous value of the cookie.
   * @param record The record.
   * @param _previous Not used: the token holds it.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The value of the cookie, or `false` when the session was ended in the meantime.
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  update(
    token: string,
    record: SessionRecord,
    _previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<string | false> {
    return this.#revocations
      ? this.#writeOver(token, { record }, { c, signal })
      : this.#values.seal(record, c);
  }

  /**
   * Seals a session with a new token. With `revocations` all of its previous cookies become invalid, including
   * those that were written with a copy.
   *
   * @param token The previous value of the cookie.
   * @param next The record.
   * @param _previous Not used: the token holds it.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The value of the cookie, or `false` when the session was ended or replaced in the meantime.
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  replace(
    token: string,
    next: StoreReplacement,
    _previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<string | false> {
    return this.#revocations
      ? this.#writeOver(token, { record: next.record, replaces: true }, { c, signal })
      : this.#values.seal(next.record, c);
  }

  /**
   * Changes the times of a session.
   *
   * @param token The value of the cookie.
   * @param times The new times.
   * @param _previous Not used: the token holds it.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The new value of the cookie, or `false` when the old value is invalid.
   */
  touch(
    token: string,
    times: SessionTimes,
    _previous: SessionRecord,
    c?: unknown,
    signal?: AbortSignal,
  ): Awaitable<string | false> {
    return andThen(this.#values.open(token, c), (previous) => {
      if (!previous || this.#clock() >= previous.expiresAt) return false;
      const record = { ...previous, ...times };
      return this.#revocations
        ? this.#write({ record, previous: this.#values.whole(previous) }, { c, signal })
        : this.#values.seal(record, c);
    });
  }

  /**
   * Ends a session if there are `revocations`. Without them, copies of its cookie stay valid.
   *
   * @param key The value of the cookie, or the key of a listed session.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   */
  async delete(key: string, c?: unknown, signal?: AbortSignal): Promise<void> {
    if (!this.#revocations) return;
    const record = await this.#values.open(key, c);
    if (record) await this.#revocations.end(record, { c, signal });
    else if (KEY_REGEXP.test(key)) await this.#revocations.endListed(key, { c, signal });
  }

  /**
   * Lists the live sessions of a subject in cookies of this name, if `revocations` has an index. A session is
   * listed as long as any of its cookies lives. It costs one read per session, and one for the subject.
   *
   * @param subject The subject.
   * @param page The part of the list.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The sessions, without their data.
   * @throws {TypeError} When there are no `revocations` with an index.
   */
  async *list(
    subject: string,
    page: ListPage = {},
    c?: unknown,
    signal?: AbortSignal,
  ): AsyncGenerator<ListedSession> {
    yield* this.#marking("list").list(subject, page, { c, signal });
  }

  /**
   * Returns the current generation of a subject's sessions.
   *
   * @param subject The subject.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The generation; 0 without `revocations`.
   */
  generation(subject: string, c?: unknown, signal?: AbortSignal): Awaitable<number> {
    return this.#revocations?.generation(subject, { c, signal }) ?? 0;
  }

  /**
   * Ends all sessions of a subject, including those in cookies of other names (ASVS 5.0, 7.4.3). It requires
   * `revocations`, but no index: without an index the number of sessions is unknown.
   *
   * @param subject The subject.
   * @param options The session that is not ended.
   * @param c The Hono context.
   * @param signal Aborts the operation.
   * @returns The number of listed sessions; 0 without an index.
   * @throws {TypeError} When there are no `revocations`.
   */
  async deleteAll(
    subject: string,
    options: DeleteAllOptions,
    c?: unknown,
    signal?: AbortSignal,
  ): Promise<number> {
    return await this.#marking("end").endAll(subject, options, { c, signal });
  }

  /** @throws {TypeError} When there are no `revocations`. */
  #marking(action: string): CookieRevocations {
    if (this.#revocations) return this.#revocations;
    throw new TypeError(
      `Cannot ${action} sessions of a subject: the cookie store has no revocations`,
    );
  }

  /** Overwrites the cookie of a revocable session. */
  #writeOver(
    token: string,
    next: Omit<Succession, "previous">,
    call: Call,
  ): Awaitable<string | false> {
    return andThen(this.#values.open(token, call.c), (previous) =>
      previous !== undefined &&
      this.#write({ ...next, previous: this.#values.whole(previous) }, call));
  }

  #write(succession: Succession, call: Call): Awaitable<string | false> {
    const { previous } = succession;
    const record = succeed(succession);
    return andThen(this.#values.seal(record, call.c), (token) =>
      andThen(
        this.#revocations!.admit({ record, previous }, call),
        (isAdmitted) => isAdmitted && token,
      ));
  }
}
