import type { Clock } from "./clock.ts";
import { type Contents, sameContents } from "./contents.ts";
import { SessionCommittedError, SessionEndedError } from "./errors.ts";
import { deadline, type ExpiryPolicy } from "./expiry.ts";
import {
  type Members,
  parseMembers,
  parseObject,
  pathOf,
  serializeValue,
  type SessionRecord,
} from "./record.ts";
import {
  assertNotReserved,
  isReserved,
  type SessionController,
  SessionObject,
  setProperty,
} from "./session.ts";
import { makeSid } from "./token.ts";

/** A session as a store holds it, and the token that opens it. */
export interface Stored {
  readonly token: string;
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
}

/** The most characters of a subject, so that it fits into the keys of every backend. */
const LONGEST_SUBJECT = 256;

const NOTHING: Members = new Map();

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

  readonly #keeper: SessionKeeper;
  readonly #createdAt: number;
  #sid: string | undefined;
  #baseText: string;
  #base: Contents | undefined;
  /** What the request before flashed. */
  #aging: Members = NOTHING;
  /** The keys that this request flashed. */
  readonly #flashed = new Set<string>();
  #reflash = false;

  /**
   * @param keeper Who keeps the session.
   * @param initial The JSON text of the data that a new session has and that are no change.
   * @throws {SyntaxError} When what is stored is not the JSON of objects.
   */
  constructor(keeper: SessionKeeper, initial: string, stored?: Stored) {
    this.#keeper = keeper;
    this.#createdAt = stored?.record.createdAt ?? keeper.clock();
    this.#baseText = stored?.record.data ?? initial;
    this.stored = stored;
    this.session = new SessionObject(this);
    this.#define(this.#baseText);
    if (stored?.record.flash !== undefined) {
      this.#define(stored.record.flash);
      this.#aging = parseMembers(stored.record.flash);
    }
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
    if (this.status !== "live") return;
    this.assertNotCommitted("destroy");
    this.status = "ended";
    this.#keeper.ended(this);
  }

  regenerate(): void {
    this.assertLive("regenerate");
    this.assertNotCommitted("regenerate");
    this.requested.regenerate = true;
  }

  renew(maxAge: number | "browser" | undefined): void {
    this.assertLive("renew");
    this.assertNotCommitted("renew");
    if (maxAge === "browser") {
      this.requested.browser = true;
    } else if (maxAge !== undefined) {
      if (!(Number.isFinite(maxAge) && maxAge > 0)) {
        throw new RangeError(
          `Cannot renew session: maxAge is ${maxAge}, a positive number of seconds is needed`,
        );
      }
      this.requested.maxAge = maxAge;
      this.requested.browser = false;
    }
    this.requested.renew = true;
  }

  flash(key: string, value: unknown): void {
    this.assertLive("flash");
    assertNotReserved(key);
    setProperty(this.session, key, value);
    this.#flashed.add(key);
  }

  reflash(): void {
    this.#reflash = true;
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
    const entries = Object.entries(data);
    for (const [key] of entries) assertNotReserved(key);
    for (const key of Object.keys(this.session)) Reflect.deleteProperty(this.session, key);
    for (const [key, value] of entries) setProperty(this.session, key, value);
  }

  toObject(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(this.session)) setProperty(object, key, value);
    return object;
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
    const data: Members = new Map();
    const flash: Members = new Map();
    for (const [key, value] of this.#properties()) {
      const text = serializeValue(value, pathOf("session", key));
      if (this.#flashed.has(key)) flash.set(key, text);
      else if (this.#aging.get(key) !== text) data.set(key, text);
      else if (!consume || this.#reflash) flash.set(key, text);
    }
    return { data, flash };
  }

  /** Gives the session what it holds from now on. */
  show(now: Contents, before: Contents): void {
    for (const key of before.data.keys()) {
      if (!now.data.has(key) && !now.flash.has(key)) Reflect.deleteProperty(this.session, key);
    }
    for (const [key, text] of now.data) {
      if (before.data.get(key) !== text) setProperty(this.session, key, JSON.parse(text));
    }
  }

  /** Takes over what the store holds from now on. */
  adopt(stored: Stored, contents: Contents): void {
    this.stored = stored;
    this.#baseText = stored.record.data;
    this.#base = contents;
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

  *#properties(): Iterable<[string, unknown]> {
    const session = this.session as unknown as Record<string, unknown>;
    for (const key of Reflect.ownKeys(session)) {
      if (typeof key === "symbol") {
        serializeValue({ [key]: true }, "session");
      } else {
        assertNotReserved(key);
        if (session[key] !== undefined) yield [key, session[key]];
      }
    }
  }

  #define(text: string): void {
    for (const [key, value] of Object.entries(parseObject(text))) {
      if (!isReserved(key)) setProperty(this.session, key, value);
    }
  }
}
