import {
  type Confirmations,
  confirmedWith,
  joinConfirmations,
  makeConfirmation,
  parseConfirmations,
} from "../record/confirmations.ts";
import { deviceOf, type SessionDevice } from "../record/device.ts";
import { isPersistent } from "../record/expiry.ts";
import { serializeMeta } from "../record/meta.ts";
import {
  NOTHING_PENDING,
  type PendingChanges,
  type PendingLogin,
  type PendingProvider,
  pendingRenewal,
  providerOf,
} from "../record/pending_changes.ts";
import { parseProvider, serializeProvider, type SessionProvider } from "../record/provider.ts";
import { parseObjectIfAny, type StoredSession } from "../record/record.ts";
import { assertSubject } from "../record/subject.ts";
import { type Awaitable, CachedPromise } from "../util/awaitable.ts";
import { assertNotCommitted } from "./committed_session.ts";
import type { SessionConfig } from "./config.ts";
import { refuseEnded } from "./ended_session.ts";

/** The part of a request that the attributes of its session use. */
export interface AttributesOwner {
  readonly config: SessionConfig;
  /** Whether the response has been sent with all of its cookies. */
  readonly committed: boolean;
  /** @throws {SessionError} When the session of the client is not available, so that it can't be changed. */
  assertAvailable(): void;
  /** Returns the current generation of a subject's sessions. */
  generationOf(subject: string): Awaitable<number>;
  /** Returns the ends at an identity provider that concern a login of a subject. */
  providerEndsOf(provider: string, subject: string): Awaitable<readonly number[]>;
}

/** `ended` by this request, or `gone`: ended by another request while this one ran. */
type Status = "live" | "ended" | "gone";

/** The attributes of a session besides its data: subject, confirmations, provider, meta, cookie and lifetime. */
export class SessionAttributes {
  /** The last known stored session; `undefined` if it was never stored. */
  stored: StoredSession | undefined;

  status: Status = "live";
  /** The changes since the last commit, except those of the data. */
  pending: PendingChanges = NOTHING_PENDING;
  /** The login that the session limit has refused with an error in the handler. */
  refused: PendingChanges["subject"];

  protected readonly owner: AttributesOwner;

  constructor(owner: AttributesOwner, stored: StoredSession | undefined) {
    this.owner = owner;
    this.stored = stored;
  }

  get subject(): string | undefined {
    const { subject } = this.pending;
    return subject === undefined ? this.stored?.record.subject : subject?.name;
  }

  set subject(subject: string | undefined) {
    this.assertSavable("change");
    if (subject !== undefined) {
      assertSubject(subject, { action: "set session.subject", otherwise: ", or undefined" });
      if (this.pending.confirmed && subject !== this.subject) {
        throw new TypeError(
          "Cannot set session.subject: confirm() was called for another subject, or for none; set session.subject first",
        );
      }
    }
    this.addPending({ subject: subject === undefined ? null : this.#beginLogin(subject) });
    const { provider } = this.pending;
    if (provider) this.addPending({ provider: this.#beginAtProvider(provider.text) });
  }

  /** Starts a login now, not with its commit: all sessions of the subject may be revoked in between. */
  #beginLogin(name: string): PendingLogin {
    // With a new token it may become another session, to which no `except` of a revocation applies.
    const record = this.pending.regenerate ? undefined : this.stored?.record;
    const generation = new CachedPromise(() =>
      record?.subject === name ? record.generation ?? 0 : this.owner.generationOf(name)
    );
    return { name, at: this.owner.config.instant(), generation };
  }

  /** Returns the confirmations, with those that are not committed yet. */
  confirmations(): Confirmations {
    const { stored, pending: { confirmed: pending }, subject } = this;
    return parseConfirmations(confirmedWith(stored?.record ?? {}, { pending, subject }));
  }

  confirm(method: string, options: { readonly at: number } | undefined): void {
    this.assertSavable("confirm");
    const { subject, pending: { confirmed } } = this;
    const known = this.confirmations();
    const now = this.owner.config.clock();
    const times = makeConfirmation(method, { options, known, now });
    this.addPending({ confirmed: joinConfirmations(confirmed, { subject, times }) });
  }

  get provider(): SessionProvider | undefined {
    return Object.freeze(parseProvider(providerOf(this.pending, this.stored?.record)));
  }

  set provider(provider: SessionProvider | undefined) {
    this.assertSavable("change");
    this.addPending({
      provider: provider === undefined ? null : this.#beginAtProvider(serializeProvider(provider)),
    });
  }

  #beginAtProvider(text: string): PendingProvider {
    const { subject } = this;
    return {
      text,
      ends: subject === undefined
        ? undefined
        : new CachedPromise(() => this.owner.providerEndsOf(text, subject)),
    };
  }

  get meta(): Readonly<Record<string, unknown>> | undefined {
    const { meta = this.stored?.record.meta } = this.pending;
    return Object.freeze(parseObjectIfAny(meta ?? undefined));
  }

  set meta(meta: object | undefined) {
    this.assertSavable("change");
    this.addPending({ meta: meta === undefined ? null : serializeMeta(meta) });
  }

  get device(): SessionDevice | undefined {
    // The new token is not bound.
    return this.pending.regenerate ? undefined : deviceOf(this.stored?.record.device);
  }

  /** The changed attributes of the cookie, as JSON text. */
  get cookie(): string | undefined {
    const { cookie = this.stored?.record.cookie } = this.pending;
    return cookie ?? undefined;
  }

  set cookie(changes: string | undefined) {
    this.assertLive("change");
    this.assertNotCommitted("change");
    this.addPending({ cookie: changes ?? null });
  }

  /** The lifetime in seconds; `undefined` when browsers drop the cookie as they close. */
  get maxAge(): number | undefined {
    const { expiry } = this.owner.config;
    const lasting = { ...this.stored?.record, ...this.pending };
    return isPersistent(expiry, lasting) ? lasting.maxAge ?? expiry.maxAge : undefined;
  }

  renew(maxAge: number | "browser" | undefined): void {
    this.assertLive("renew");
    this.assertNotCommitted("renew");
    this.addPending(pendingRenewal(maxAge));
  }

  /** Checks whether the login was refused with an error in the handler. */
  isRefused(): boolean {
    return this.refused !== undefined && this.refused === this.pending.subject;
  }

  /** Adds changes for the next commit. */
  protected addPending(pending: PendingChanges): void {
    this.pending = { ...this.pending, ...pending };
  }

  /** Passes the pending changes to a commit. */
  takePending(): PendingChanges {
    const pending = this.pending;
    this.pending = NOTHING_PENDING;
    return pending;
  }

  /** Passes only the change of the token to a commit. The others stay pending. */
  takeRegeneration(): PendingChanges {
    const { regenerate, ...rest } = this.pending;
    if (!regenerate) return NOTHING_PENDING;
    this.pending = rest;
    return { regenerate };
  }

  /** Restores the changes of a failed commit. Later changes take precedence. */
  restorePending(pending: PendingChanges): void {
    const later = this.pending;
    const { confirmed } = later;
    this.pending = later === NOTHING_PENDING ? pending : {
      ...pending,
      ...later,
      ...(confirmed && { confirmed: joinConfirmations(pending.confirmed, confirmed) }),
    };
  }

  /** @throws {SessionError} When the session has ended, or is not available. */
  assertLive(action: string): void {
    if (this.status !== "live") refuseEnded(action);
    this.owner.assertAvailable();
  }

  /** @throws {SessionEndedError | SessionCommittedError} When the session can't be stored any more. */
  protected assertSavable(action: string): void {
    this.assertLive(action);
    // Sessions in cookies can't be saved after the response has been sent.
    if (!this.stored || !this.owner.config.expiry.onServer) this.assertNotCommitted(action);
  }

  /** @throws {SessionCommittedError} When the response has been sent. */
  assertNotCommitted(action: string): void {
    assertNotCommitted(this.owner, action);
  }
}
