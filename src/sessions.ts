import { BoundedStore } from "./bounded_store.ts";
import { SessionStoreError } from "./errors.ts";
import { end } from "./committing.ts";
import type { DataReader } from "./data_reader.ts";
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
  readonly readData: DataReader | undefined;
}

/** Something that a client presented to be let into a session. */
export interface Credential {
  readonly by: "cookie" | "token";
  /** The token in it. */
  readonly token?: string | undefined;
  /** The key of the session in it. */
  readonly key?: string;
  /** Why it is worth nothing, if that is known already. */
  readonly rejected?: RejectionReason;
}

/** A live session, and what its data are by now. */
interface Loaded {
  readonly stored: Stored;
  readonly shown: string | undefined;
}

/** Keeps the sessions of one configuration. */
export class Sessions {
  readonly #config: VisitConfig;
  readonly #onStoreError: "error" | "anonymous";
  readonly #readData: DataReader | undefined;

  constructor({ store, onStoreError, storeTimeout, readData, ...config }: SessionsConfig) {
    this.#onStoreError = onStoreError;
    this.#readData = readData;
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
   * Begins the visit of a client, with the first of its credentials that opens a session.
   *
   * @throws {SessionStoreError} When the store failed.
   */
  async open(credentials: readonly Credential[], c: unknown): Promise<Visit> {
    const stale = credentials.some(({ by }) => by === "cookie");
    try {
      for (const credential of credentials) {
        const loaded = await this.#load(credential, c);
        if (!loaded) continue;
        const moved = loaded.stored.token !== credential.token;
        const visit = new Visit(this.#config, { c, by: credential.by, moved, ...loaded });
        await visit.issue();
        return visit;
      }
      return new Visit(this.#config, { c, stale });
    } catch (error) {
      if (!(error instanceof SessionStoreError) || this.#onStoreError === "error") {
        throw error;
      }
      this.#config.logger.error("Cannot load session: the store failed, going on without", error);
      return new Visit(this.#config, { c, stale, outage: true });
    }
  }

  /**
   * Ends the session that a credential opens, if there is one.
   *
   * @throws {SessionStoreError} When the store failed.
   */
  async end(credential: Credential, c: unknown): Promise<void> {
    const loaded = await this.#load(credential, c);
    if (!loaded) return;
    const { stored } = loaded;
    await end(this.#config, stored, c);
    emit(this.#config, "destroyed", { sid: stored.record.sid, reason: "logout" }, c);
  }

  async #load(credential: Credential, c: unknown): Promise<Loaded | undefined> {
    if (credential.rejected) return this.#reject(credential.rejected, c);
    const { store, clock, expiry } = this.#config;
    const stateless = store.capabilities.stateless === true;
    const { token } = credential;
    if (token !== undefined && !stateless && !isToken(token)) return this.#reject("malformed", c);
    const key = credential.key ?? (stateless ? token! : await hashToken(token!));
    const record = await store.read(key, c);
    if (record === undefined) return this.#reject("unknown", c);
    if (!isSessionRecord(record)) return this.#reject("invalid", c);
    if (!stateless && record.cookieName !== this.#config.cookieName) {
      return this.#reject("unknown", c);
    }
    const { sid } = record;
    const now = clock();
    if (record.graceUntil !== undefined && now >= record.graceUntil) {
      return this.#reject("reuse", c, sid);
    }
    const from = { token, key, record };
    const stored = record.successor === undefined ? from : await follow(store, { from, now }, c);
    if (!stored) return this.#reject("unknown", c);
    if (!isLive(expiry, stored.record, now)) return this.#reject("expired", c);
    if (stored.record.scope !== this.#config.scope?.(c)) return this.#reject("scope", c, sid);
    if (!this.#readData) return { stored, shown: undefined };
    const shown = await this.#readData(stored.record.data, c);
    return shown === undefined ? this.#reject("invalid", c, sid) : { stored, shown };
  }

  #reject(reason: RejectionReason, c: unknown, sid?: string): undefined {
    emit(this.#config, "rejected", sid === undefined ? { reason } : { reason, sid }, c);
  }
}
