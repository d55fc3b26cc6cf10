import { isPersistent } from "../record/expiry.ts";
import {
  beginLogin,
  type LoginKeeper,
  NOTHING,
  renewalBy,
  type Requested,
} from "../record/pending_changes.ts";
import type { Stored } from "../record/record.ts";
import { assertSubject, parseMeta, serializeMeta } from "../record/subject.ts";
import { refuseCommitted } from "./committed_session.ts";
import type { KeeperConfig } from "./config.ts";
import { refuseEnded } from "./ended_session.ts";

/** What the attributes of a session need of whoever keeps it. */
export interface AttributesKeeper extends LoginKeeper {
  readonly config: KeeperConfig;
  /** Whether the response has left, and every cookie with it. */
  readonly committed: boolean;
}

/** `ended` by this request, or `gone`: ended by another while this one ran. */
type Status = "live" | "ended" | "gone";

/** What a session is beside its data: whose it is, what lists show of it, its cookie and its lifetime. */
export class SessionAttributes {
  /** Where the session is stored as far as known; `undefined` when it never was. */
  stored: Stored | undefined;

  protected readonly keeper: AttributesKeeper;
  #status: Status = "live";
  #requested: Requested = NOTHING;
  /** The login that was refused, as the handler knows. */
  #refused: Requested["subject"];

  constructor(keeper: AttributesKeeper, stored: Stored | undefined) {
    this.keeper = keeper;
    this.stored = stored;
  }

  get status(): Status {
    return this.#status;
  }

  /** What was asked of it since its last commit, beside changes of its data. */
  get requested(): Requested {
    return this.#requested;
  }

  get subject(): string | undefined {
    const { subject } = this.requested;
    return subject === undefined ? this.stored?.record.subject : subject?.name;
  }

  set subject(subject: string | undefined) {
    this.assertSavable("change");
    if (subject !== undefined) {
      assertSubject(subject, { action: "set session.subject", otherwise: ", or undefined" });
    }
    // Under a new token it may have to be a session of its own, which nobody has excepted from any end.
    const record = this.requested.regenerate ? undefined : this.stored?.record;
    const login = subject === undefined ? null : beginLogin(this.keeper, { subject, record });
    this.ask({ subject: login });
  }

  get meta(): Readonly<Record<string, unknown>> | undefined {
    const { meta = this.stored?.record.meta } = this.requested;
    return Object.freeze(parseMeta(meta ?? undefined));
  }

  set meta(meta: object | undefined) {
    this.assertSavable("change");
    this.ask({ meta: meta === undefined ? null : serializeMeta(meta) });
  }

  /** The JSON text of what the session changed of its cookie. */
  get cookie(): string | undefined {
    const { cookie = this.stored?.record.cookie } = this.requested;
    return cookie ?? undefined;
  }

  set cookie(changes: string | undefined) {
    this.assertLive("change");
    this.assertNotCommitted("change");
    this.ask({ cookie: changes ?? null });
  }

  /** Its lifetime in seconds; `undefined` when its cookie ends with the browser. */
  get maxAge(): number | undefined {
    const { expiry } = this.keeper.config;
    const lasting = { ...this.stored?.record, ...this.requested };
    return isPersistent(expiry, lasting) ? lasting.maxAge ?? expiry.maxAge : undefined;
  }

  renew(maxAge: number | "browser" | undefined): void {
    this.assertLive("renew");
    this.assertNotCommitted("renew");
    this.ask(renewalBy(maxAge));
  }

  /** Notes that there is no room for a login. */
  refuseLogin(login: Requested["subject"]): void {
    this.#refused = login;
  }

  /** Whether the login was refused, and the handler knows. */
  isRefused(): boolean {
    return this.#refused !== undefined && this.#refused === this.requested.subject;
  }

  /** Asks for something that the next commit does. */
  protected ask(requested: Requested): void {
    this.#requested = { ...this.#requested, ...requested };
  }

  /** What a commit is to do from now on. */
  takeRequested(): Requested {
    const requested = this.#requested;
    this.#requested = NOTHING;
    return requested;
  }

  /** The same, but only a new token. All else is left for the next commit. */
  takeRegeneration(): Requested {
    const { regenerate, ...rest } = this.#requested;
    if (!regenerate) return NOTHING;
    this.#requested = rest;
    return { regenerate };
  }

  /** Asks again for what a commit has not done. What was asked since goes before it. */
  restoreRequested(requested: Requested): void {
    this.#requested = this.#requested === NOTHING
      ? requested
      : { ...requested, ...this.#requested };
  }

  /** Asks for no more than a new token, if for that. */
  protected discardRequested(): void {
    const { regenerate } = this.#requested;
    this.#requested = regenerate ? { regenerate } : NOTHING;
  }

  protected ended(status: "ended" | "gone"): void {
    this.#status = status;
  }

  /** @throws {SessionEndedError} When the session has ended. */
  assertLive(action: string): void {
    if (this.status !== "live") refuseEnded(action);
  }

  /** @throws {SessionEndedError | SessionCommittedError} When nothing of it can be stored any more. */
  protected assertSavable(action: string): void {
    this.assertLive(action);
    if (!this.stored || !this.keeper.config.canSaveLate) this.assertNotCommitted(action);
  }

  /** @throws {SessionCommittedError} When the response has left. */
  assertNotCommitted(action: string): void {
    if (this.keeper.committed) refuseCommitted(action);
  }
}
