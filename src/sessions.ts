import { BoundedStore } from "./bounded_store.ts";
import { SessionStoreError } from "./errors.ts";
import { end } from "./committing.ts";
import { emit, type RejectionReason } from "./events.ts";
import { deadline, isLive } from "./expiry.ts";
import { LateChanges } from "./late_changes.ts";
import { loadNewestFirst } from "./newest.ts";
import { andThen, type Awaitable, orElse } from "./promise.ts";
import { Queue } from "./queue.ts";
import { isSessionRecord } from "./record.ts";
import { follow } from "./rotation.ts";
import type { Stored } from "./session_state.ts";
import type { ListedSession, SessionStore } from "./store.ts";
import { endSessionsOf, type Listed, listSubject, since } from "./subject.ts";
import { hashToken, isToken } from "./token.ts";
import { Visit } from "./visit.ts";
import type { VisitConfig } from "./visiting.ts";

/** The checked configuration of the life of sessions. */
export interface SessionsConfig
  extends Omit<VisitConfig, "store" | "queue" | "late" | "canSaveLate"> {
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

/** What a client presented with a request. */
interface Presented {
  readonly credentials: readonly Credential[];
  readonly c: unknown;
}

/** A live session, and what its data are by now. */
interface Loaded {
  readonly stored: Stored;
  readonly shown: string | undefined;
  /** The trace that led to it. */
  readonly via: Stored | undefined;
  /** When it was asked for, in epoch milliseconds. */
  readonly cameAt: number;
}

/** Keeps the sessions of one configuration. */
export class Sessions {
  /** Watches sessions whose response has left. */
  readonly late: LateChanges;
  readonly #config: VisitConfig;
  readonly #onStoreError: "error" | "anonymous";

  constructor({ store, onStoreError, storeTimeout, ...config }: SessionsConfig) {
    this.#onStoreError = onStoreError;
    const canSaveLate = !store.capabilities.stateless;
    this.late = new LateChanges({ ...config, canSaveLate });
    this.#config = {
      ...config,
      late: this.late,
      canSaveLate,
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
  open(credentials: readonly Credential[], c: unknown): Awaitable<Visit> {
    if (credentials.length === 0) return this.begin(c);
    const presented = { credentials, c };
    return orElse(() => this.#first(presented, 0), (error) => this.#goOn(error, presented));
  }

  /** Begins the visit of nobody yet. */
  begin(c: unknown): Visit {
    return new Visit(this.#config, { c });
  }

  /** Begins the visit with the first credential from a place on that identifies a session; of cookies it is the newest session. */
  #first(presented: Presented, at: number): Awaitable<Visit> {
    const { credentials, c } = presented;
    const credential = credentials[at];
    if (!credential) return new Visit(this.#config, { c, stale: credentials.some(isCookie) });
    if (isCookie(credential) && at + 1 < credentials.length) return this.#newest(presented, at);
    return andThen(this.#load(credential, c), (loaded) => {
      const visit = loaded && this.#visit(loaded, credential, c);
      return visit ? this.#issued(visit) : this.#first(presented, at + 1);
    });
  }

  /** Begins the visit with the newest session that the cookies from a place on identify. */
  async #newest(presented: Presented, at: number): Promise<Visit> {
    const { credentials, c } = presented;
    const cookies = credentials.slice(at);
    for (const { key, found } of await loadNewestFirst(cookies, (key) => this.#load(key, c))) {
      const visit = this.#visit(found, key, c);
      if (visit) return this.#issued(visit);
    }
    return this.#first(presented, credentials.length);
  }

  #issued(visit: Visit): Awaitable<Visit> {
    return this.#config.issue ? visit.issue().then(() => visit) : visit;
  }

  /** Goes on without the store, where that is asked for. */
  #goOn(error: unknown, { credentials, c }: Presented): Visit {
    if (!(error instanceof SessionStoreError) || this.#onStoreError === "error") throw error;
    this.#config.logger.error("Cannot load session: the store failed, going on without", error);
    const stale = credentials.some(isCookie);
    return new Visit(this.#config, { c, stale, outage: true });
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
      .filter(({ record }) => isLive(expiry, record, now))
      .map(({ record }) => ({ ...record, expiresAt: deadline(expiry, record) }))
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
    const { store, events, expiry } = this.#indexed("revoke");
    // A store counts those that it only holds for requests under way as well.
    const counts = expiry.onServer && expiry.rolling !== false;
    const live = counts || events.destroyed ? await this.list(subject, c) : [];
    const count = await store.deleteAll(subject, except === undefined ? {} : { except }, c);
    const ended = live.filter(({ sid }) => sid !== except);
    for (const { sid } of ended) emit(this.#config, "destroyed", { sid, reason: "revoked" }, c);
    return counts ? ended.length : count;
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

  #visit(loaded: Loaded, { by }: Credential, c: unknown): Visit | undefined {
    const { stored } = loaded;
    try {
      const visit = new Visit(this.#config, { c, by, ...loaded });
      emit(this.#config, "loaded", { sid: stored.record.sid }, c);
      return visit;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return this.#reject("invalid", c, stored.record.sid);
    }
  }

  #load(credential: Credential, c: unknown): Awaitable<Loaded | undefined> {
    if (credential.rejected) return this.#reject(credential.rejected, c);
    const { store } = this.#config;
    const { token } = credential;
    if (store.capabilities.stateless) return this.#read({ token, key: token! }, c);
    if (token !== undefined && !isToken(token)) return this.#reject("malformed", c);
    return andThen(
      credential.key ?? hashToken(token!),
      (key) => this.#read({ token, key }, c),
    );
  }

  #read(place: Omit<Stored, "record">, c: unknown): Awaitable<Loaded | undefined> {
    return andThen(
      this.#config.store.read(place.key, c),
      (record) => this.#check(place, record, c),
    );
  }

  /** Whether what was read is a session that the client may have. */
  #check(
    { token, key }: Omit<Stored, "record">,
    record: unknown,
    c: unknown,
  ): Awaitable<Loaded | undefined> {
    const { store, clock } = this.#config;
    if (record === undefined) return this.#reject("unknown", c);
    if (!isSessionRecord(record)) return this.#reject("invalid", c);
    const now = clock();
    const from = { token, key, record };
    const { trace, graceUntil = Infinity, sid } = record;
    if (trace === undefined) return this.#admit(from, { now }, c);
    if (now >= graceUntil) return this.#reject("reuse", c, sid);
    return follow(store, { from, now }, c).then((stored) =>
      typeof stored === "string"
        ? this.#reject("unknown", c, sid)
        : this.#admit(stored, { now, via: from }, c)
    );
  }

  #admit(
    stored: Stored,
    { now: cameAt, via }: { now: number; via?: Stored },
    c: unknown,
  ): Awaitable<Loaded | undefined> {
    const { store, cookieName, expiry, readData, scope } = this.#config;
    const { sid, data } = stored.record;
    if (!store.capabilities.stateless && stored.record.cookieName !== cookieName) {
      return this.#reject("unknown", c);
    }
    if (!isLive(expiry, stored.record, cameAt)) return this.#reject("expired", c, sid);
    if (stored.record.scope !== scope?.(c)) return this.#reject("scope", c, sid);
    if (!readData) return { stored, shown: undefined, via, cameAt };
    return readData(data, c).then((shown) =>
      shown === undefined ? this.#reject("invalid", c, sid) : { stored, shown, via, cameAt }
    );
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

const isCookie = ({ by }: Credential): boolean => by === "cookie";
