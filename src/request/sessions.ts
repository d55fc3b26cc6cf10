import { endSession, endSessionsOf } from "../commit/end.ts";
import { SessionStoreError } from "../errors.ts";
import { emit } from "../events.ts";
import { deadline, isLive } from "../record/expiry.ts";
import type { Stored } from "../record/record.ts";
import type { ListedSession, ListPage, SessionStore } from "../store/contract.ts";
import { FailureLog } from "../store/failure_log.ts";
import { type Listed, listPage } from "../store/subject_sessions.ts";
import { BoundedStore } from "../store/timeout_store.ts";
import { andThen, type Awaitable, orElse } from "../util/awaitable.ts";
import { Queue } from "../util/keyed_queue.ts";
import type { VisitConfig } from "./config.ts";
import { type Credential, type Loaded, Loader } from "./load.ts";
import { loadNewestFirst } from "./newest_session.ts";
import { Visit } from "./request_session.ts";
import { LateChanges } from "./unsaved_changes.ts";

/** The checked configuration of the life of sessions. */
export interface SessionsConfig
  extends Omit<VisitConfig, "store" | "queue" | "late" | "canSaveLate"> {
  readonly store: SessionStore;
  readonly onStoreError: "error" | "anonymous";
  /** Milliseconds. */
  readonly storeTimeout: number;
}

/** What a client presented with a request. */
interface Presented {
  readonly credentials: readonly Credential[];
  readonly c: unknown;
}

/** Keeps the sessions of one configuration. */
export class Sessions {
  /** Watches sessions whose response has left. */
  readonly late: LateChanges;
  readonly #config: VisitConfig;
  readonly #loader: Loader;
  readonly #onStoreError: "error" | "anonymous";

  constructor({ store, onStoreError, storeTimeout, ...config }: SessionsConfig) {
    this.#onStoreError = onStoreError;
    const canSaveLate = !store.capabilities.stateless;
    const failures = new FailureLog(config);
    this.late = new LateChanges({ ...config, canSaveLate });
    this.#config = {
      ...config,
      late: this.late,
      canSaveLate,
      queue: new Queue(storeTimeout),
      store: new BoundedStore(store, {
        timeout: storeTimeout,
        clock: config.clock,
        onError(operation, error, c) {
          if (config.events.storeError) emit(config, "storeError", { operation, error }, c);
          else failures.report(error);
        },
      }),
    };
    this.#loader = new Loader(this.#config);
  }

  /**
   * Begins the visit of a client, with the first of its credentials that opens a session.
   *
   * @throws {SessionStoreError} When the store failed.
   */
  open(credentials: readonly Credential[], c: unknown): Awaitable<Visit> {
    if (credentials.length === 0) return this.begin(c);
    const presented = { credentials, c };
    return orElse(() => this.#first(presented, 0), (error) => this.#goOn(error, c));
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
    return andThen(this.#loader.load(credential, c), (loaded) => {
      const visit = loaded && this.#visit(loaded, credential, c);
      return visit ? this.#issued(visit) : this.#first(presented, at + 1);
    });
  }

  /** Begins the visit with the newest session that the cookies from a place on identify. */
  async #newest(presented: Presented, at: number): Promise<Visit> {
    const { credentials, c } = presented;
    const cookies = credentials.slice(at);
    for (
      const { key, found } of await loadNewestFirst(cookies, (key) => this.#loader.load(key, c))
    ) {
      const visit = this.#visit(found, key, c);
      if (visit) return this.#issued(visit);
    }
    return this.#first(presented, credentials.length);
  }

  /** The newest session that credentials identify. */
  async find(credentials: readonly Credential[], c: unknown): Promise<Stored | undefined> {
    const [newest] = await loadNewestFirst(credentials, (key) => this.#loader.load(key, c));
    return newest?.found.stored;
  }

  #issued(visit: Visit): Awaitable<Visit> {
    return this.#config.issue ? visit.issue().then(() => visit) : visit;
  }

  /** The visit of somebody of whom nobody knows who it is, as the store failed. */
  unavailable(c: unknown): Visit {
    return new Visit(this.#config, { c, outage: true });
  }

  /** Goes on without the store, where that is asked for. */
  #goOn(error: unknown, c: unknown): Visit {
    if (!(error instanceof SessionStoreError) || this.#onStoreError === "error") throw error;
    return this.unavailable(c);
  }

  /**
   * The live sessions of a subject, the newest first: as many as are wanted, from a place on.
   *
   * @throws {TypeError} When the store has no index.
   * @throws {SessionStoreError} When it failed.
   */
  async list(
    { limit = Infinity, ...wanted }: ListPage & { subject: string },
    c: unknown,
  ): Promise<ListedSession["record"][]> {
    this.#assertIndexed("list");
    const { store, clock, expiry } = this.#config;
    const now = clock();
    const isWanted = (record: ListedSession["record"]) => isLive(expiry, record, now);
    return (await listPage(store, { ...wanted, limit, isLive: isWanted }, c))
      .map((record) => ({ ...record, expiresAt: deadline(expiry, record) }));
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
    this.#assertIndexed("revoke");
    const choose = (sessions: Listed[]) => sessions.filter((session) => session.sid === sid);
    const options = { subject, choose, reason: "revoked" } as const;
    const { size } = await endSessionsOf(this.#config, options, c);
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
    this.#assertIndexed("revoke");
    const { store, events, expiry } = this.#config;
    // A store counts those that it only holds for requests under way as well.
    const counts = expiry.onServer && expiry.rolling !== false;
    const live = counts || events.destroyed ? await this.list({ subject }, c) : [];
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
    const loaded = await this.#loader.load(credential, c);
    if (loaded) await endSession(this.#config, loaded.stored, c);
  }

  #visit(loaded: Loaded, { by }: Credential, c: unknown): Visit | undefined {
    const { stored } = loaded;
    try {
      const visit = new Visit(this.#config, { c, by, ...loaded });
      emit(this.#config, "loaded", { sid: stored.record.sid }, c);
      return visit;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return this.#loader.reject("invalid", c, stored.record.sid);
    }
  }

  #assertIndexed(action: string): void {
    if (this.#config.store.capabilities.index) return;
    throw new TypeError(
      `Cannot ${action} sessions: the store does not list the sessions of a subject`,
    );
  }
}

const isCookie = ({ by }: Credential): boolean => by === "cookie";
