import { BoundedStore } from "./bounded_store.ts";
import { SessionStoreError } from "./errors.ts";
import { emit, type RejectionReason } from "./events.ts";
import { isLive } from "./expiry.ts";
import { Queue } from "./queue.ts";
import { isSessionRecord } from "./record.ts";
import { follow } from "./rotation.ts";
import type { Stored } from "./session_state.ts";
import type { SessionStore } from "./store.ts";
import { hashToken, isToken } from "./token.ts";
import { Visit, type VisitConfig } from "./visit.ts";

/** The checked configuration of the life of sessions. */
export interface SessionsConfig extends Omit<VisitConfig, "store" | "queue"> {
  readonly store: SessionStore;
  readonly onStoreError: "error" | "anonymous";
  /** Milliseconds. */
  readonly storeTimeout: number;
}

/** What a client presented. */
export interface Presented {
  /** Whether it presented anything. */
  readonly presented: boolean;
  /** The token in it, unless its signature is wrong. */
  readonly token: string | undefined;
}

/** Keeps the sessions of one configuration. */
export class Sessions {
  readonly #config: VisitConfig;
  readonly #onStoreError: "error" | "anonymous";

  constructor({ store, onStoreError, storeTimeout, ...config }: SessionsConfig) {
    this.#onStoreError = onStoreError;
    this.#config = {
      ...config,
      queue: new Queue(storeTimeout),
      store: new BoundedStore(store, {
        timeout: storeTimeout,
        onError: (operation, error, c) => emit(config, "storeError", { operation, error }, c),
      }),
    };
  }

  /**
   * Begins the visit of a client, with the token that it presented.
   *
   * @throws {SessionStoreError} When the store failed.
   */
  async open({ token, presented }: Presented, c: unknown): Promise<Visit> {
    if (!presented) return new Visit(this.#config, { c, presented });
    if (token === undefined) {
      this.#reject("forged", c);
      return new Visit(this.#config, { c, presented });
    }
    try {
      const stored = await this.#load(token, c);
      const moved = stored !== undefined && stored.token !== token;
      return new Visit(this.#config, { c, presented: true, moved, ...(stored && { stored }) });
    } catch (error) {
      if (!(error instanceof SessionStoreError) || this.#onStoreError === "error") {
        throw error;
      }
      this.#config.logger.error("Cannot load session: the store failed, going on without", error);
      return new Visit(this.#config, { c, presented: true, outage: true });
    }
  }

  async #load(token: string, c: unknown): Promise<Stored | undefined> {
    const { store, clock, expiry } = this.#config;
    const stateless = store.capabilities.stateless === true;
    if (!stateless && !isToken(token)) return this.#reject("malformed", c);
    const key = stateless ? token : await hashToken(token);
    const record = await store.read(key, c);
    if (record === undefined) return this.#reject("unknown", c);
    if (!isSessionRecord(record)) return this.#reject("invalid", c);
    if (!stateless && record.cookieName !== this.#config.cookieName) {
      return this.#reject("unknown", c);
    }
    const now = clock();
    if (record.graceUntil !== undefined && now >= record.graceUntil) {
      return this.#reject("reuse", c, record.sid);
    }
    const from = { token, key, record };
    const stored = record.successor === undefined ? from : await follow(store, { from, now }, c);
    if (!stored) return this.#reject("unknown", c);
    if (!isLive(expiry, stored.record, now)) return this.#reject("expired", c);
    return stored;
  }

  #reject(reason: RejectionReason, c: unknown, sid?: string): undefined {
    emit(this.#config, "rejected", sid === undefined ? { reason } : { reason, sid }, c);
  }
}
