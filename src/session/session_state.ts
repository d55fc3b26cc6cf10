import { makeSid } from "../crypto/token.ts";
import { beginWith, type Contents, contentsOf, EMPTY, sameContents } from "../record/contents.ts";
import { deadline, isLiveFor, nextDeadline, type Reach, type Renewing } from "../record/expiry.ts";
import { JsonObject } from "../record/json_object.ts";
import { NOTHING } from "../record/pending_changes.ts";
import type { SessionRecord, Stored } from "../record/record.ts";
import { type AttributesKeeper, SessionAttributes } from "./attributes.ts";
import { endSession } from "./ended_session.ts";
import { SessionProperties } from "./properties.ts";
import { assertNotReserved, type SessionController, SessionObject } from "./session_object.ts";

/** What a session needs of whoever keeps it. */
export interface SessionKeeper extends AttributesKeeper {
  /** When the request came that waits for its answer, in epoch milliseconds. */
  readonly cameAt: number;
  /** Whether the client gets the cookies of the answer. */
  readonly reach: Reach;
  /** Called when the handler ends the session, with what reads in its place. */
  ended(state: SessionState, atEnd: SessionObject): void;
  /** Called when the session is to get a new token. */
  regenerating(state: SessionState): void;
  /** Commits the session now. */
  save(state: SessionState): Promise<void>;
  /** Changes one key as a transaction. */
  update(state: SessionState, key: string, change: (value: unknown) => unknown): Promise<unknown>;
}

/** The inside of one session in one request: what it was, what it is, and what is asked of it. */
export class SessionState extends SessionAttributes implements SessionController, Renewing {
  readonly session: SessionObject;
  /** What it shows. */
  readonly view: SessionProperties;
  /** Whether its token was rotated by another request, or before this one. */
  hasMoved = false;
  /** Whether this request has given it another token. */
  hasNewToken = false;
  /** The trace of the token that the client sent, where that was rotated before this request. */
  via: Stored | undefined;
  /** Whether the token that the client sent is not accepted any more, so that it must not be sent the present one. */
  isLate = false;

  declare protected readonly keeper: SessionKeeper;
  #sid: string | undefined;
  #deliver = false;
  #base: Contents;
  /** The data that it showed at first, where they are not what is stored. */
  #shown: JsonObject | undefined;

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
    super(keeper, stored);
    this.#base = stored ? contentsOf(stored.record) : beginWith(initial);
    this.#shown = shown === undefined ? undefined : JsonObject.ofText(shown);
    this.session = new SessionObject(this);
    this.view = new SessionProperties(this.session, this.shown());
  }

  get sid(): string {
    return this.stored?.record.sid ?? (this.#sid ??= makeSid());
  }

  /** Whether it is new, without data, and nothing is asked of it. A symbol alone is nothing that could be stored. */
  get isUntouched(): boolean {
    return this.stored === undefined && this.status === "live" &&
      this.#base === EMPTY &&
      this.requested === NOTHING && Object.keys(this.session).length === 0;
  }

  isNew(): boolean {
    return this.stored === undefined;
  }

  expiresAt(): number {
    const { clock, expiry } = this.keeper.config;
    const { requested, stored } = this;
    if (stored && !requested.renew) return deadline(expiry, stored.record);
    return nextDeadline(expiry, { maxAge: requested.maxAge, record: stored?.record, now: clock() });
  }

  destroy(): void {
    // What is gone for this request may live on under a token that it does not know.
    if (this.status === "ended") return;
    this.assertNotCommitted("destroy");
    this.ended("ended");
    this.keeper.ended(this, endSession(this.session, this.keeper.config.clock()));
  }

  regenerate(): void {
    this.assertLive("regenerate");
    this.assertNotCommitted("regenerate");
    this.ask({ regenerate: true });
    const { subject } = this.requested;
    if (subject && subject.name === this.stored?.record.subject) this.subject = subject.name;
    this.view.noteAssigned();
    this.keeper.regenerating(this);
  }

  flash(key: string, value: unknown): void {
    this.assertSavable("flash");
    this.view.flash(key, value);
  }

  reflash(): void {
    this.assertSavable("reflash");
    this.view.reflash();
  }

  save(): Promise<void> {
    this.assertSavable("save");
    return this.keeper.save(this);
  }

  discard(): void {
    this.discardRequested();
    this.view.reset(this.shown());
  }

  update(key: string, change: (value: unknown) => unknown): Promise<unknown> {
    this.assertSavable("update");
    assertNotReserved(key);
    return this.keeper.update(this, key, change);
  }

  /** Replaces all data and keeps the session. One that was never stored has what it starts with under them. */
  replaceData(data: object): void {
    this.assertSavable("change");
    this.view.replace(this.stored ? data : { ...this.base().data.copy(), ...data });
  }

  toObject(): Record<string, unknown> {
    return this.view.toObject();
  }

  hasChanged(): boolean {
    return !sameContents(this.contents(false), this.base());
  }

  /** What the store holds as far as known, or what a new session starts with. */
  base(): Contents {
    return this.#base;
  }

  /** What it showed before the handler changed it. */
  shown(): Contents {
    return this.#shown ? { ...this.#base, data: this.#shown } : this.#base;
  }

  /**
   * What the session holds now.
   *
   * @param consume Whether what the request before flashed has had its day.
   * @throws {SessionSerializationError} When a value would not survive JSON.
   */
  contents(consume: boolean): Contents {
    return this.view.contents(this.base(), consume);
  }

  /** Gives the session the data that it holds from now on, but for what the handler changed meanwhile. */
  show(now: Contents, before: Contents): void {
    if (this.status !== "ended") this.view.update(now.data, before.data);
  }

  /** Takes note of what of its own was stored. */
  keepFlash(mine: Contents, stored: Contents): void {
    this.view.keepFlash(mine.flash, stored.flash);
  }

  /** Shows what was committed of one key, whatever the handler has made of it. */
  showKey(key: string, text: string | undefined): void {
    if (this.status !== "ended") this.view.showKey(key, text);
  }

  /** Becomes another session, which nothing is stored of and which holds nothing. */
  startOver(): void {
    this.stored = undefined;
    this.#sid = undefined;
    this.#base = EMPTY;
    this.#shown = undefined;
    this.hasMoved = false;
    this.isLate = false;
  }

  /** Whether the token must be sent. */
  get deliver(): boolean {
    return this.#deliver;
  }

  /** Sends the token with the response. */
  sendCookie(): void {
    this.#deliver = true;
  }

  /** Leaves the cookie to a request within this one, whose response sends it. */
  leaveCookieToInner(): void {
    this.#deliver = false;
  }

  /** Notes a renewal before the handler runs, which the end of the request finds to be done. */
  renewedEarly(): void {
    // A response that may lose its cookies is better than none.
    if (this.status === "live" && this.reach === "doubtful") this.#deliver = true;
  }

  /** Ends in this request, because it was ended elsewhere. */
  interrupted(): void {
    this.ended("gone");
    this.#deliver = false;
  }

  /** Takes over what was stored of a new session. */
  created(stored: Stored, contents: Contents): void {
    this.#deliver = true;
    this.adopt(stored);
    this.keepFlash(contents, contents);
  }

  /** Takes over what the store holds from now on. */
  adopt(stored: Stored): void {
    this.hasNewToken ||= this.stored !== undefined && this.stored.token !== stored.token;
    this.stored = stored;
    this.#base = contentsOf(stored.record);
    this.#shown = undefined;
  }

  /** Takes note that the session has another token than the one that the client sent. */
  moved({ via, isLate = false }: { via?: Stored; isLate?: boolean } = {}): void {
    this.hasMoved = true;
    this.via = via;
    this.isLate = isLate;
    this.#deliver = true;
  }

  /** Whether a record is still that of a live session for this request. */
  isLiveFor(record: SessionRecord, now: number): boolean {
    return isLiveFor(this.keeper.config.expiry, record, { now, cameAt: this.cameAt });
  }

  /** When its request came, in epoch milliseconds. */
  get cameAt(): number {
    return this.keeper.cameAt;
  }

  /** Whether the response has left. */
  get isCommitted(): boolean {
    return this.keeper.committed;
  }

  get reach(): Reach {
    return this.isCommitted ? "none" : this.keeper.reach;
  }
}
