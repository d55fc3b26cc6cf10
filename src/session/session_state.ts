import { makeSid } from "../crypto/token.ts";
import {
  type Contents,
  contentsOf,
  EMPTY_CONTENTS,
  initialContents,
  sameContents,
} from "../record/contents.ts";
import { deadline, isLiveFor, nextDeadline } from "../record/expiry.ts";
import { JsonObject } from "../record/json_object.ts";
import { NOTHING_PENDING } from "../record/pending_changes.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import type { CookieDelivery, RenewingRequest } from "../record/renewal.ts";
import { type AttributesOwner, SessionAttributes } from "./attributes.ts";
import { endSession } from "./ended_session.ts";
import { SessionProperties } from "./properties.ts";
import { assertNotReserved } from "./reserved_names.ts";
import { type SessionController, SessionObject } from "./session_object.ts";

/** The part of a request that its session uses. */
export interface SessionOwner extends AttributesOwner {
  /** The time at which the request arrived, in epoch milliseconds. */
  readonly receivedAt: number;
  /** Whether the client receives the cookies of the response. */
  readonly cookieDelivery: CookieDelivery;
  /** Called when the handler ends the session, with the object that is read from then on. */
  ended(state: SessionState, atEnd: SessionObject): void;
  /** The signal of the end of the session. */
  endSignal(state: SessionState): AbortSignal;
  /** Called when the session is to get a new token. */
  regenerating(state: SessionState): void;
  /** Commits the session now. */
  save(state: SessionState): Promise<void>;
  /** Changes one key as a transaction. */
  update(state: SessionState, key: string, change: (value: unknown) => unknown): Promise<unknown>;
}

/** The state of one session in one request: its loaded, current and pending contents. */
export class SessionState extends SessionAttributes implements SessionController, RenewingRequest {
  readonly session: SessionObject;
  /** Its properties. */
  readonly properties: SessionProperties;
  /** Whether its token was rotated by another request or before this request. */
  wasRotated = false;
  /** Whether this request has given it a new token. */
  hasNewToken = false;
  /** The trace of the token that the client sent, if it was rotated before this request. */
  presentedTrace: StoredSession | undefined;
  /** Whether the token that the client sent is no longer accepted, so that the current token must not be sent to it. */
  isGraceOver = false;

  declare protected readonly owner: SessionOwner;
  #sid: string | undefined;
  #sendsCookie = false;
  #base: Contents;
  /** The data that it showed at first, if they differ from the stored data. */
  #shown: JsonObject | undefined;

  /**
   * @param owner The request that has the session.
   * @param initial The JSON text of the initial data, which don't count as a change.
   * @param shown The JSON text of the data that it shows, if they differ from the stored data.
   * @throws {SyntaxError} When the stored contents are not the JSON of objects.
   */
  constructor(
    owner: SessionOwner,
    { initial = "{}", stored, shown }: {
      initial?: string | undefined;
      stored?: StoredSession | undefined;
      shown?: string | undefined;
    },
  ) {
    super(owner, stored);
    this.#base = stored ? contentsOf(stored.record) : initialContents(initial);
    this.#shown = shown === undefined ? undefined : JsonObject.ofText(shown);
    this.session = new SessionObject(this);
    this.properties = new SessionProperties(this.session, this.shown());
  }

  get sid(): string {
    return this.stored?.record.sid ?? (this.#sid ??= makeSid());
  }

  /** Whether it is new, without data and pending changes. Symbol keys count as data: storing them must fail. */
  get isUntouched(): boolean {
    return this.stored === undefined && this.status === "live" &&
      this.#base === EMPTY_CONTENTS &&
      this.pending === NOTHING_PENDING && Object.keys(this.session).length === 0;
  }

  isNew(): boolean {
    return this.stored === undefined;
  }

  expiresAt(): number {
    const { clock, expiry } = this.owner.config;
    const { pending, stored } = this;
    if (stored && !pending.renew) return deadline(expiry, stored.record);
    return nextDeadline(expiry, { maxAge: pending.maxAge, record: stored?.record, now: clock() });
  }

  endSignal(): AbortSignal {
    return this.owner.endSignal(this);
  }

  destroy(): void {
    // A session that is gone for this request may continue under a token that it does not know.
    if (this.status === "ended") return;
    this.assertNotCommitted("destroy");
    this.ended("ended");
    this.owner.ended(this, endSession(this.session, this.owner.config.clock()));
  }

  regenerate(): void {
    this.assertLive("regenerate");
    this.assertNotCommitted("regenerate");
    this.ask({ regenerate: true });
    const { subject } = this.pending;
    if (subject && subject.name === this.stored?.record.subject) this.subject = subject.name;
    this.properties.noteAssigned();
    this.owner.regenerating(this);
  }

  flash(key: string, value: unknown): void {
    this.assertSavable("flash");
    this.properties.flash(key, value);
  }

  reflash(): void {
    this.assertSavable("reflash");
    this.properties.reflash();
  }

  save(): Promise<void> {
    this.assertSavable("save");
    return this.owner.save(this);
  }

  discard(): void {
    this.discardPending();
    this.properties.reset(this.shown());
  }

  update(key: string, change: (value: unknown) => unknown): Promise<unknown> {
    this.assertSavable("update");
    assertNotReserved(key);
    return this.owner.update(this, key, change);
  }

  /**
   * Replaces all data and keeps the session. In a session that was never stored, the data override the initial
   * data.
   */
  replaceData(data: object): void {
    this.assertSavable("change");
    this.properties.replace(this.stored ? data : { ...this.base().data.copy(), ...data });
  }

  toObject(): Record<string, unknown> {
    return this.properties.toObject();
  }

  hasChanged(): boolean {
    return !sameContents(this.contents(false), this.base());
  }

  /** Returns the last known stored contents, or the initial contents. */
  base(): Contents {
    return this.#base;
  }

  /** Returns the contents that it showed before the handler changed it. */
  shown(): Contents {
    return this.#shown ? { ...this.#base, data: this.#shown } : this.#base;
  }

  /**
   * Returns the current contents.
   *
   * @param consume Whether the flashed values of the previous request are dropped.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  contents(consume: boolean): Contents {
    return this.properties.contents(this.base(), consume);
  }

  /** Shows new contents, except where the handler has changed a key in the meantime. */
  show(now: Contents, before: Contents): void {
    if (this.status !== "ended") this.properties.update(now.data, before.data);
  }

  /** Records the stored flashed values. */
  keepFlash(mine: Contents, stored: Contents): void {
    this.properties.keepFlash(mine.flash, stored.flash);
  }

  /** Shows the committed value of one key, regardless of changes by the handler. */
  showKey(key: string, text: string | undefined): void {
    if (this.status !== "ended") this.properties.showKey(key, text);
  }

  /** Becomes another session, which is empty and not stored. */
  startOver(): void {
    this.stored = undefined;
    this.#sid = undefined;
    this.#base = EMPTY_CONTENTS;
    this.#shown = undefined;
    this.wasRotated = false;
    this.isGraceOver = false;
  }

  /** Whether the token must be sent. */
  get sendsCookie(): boolean {
    return this.#sendsCookie;
  }

  /** Sends the token with the response. */
  sendCookie(): void {
    this.#sendsCookie = true;
  }

  /** Leaves the cookie to an inner request, whose response sends it. */
  leaveCookieToInner(): void {
    this.#sendsCookie = false;
  }

  /** Records a renewal before the handler runs, so that the end of the request does not repeat it. */
  renewedEarly(): void {
    // A response that may lose its cookies is better than no cookie.
    if (this.status === "live" && this.cookieDelivery === "doubtful") this.#sendsCookie = true;
  }

  /** Ends the session in this request because it was ended elsewhere. */
  interrupted(): void {
    this.ended("gone");
    this.#sendsCookie = false;
  }

  /** Adopts the stored record of a new session. */
  created(stored: StoredSession, contents: Contents): void {
    this.#sendsCookie = true;
    this.adopt(stored, contents);
    this.keepFlash(contents, contents);
  }

  /** Adopts a stored record, and its contents. */
  adopt(stored: StoredSession, contents: Contents = contentsOf(stored.record)): void {
    this.hasNewToken ||= this.stored !== undefined && this.stored.token !== stored.token;
    this.stored = stored;
    this.#base = contents;
    this.#shown = undefined;
  }

  /** Records that the session has another token than the one that the client sent. */
  rotated(
    { presentedTrace, isGraceOver = false }: {
      presentedTrace?: StoredSession | undefined;
      isGraceOver?: boolean;
    } = {},
  ): void {
    this.wasRotated = true;
    this.presentedTrace = presentedTrace;
    this.isGraceOver = isGraceOver;
    this.#sendsCookie = true;
  }

  /** Checks whether a record is still that of a live session for this request. */
  isLiveFor(record: SessionRecord, now: number): boolean {
    return isLiveFor(this.owner.config.expiry, record, { now, receivedAt: this.receivedAt });
  }

  /** The time at which its request arrived, in epoch milliseconds. */
  get receivedAt(): number {
    return this.owner.receivedAt;
  }

  /** Whether the response has been sent. */
  get isCommitted(): boolean {
    return this.owner.committed;
  }

  get cookieDelivery(): CookieDelivery {
    return this.isCommitted ? "none" : this.owner.cookieDelivery;
  }
}
