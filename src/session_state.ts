import type { Clock } from "./clock.ts";
import { type Contents, sameContents } from "./contents.ts";
import { SessionCommittedError, SessionEndedError } from "./errors.ts";
import { cookieMaxAge, deadline, type ExpiryPolicy, LONGEST_LIFE } from "./expiry.ts";
import { parseMembers, type SessionRecord } from "./record.ts";
import { assertNotReserved, type SessionController, SessionObject } from "./session.ts";
import { SessionView } from "./session_view.ts";
import { makeSid } from "./token.ts";

/** A session as a store holds it, and the token that opens it. */
export interface Stored {
  /** Unknown where an access token leads to the session. */
  readonly token: string | undefined;
  readonly key: string;
  readonly record: SessionRecord;
}

/** What a session needs of whoever keeps it. */
export interface SessionKeeper {
  readonly clock: Clock;
  readonly expiry: ExpiryPolicy;
  /** Whether the response has left, and every cookie with it. */
  readonly committed: boolean;
  /** Called when the handler ends the session. */
  ended(state: SessionState): void;
  /** Called when the session is to get a new token. */
  regenerating(state: SessionState): void;
  /** Commits the session now. */
  save(state: SessionState): Promise<void>;
  /** Changes one key as a transaction. */
  update(state: SessionState, key: string, change: (value: unknown) => unknown): Promise<unknown>;
}

/** What was asked of a session since its last commit, beside changes of its data. */
export interface Requested {
  regenerate?: true;
  renew?: true;
  /** Seconds. */
  maxAge?: number;
  browser?: boolean;
  /** `null` to clear it. */
  subject?: string | null;
  /** The JSON text of what is changed of the cookie, `null` for nothing. */
  cookie?: string | null;
}

/** The most characters of a subject, so that it fits into the keys of every backend. */
const LONGEST_SUBJECT = 256;

/** The inside of one session in one request: what it was, what it is, and what is asked of it. */
export class SessionState implements SessionController {
  readonly session: SessionObject;
  /** Where the session is stored as far as known; `undefined` when it never was. */
  stored: Stored | undefined;
  /** Whether the token must be sent. */
  deliver = false;
  /** `ended` by this request, or `gone`: ended by another while this one ran. */
  status: "live" | "ended" | "gone" = "live";
  requested: Requested = {};
  /** Whether its token was rotated by another request, or before this one. */
  hasMoved = false;

  readonly #keeper: SessionKeeper;
  readonly #createdAt: number;
  #sid: string | undefined;
  #baseText: string;
  #base: Contents | undefined;
  readonly #view: SessionView;

  /**
   * @param keeper Who keeps the session.
   * @param initial The JSON text of the data that a new session has and that are no change.
   * @param shown The JSON text of the data that it shows, where they are not what is stored.
   * @throws {SyntaxError} When what is stored is not the JSON of objects.
   */
  constructor(
    keeper: SessionKeeper,
    { initial = "{}", stored, shown }: {
      initial?: string | undefined;
      stored?: Stored | undefined;
      shown?: string | undefined;
    },
  ) {
    this.#keeper = keeper;
    this.#createdAt = stored?.record.createdAt ?? keeper.clock();
    this.#baseText = stored?.record.data ?? initial;
    this.stored = stored;
    this.session = new SessionObject(this);
    this.#view = new SessionView(this.session, {
      data: shown ?? this.#baseText,
      flash: stored?.record.flash,
    });
  }

  /** The own properties of the session. */
  get values(): Record<string, unknown> {
    return this.session as unknown as Record<string, unknown>;
  }

  get sid(): string {
    return this.#sid ??= this.stored?.record.sid ?? makeSid();
  }

  get subject(): string | undefined {
    const { subject = this.stored?.record.subject } = this.requested;
    return subject ?? undefined;
  }

  set subject(subject: string | undefined) {
    this.assertLive("change");
    const valid = subject === undefined ||
      typeof subject === "string" && subject.length > 0 && subject.length <= LONGEST_SUBJECT;
    if (!valid) {
      throw new TypeError(
        `Cannot set session.subject: a string of 1 to ${LONGEST_SUBJECT} characters is needed, or undefined`,
      );
    }
    this.requested.subject = subject ?? null;
  }

  /** The JSON text of what the session changed of its cookie. */
  get cookie(): string | undefined {
    const { cookie = this.stored?.record.cookie } = this.requested;
    return cookie ?? undefined;
  }

  set cookie(changes: string | undefined) {
    this.assertLive("change");
    this.assertNotCommitted("change");
    this.requested.cookie = changes ?? null;
  }

  /** The Max-Age of its cookie in seconds; `undefined` for one that ends with the browser. */
  get maxAge(): number | undefined {
    const { browser = this.stored?.record.browser } = this.requested;
    return browser ? undefined : cookieMaxAge(this.expiresAt(), this.#keeper.clock());
  }

  isNew(): boolean {
    return this.stored === undefined;
  }

  expiresAt(): number {
    const { clock, expiry } = this.#keeper;
    if (this.stored && !this.requested.renew) return deadline(expiry, this.stored.record);
    const seconds = this.requested.maxAge ?? this.stored?.record.maxAge ?? expiry.maxAge;
    return Math.min(
      clock() + seconds * 1000,
      this.#createdAt + (expiry.absoluteMaxAge ?? Infinity) * 1000,
    );
  }

  destroy(): void {
    // What is gone for this request may live on under a token that it does not know.
    if (this.status === "ended") return;
    this.assertNotCommitted("destroy");
    this.status = "ended";
    this.#keeper.ended(this);
  }

  regenerate(): void {
    this.assertLive("regenerate");
    this.assertNotCommitted("regenerate");
    this.requested.regenerate = true;
    this.#keeper.regenerating(this);
  }

  renew(maxAge: number | "browser" | undefined): void {
    this.assertLive("renew");
    this.assertNotCommitted("renew");
    if (maxAge === "browser") {
      this.requested.browser = true;
    } else if (maxAge !== undefined) {
      if (!(typeof maxAge === "number" && maxAge > 0 && maxAge <= LONGEST_LIFE)) {
        throw new RangeError(
          `Cannot renew session: maxAge is ${maxAge}, a number of seconds up to ${LONGEST_LIFE} is needed`,
        );
      }
      this.requested.maxAge = maxAge;
      this.requested.browser = false;
    }
    this.requested.renew = true;
  }

  flash(key: string, value: unknown): void {
    this.assertLive("flash");
    this.#view.flash(key, value);
  }

  reflash(): void {
    this.#view.reflash();
  }

  save(): Promise<void> {
    this.assertLive("save");
    return this.#keeper.save(this);
  }

  update(key: string, change: (value: unknown) => unknown): Promise<unknown> {
    this.assertLive("update");
    assertNotReserved(key);
    return this.#keeper.update(this, key, change);
  }

  /** Replaces all data and keeps the session. */
  replaceData(data: object): void {
    this.#view.replace(data);
  }

  toObject(): Record<string, unknown> {
    return this.#view.toObject();
  }

  hasChanged(): boolean {
    return !sameContents(this.contents(false), this.base());
  }

  /** What the store holds as far as known, or what a new session starts with. */
  base(): Contents {
    return this.#base ??= {
      data: parseMembers(this.#baseText),
      flash: parseMembers(this.stored?.record.flash ?? "{}"),
    };
  }

  /**
   * What the session holds now.
   *
   * @param consume Whether what the request before flashed has had its day.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  contents(consume: boolean): Contents {
    return this.#view.contents(this.base().flash, consume);
  }

  /** Makes a key that is flashed plain data with the value that it shows. */
  unflash(key: string): void {
    this.#view.unflash(key);
  }

  /** Gives the session the data that it holds from now on, but for what the handler changed meanwhile. */
  show(now: Contents, before: Contents): void {
    this.#view.update(now.data, before.data);
  }

  /** Takes over what the store holds from now on. */
  adopt(stored: Stored, contents: Contents): void {
    this.stored = stored;
    this.#baseText = stored.record.data;
    this.#base = contents;
  }

  /** Tells that the session has another token than the one that the client sent. */
  moved(): void {
    this.hasMoved = true;
    this.deliver = true;
  }

  /** @throws {SessionEndedError} When the session has ended. */
  assertLive(action: string): void {
    if (this.status === "live") return;
    throw new SessionEndedError(`Cannot ${action} session: it has ended`);
  }

  /** @throws {SessionCommittedError} When the response has left. */
  assertNotCommitted(action: string): void {
    if (!this.#keeper.committed) return;
    throw new SessionCommittedError(`Cannot ${action} session: the response has left`);
  }
}
