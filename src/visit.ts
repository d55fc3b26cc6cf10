import type { Clock } from "./clock.ts";
import { commit } from "./commit.ts";
import { type Committing, end } from "./committing.ts";
import { SessionExistsError } from "./errors.ts";
import { emit } from "./events.ts";
import { cookieMaxAge, type ExpiryPolicy } from "./expiry.ts";
import { refuseChange, refusingChanges } from "./outage.ts";
import { SessionObject } from "./session.ts";
import { type SessionKeeper, SessionState, type Stored } from "./session_state.ts";
import { update } from "./update.ts";

/** What the client is to be told when a request ends. */
export type Delivery =
  | { readonly token: string; readonly maxAge: number | undefined }
  | "clear"
  | undefined;

/** What a visit works with. */
export interface VisitConfig extends Committing {
  /** The JSON text of the data that a new session has. */
  readonly initial: () => string;
  readonly allowOverwrite: boolean;
}

/** What a visit begins with. */
export interface VisitOptions {
  readonly c: unknown;
  /** Whether the client presented a token, whatever it was worth. */
  readonly presented: boolean;
  readonly stored?: Stored;
  /** Whether the token that the client presented was rotated. */
  readonly moved?: boolean;
  /** Whether the store failed, so that nobody knows whose session it is. */
  readonly outage?: boolean;
}

/** One request and its session: the one that it came with, then at most one at a time. */
export class Visit implements SessionKeeper {
  /** Called with what the session reads from now on. */
  onChange: (session: SessionObject | null) => void = () => {};
  /** Whether a live session was found for the client. */
  readonly isLoaded: boolean;

  readonly #config: VisitConfig;
  readonly #options: VisitOptions;
  readonly #ended: SessionState[] = [];
  readonly #refusing: SessionObject | undefined;
  #current: SessionState | undefined;
  /** Whether the session that the client came with was deleted. */
  #deleted = false;
  #committed = false;

  constructor(config: VisitConfig, options: VisitOptions) {
    this.#config = config;
    this.#options = options;
    this.#current = this.#restore(options.stored) ?? this.#begin();
    this.isLoaded = this.#current.stored !== undefined;
    if (options.outage) this.#refusing = refusingChanges(this.#current.session);
  }

  get clock(): Clock {
    return this.#config.clock;
  }

  get expiry(): ExpiryPolicy {
    return this.#config.expiry;
  }

  /** What the session reads now. */
  get session(): SessionObject | null {
    return this.#refusing ?? this.#current?.session ?? null;
  }

  get committed(): boolean {
    return this.#committed;
  }

  /**
   * What assigning to the session means: `null` ends it, an object replaces its data or, where there is
   * none, begins another one.
   *
   * @throws {TypeError} When the value is anything else.
   */
  assign(value: unknown): void {
    if (value === null) {
      if (this.#options.outage) refuseChange();
      this.#current?.destroy();
      return;
    }
    if (value === this.session && value !== undefined) return;
    assertPlainObject(value);
    if (this.#options.outage) refuseChange();
    if (this.#current?.status === "live") return this.#current.replaceData(value);
    const state = this.#begin("{}");
    state.assertNotCommitted("begin");
    state.replaceData(value);
    this.#show(state);
  }

  /**
   * Begins an independent session and stores it at once; the one until now ends.
   *
   * @throws {SessionExistsError} When there is a live one and `allowOverwrite` is `false`.
   */
  async start(data: object): Promise<SessionObject> {
    if (this.#options.outage) refuseChange();
    const before = this.#current;
    if (before?.stored && before.status === "live" && !this.#config.allowOverwrite) {
      throw new SessionExistsError("Cannot start session: another one is live");
    }
    const state = this.#begin("{}");
    state.assertNotCommitted("start");
    state.replaceData(data);
    await commit(
      this.#config,
      state,
      { keepChanges: true, consumeFlash: false, storeEmpty: true },
      this.#options.c,
    );
    before?.destroy();
    this.#show(state);
    return state.session;
  }

  ended(state: SessionState): void {
    this.#ended.push(state);
    if (state !== this.#current) return;
    this.#current = undefined;
    this.onChange(null);
  }

  async save(state: SessionState): Promise<void> {
    if (!state.stored) state.assertNotCommitted("save");
    await commit(
      this.#config,
      state,
      { keepChanges: true, consumeFlash: this.#committed },
      this.#options.c,
    );
    state.assertLive("save");
  }

  update(state: SessionState, key: string, change: (value: unknown) => unknown): Promise<unknown> {
    if (!state.stored) state.assertNotCommitted("save");
    return update(this.#config, state, { key, change }, this.#options.c);
  }

  /**
   * Commits at the end of the request, and tells what the client is to be told.
   *
   * @param failed Whether the handler failed.
   * @param keepChanges Whether changes of data are kept.
   */
  async finish(
    { failed, keepChanges }: { failed: boolean; keepChanges: boolean },
  ): Promise<Delivery> {
    if (this.#options.outage) {
      if (this.#current?.hasChanged()) refuseChange();
      return undefined;
    }
    try {
      for (const state of this.#ended) await this.#delete(state);
      if (this.#current) {
        await commit(
          this.#config,
          this.#current,
          { keepChanges, consumeFlash: !failed, rotate: true },
          this.#options.c,
        );
      }
      return this.delivery;
    } finally {
      this.#committed = true;
    }
  }

  async #delete(state: SessionState): Promise<void> {
    if (!state.stored) return;
    await end(this.#config, state.stored, this.#options.c);
    this.#deleted = true;
    emit(
      this.#config,
      "destroyed",
      { sid: state.sid, reason: "logout" },
      this.#options.c,
    );
  }

  /** What the client is to be told of what was committed so far, whatever came of the rest. */
  get delivery(): Delivery {
    const state = this.#current;
    if (!state) return this.#options.presented ? "clear" : undefined;
    const { deliver, stored } = state;
    if (!stored) return this.#deleted ? "clear" : undefined;
    if (!deliver) return undefined;
    const { record, token } = stored;
    return {
      token,
      maxAge: record.browser ? undefined : cookieMaxAge(record.expiresAt, this.clock()),
    };
  }

  #restore(stored: Stored | undefined): SessionState | undefined {
    if (!stored) return undefined;
    try {
      const state = new SessionState(this, "{}", stored);
      if (this.#options.moved) state.moved();
      emit(this.#config, "loaded", { sid: state.sid }, this.#options.c);
      return state;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      emit(this.#config, "rejected", { reason: "invalid" }, this.#options.c);
      return undefined;
    }
  }

  #begin(initial: string = this.#config.initial()): SessionState {
    return new SessionState(this, initial);
  }

  #show(state: SessionState): void {
    this.#current = state;
    this.onChange(state.session);
  }
}

/** @throws {TypeError} When a value is no plain object. */
function assertPlainObject(value: unknown): asserts value is object {
  const prototype = typeof value === "object" && value !== null ? Object.getPrototypeOf(value) : 0;
  const plain = prototype === null || prototype === SessionObject.prototype ||
    typeof prototype === "object" && Object.getPrototypeOf(prototype) === null;
  if (plain) return;
  throw new TypeError(
    `Cannot set session: it takes a plain object or null, not ${
      prototype === 0 ? `a value of type ${typeof value}` : `a ${prototype.constructor?.name}`
    }`,
  );
}
