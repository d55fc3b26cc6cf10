import type { SessionRecord, SessionTimes } from "../../src/record/record.ts";
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
import { succeed, type Succession, toReplaced } from "./revocation/epoch.ts";
import type { CookieRevocations } from "./revocation/cookie_revocations.ts";
import type { Revocations } from "./revocation/revocations.ts";
import type { Call } from "./revocation/server.ts";
import { CookieValues } from "./values.ts";

/** The shape of the keys of listed sessions. No sealed value is that short. */
const KEY_REGEXP = /^[\w-]{43}$/;

/**
 * Options that all cookie stores have.
 *
 * @example Sessions that can be ended although the client holds them
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
   * Over how many cookies a large session may be split, 4 at most. Every request carries all of them, for which proxies need
   * room: see `stores/README.md` for nginx.
   *
   * @default {1}
   */
  chunks?: number;
  /**
   * How many opened cookies are remembered, so that the same cookie costs nothing the next time. Each takes
   * the length of its value and its data in memory, about 8 KB at most without chunks, and its data once more, as the
   * objects that they are, when it comes again. 0 turns it off.
   *
   * @default {1000}
   */
  memo?: number;
  /**
   * Makes sessions revocable. Without it a copy of a cookie outlives logout (ASVS 5.0, 7.4.1).
   */
  revocations?: Revocations;
  /**
   * Tells the time, for tests.
   *
   * @default {Date.now}
   */
  clock?: Clock;
}

/**
 * Keeps sessions in cookies of some format. The stores for the formats of this package extend it. What can be computed at
 * once is a value and no promise, and what fails at once throws: `await` both.
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
  /** Not atomic: the client holds the record, and the last answer that it gets wins. */
  readonly capabilities: StoreCapabilities;
  readonly #format: CookieFormat;
  readonly #options: CookieStoreOptions;
  readonly #cookieName: string;
  readonly #values: CookieValues;
  readonly #clock: Clock;
  readonly #revocations: CookieRevocations | undefined;

  /**
   * Checks the options; nothing is derived yet.
   *
   * @param format How a session becomes the value of a cookie.
   * @param options What all cookie stores can do.
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
   * This store for a cookie of some name, to which its values are bound.
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
   * Opens a cookie.
   *
   * @param token The value of the cookie.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The record, or `undefined` when the value is damaged, forged, foreign, revoked or expired. Of a cookie that
   * was left behind, while its session goes on, a trace: `replaced`.
   */
  read(token: string, c?: unknown, signal?: AbortSignal): Awaitable<SessionRecord | undefined> {
    const record = this.#values.open(token, c);
    return andThen(record, CookieStore.#check, { store: this, call: { c, signal } });
  }

  static #check(
    record: SessionRecord | undefined,
    { store, call }: { store: CookieStore; call: Call },
  ): Awaitable<SessionRecord | undefined> {
    if (!record || store.#clock() >= record.expiresAt) return undefined;
    const revocations = store.#revocations;
    if (!revocations) return record;
    return andThen(
      revocations.fateOf(store.#values.whole(record), call),
      (fate) => fate === "live" ? record : fate === "replaced" ? toReplaced(record) : undefined,
    );
  }

  /**
   * Whether a record lies under an older key.
   *
   * @param record The record that was read.
   * @returns Whether it is to be written again.
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
   * @param signal Calls the operation off.
   * @returns The value of the cookie.
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
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
   * @param token The value of the cookie until now.
   * @param record The record.
   * @param _previous Not used: the token says it.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The value of the cookie, or `false` when the session was ended meanwhile.
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
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
   * Seals a session anew. With `revocations` its cookies until now are invalid from now on, and with them whatever was
   * written with a copy of one.
   *
   * @param token The value of the cookie until now.
   * @param next The record.
   * @param _previous Not used: the token says it.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The value of the cookie, or `false` when the session was ended or replaced meanwhile.
   * @throws {SessionTooLargeError} When a browser would not keep the cookie.
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
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
   * Moves the times of a session.
   *
   * @param token The value of the cookie.
   * @param times The new times.
   * @param _previous Not used: the token says it.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The new value of the cookie, or `false` when the old one opens nothing.
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
   * Ends a session, where there are `revocations`; a cookie alone can be cleared, but not taken back.
   *
   * @param key The value of the cookie, or the key of a session that was listed.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   */
  async delete(key: string, c?: unknown, signal?: AbortSignal): Promise<void> {
    if (!this.#revocations) return;
    const record = await this.#values.open(key, c);
    if (record) await this.#revocations.end(record, { c, signal });
    else if (KEY_REGEXP.test(key)) await this.#revocations.endListed(key, { c, signal });
  }

  /**
   * The live sessions of a subject in cookies of this name, where `revocations` has an index. One of them is shown for
   * as long as any of its cookies lives. It costs a read for each, and one for the subject.
   *
   * @param subject The subject.
   * @param page Which part of them.
   * @param c The Hono context.
   * @param signal Calls the operation off.
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
   * The present generation of a subject's sessions.
   *
   * @param subject The subject.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns The generation, 0 where there are no `revocations`.
   */
  generation(subject: string, c?: unknown, signal?: AbortSignal): Awaitable<number> {
    return this.#revocations?.generation(subject, { c, signal }) ?? 0;
  }

  /**
   * Ends all sessions of a subject, those in cookies of other names included (ASVS 5.0, 7.4.3). It takes `revocations`,
   * but no index: without one it is not known how many there were.
   *
   * @param subject The subject.
   * @param options Which one stays.
   * @param c The Hono context.
   * @param signal Calls the operation off.
   * @returns How many were listed, 0 without an index.
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

  /** Writes over the cookie of a session that can be ended. */
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
