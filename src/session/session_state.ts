import { makeSid } from "../crypto/token.ts";
import { type Contents, contentsOf, EMPTY_CONTENTS } from "../record/contents.ts";
import { deadline, isLiveFor, nextDeadline } from "../record/expiry.ts";
import { NOTHING_PENDING } from "../record/pending_changes.ts";
import type { SessionRecord, StoredSession } from "../record/record.ts";
import type { CookieDelivery, RenewingRequest } from "../record/renewal.ts";
import type { AttributesOwner } from "./attributes.ts";
import { endSessionObject } from "./ended_session.ts";
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
  /** Lets the handler start another session instead of one that is not available, if that is allowed. */
  beginLogin(): void;
  /** Called when the session is to get a new token. */
  regenerating(state: SessionState): void;
  /** Commits the session now. */
  save(state: SessionState): Promise<void>;
  /** Changes one key as a transaction. */
  update(state: SessionState, key: string, change: (value: unknown) => unknown): Promise<unknown>;
}

/** The state of one session in one request: its loaded, current and pending contents. */
export class SessionState extends SessionProperties implements SessionController, RenewingRequest {
  /** Whether the token must be sent with the response of this request. */
  sendsCookie = false;
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
  /** The end of the session, in epoch milliseconds. Only the empty state that an ended session shows has it. */
  #endedAt: number | undefined;

  /** @throws {SyntaxError} When the stored contents are not the JSON of objects. */
  constructor(
    owner: SessionOwner,
    options: ConstructorParameters<typeof SessionProperties>[1],
  ) {
    super(owner, options);
    SessionObject.handOver(this.session, this);
  }

  get sid(): string {
    return this.stored?.record.sid ?? (this.#sid ??= makeSid());
  }

  /** Whether it is new, without keys and pending changes. A symbol as key must reach the commit, which refuses it. */
  get isUntouched(): boolean {
    return this.stored === undefined && this.status === "live" &&
      this.base() === EMPTY_CONTENTS &&
      this.pending === NOTHING_PENDING && Reflect.ownKeys(this.session).length === 0;
  }

  isNew(): boolean {
    return this.stored === undefined;
  }

  expiresAt(): number {
    const { clock, expiry } = this.owner.config;
    const { pending, stored } = this;
    if (this.#endedAt !== undefined) return this.#endedAt;
    if (stored && !pending.renew) return deadline(expiry, stored.record);
    return nextDeadline(expiry, { maxAge: pending.maxAge, record: stored?.record, now: clock() });
  }

  endSignal(): AbortSignal {
    return this.owner.endSignal(this);
  }

  destroy(): void {
    // A session that is gone for this request may continue under another token.
    if (this.status === "ended") return;
    this.owner.assertAvailable();
    this.assertNotCommitted("destroy");
    this.status = "ended";
    const empty = new SessionState(this.owner, {});
    empty.#sid = this.sid;
    empty.#endedAt = this.owner.config.clock();
    empty.status = "ended";
    this.owner.ended(this, endSessionObject(this.session, empty));
  }

  regenerate(): void {
    this.owner.beginLogin();
    this.assertLive("regenerate");
    this.assertNotCommitted("regenerate");
    this.addPending({ regenerate: true });
    const { subject } = this.pending;
    if (subject && subject.name === this.stored?.record.subject) this.subject = subject.name;
    this.noteAssigned();
    this.owner.regenerating(this);
  }

  save(): Promise<void> {
    this.assertSavable("save");
    return this.owner.save(this);
  }

  discard(): void {
    this.pending = this.takeRegeneration();
    this.reset();
  }

  update(key: string, change: (value: unknown) => unknown): Promise<unknown> {
    this.assertSavable("update");
    assertNotReserved(key);
    return this.owner.update(this, key, change);
  }

  /** Becomes another session, which is empty and not stored. */
  startOver(): void {
    this.stored = undefined;
    this.#sid = undefined;
    this.rebase(EMPTY_CONTENTS);
    this.wasRotated = false;
    this.isGraceOver = false;
  }

  /** Records a renewal before the handler runs, so that the end of the request does not repeat it. */
  renewedEarly(): void {
    // A response that may lose its cookies is better than no cookie.
    if (this.status === "live" && this.cookieDelivery === "doubtful") this.sendsCookie = true;
  }

  /** Ends the session in this request because it was ended elsewhere. */
  interrupted(): void {
    this.status = "gone";
    this.sendsCookie = false;
  }

  /** Adopts the stored record of a new session. */
  created(stored: StoredSession, contents: Contents): void {
    this.sendsCookie = true;
    this.adopt(stored, contents);
    this.flashed?.keep(contents.flash, contents.flash);
  }

  /** Adopts a stored record, and its contents. */
  adopt(stored: StoredSession, contents: Contents = contentsOf(stored.record)): void {
    this.hasNewToken ||= this.stored !== undefined && this.stored.token !== stored.token;
    this.stored = stored;
    this.rebase(contents);
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
    this.sendsCookie = true;
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
