import { BoundedStore } from "./bounded_store.ts";
import { SessionStoreError } from "./errors.ts";
import { end } from "./committing.ts";
import { emit, type RejectionReason } from "./events.ts";
import { isLive } from "./expiry.ts";
import { Queue } from "./queue.ts";
import { isSessionRecord } from "./record.ts";
import { follow } from "./rotation.ts";
import type { Stored } from "./session_state.ts";
import type { ListedSession, SessionStore } from "./store.ts";
import { endSessionsOf, type Listed, listSubject, since } from "./subject.ts";
import { hashToken, isToken } from "./token.ts";
import { Visit, type VisitConfig } from "./visit.ts";

/** The checked configuration of the life of sessions. */
export interface SessionsConfig extends Omit<VisitConfig, "store" | "queue"> {
  readonly store: SessionStore;
  readonly onStoreError: "error" | "anonymous";
  /** Milliseconds. */
  readonly storeTimeout: number;
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
        const visit = this.#visit(loaded, credential, c);
        if (!visit) continue;
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

  /** Begins the visit of nobody yet. */
  begin(c: unknown): Visit {
    return new Visit(this.#config, { c });
  }

  /**
   * The live sessions of a subject, the newest first.
   *
   * @throws {TypeError} When the store has no index.
   * @throws {SessionStoreError} When it failed.
   */
  async list(subject: string, c: unknown): Promise<ListedSession["record"][]> {
    const { store, clock, expiry } = this.#indexed("list");
    const now = clock();
    return (await listSubject(store, subject, c))
      .map(({ record }) => record)
      .filter((record) => isLive(expiry, record, now))
      .sort((one, other) => since(other) - since(one) || (one.sid < other.sid ? 1 : -1));
  }

  /**
   * Ends a session of a subject; `false` when the subject has none of that name.
   *
   * @throws {TypeError} When the store has no index.
   * @throws {SessionStoreError} When it failed.
   */
  async revoke(
    { subject, sid }: { subject: string; sid: string },
    c: unknown,
  ): Promise<boolean> {
    const { store } = this.#indexed("revoke");
    const choose = (sessions: Listed[]) => sessions.filter((session) => session.sid === sid);
    const { size } = await endSessionsOf(store, { subject, choose }, c);
    if (size > 0) emit(this.#config, "destroyed", { sid, reason: "revoked" }, c);
    return size > 0;
  }

  /**
   * Ends the sessions of a subject, those on their way included.
   *
   * @throws {TypeError} When the store has no index.
   * @throws {SessionStoreError} When it failed.
   */
  async revokeAll(
    { subject, except }: { subject: string; except: string | undefined },
    c: unknown,
  ): Promise<number> {
    const { store, instant, events } = this.#indexed("revoke");
    const sessions = events.destroyed ? await listSubject(store, subject, c) : [];
    const options = { at: instant(), ...(except === undefined ? {} : { except }) };
    const count = await store.deleteAll(subject, options, c);
    for (const { sid } of sessions) {
      if (sid !== except) emit(this.#config, "destroyed", { sid, reason: "revoked" }, c);
    }
    return count;
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

  #visit(loaded: Loaded, { by, token }: Credential, c: unknown): Visit | undefined {
    const moved = loaded.stored.token !== token;
    try {
      const visit = new Visit(this.#config, { c, by, moved, ...loaded });
      emit(this.#config, "loaded", { sid: loaded.stored.record.sid }, c);
      return visit;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return this.#reject("invalid", c, loaded.stored.record.sid);
    }
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
    if (!isLive(expiry, stored.record, now)) return this.#reject("expired", c, sid);
    if (stored.record.scope !== this.#config.scope?.(c)) return this.#reject("scope", c, sid);
    const { readData } = this.#config;
    if (!readData) return { stored, shown: undefined };
    const shown = await readData(stored.record.data, c);
    return shown === undefined ? this.#reject("invalid", c, sid) : { stored, shown };
  }

  #indexed(action: string): VisitConfig {
    if (this.#config.store.capabilities.index) return this.#config;
    throw new TypeError(
      `Cannot ${action} sessions: the store does not list the sessions of a subject`,
    );
  }

  #reject(reason: RejectionReason, c: unknown, sid?: string): undefined {
    emit(this.#config, "rejected", sid === undefined ? { reason } : { reason, sid }, c);
  }
}
