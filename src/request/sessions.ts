import { endSession } from "../commit/end.ts";
import { SharedRenewals } from "../commit/shared_renewals.ts";
import { DeviceEndpoint } from "../device/endpoint.ts";
import { SessionStoreError } from "../errors.ts";
import { emit } from "../events.ts";
import { SessionEnds } from "../live/session_ends.ts";
import type { StoredSession } from "../record/record.ts";
import type { Unavailable } from "../session/unavailable_session.ts";
import type { SessionStore } from "../store/contract.ts";
import { storeErrorReporter } from "../store/failure_log.ts";
import { currentSessions } from "../store/current_sessions.ts";
import { StoreGeneration } from "../store/store_generation.ts";
import { TimeoutStore } from "../store/timeout_store.ts";
import { type Awaitable, isPromiseLike, orElse } from "../util/awaitable.ts";
import { KeyedQueue } from "../util/keyed_queue.ts";
import { Adopter } from "./adopter.ts";
import type { RequestConfig } from "./config.ts";
import { type Credential, type LoadedSession, SessionLoader } from "./session_loader.ts";
import { compareAge, othersOf } from "./newest_session.ts";
import { RequestSession } from "./request_session.ts";
import { UnsavedChanges } from "./unsaved_changes.ts";

/** The checked configuration of sessions. */
export interface SessionsConfig extends
  Omit<
    RequestConfig,
    | "store"
    | "records"
    | "queue"
    | "renewals"
    | "ends"
    | "unsavedChanges"
    | "generation"
  > {
  readonly store: SessionStore;
  /** The time limit of a store operation, in milliseconds. */
  readonly storeTimeout: number;
  /** The longest delay after which an end in another process is noticed, in milliseconds. */
  readonly liveEvery: number;
  /** The delay after which `revokeEverything()` is in effect in every process, in milliseconds, if it is allowed. */
  readonly revokeEverythingEvery: number | undefined;
}

/** Manages the sessions of one configuration. */
export class Sessions {
  /** Answers browsers that bind sessions to devices. */
  readonly device: DeviceEndpoint | undefined;
  /** The configuration of the sessions. */
  readonly config: RequestConfig;
  readonly #loader: SessionLoader;
  readonly #adopter: Adopter | undefined;

  constructor({
    store: given,
    storeTimeout,
    liveEvery,
    revokeEverythingEvery: every,
    ...config
  }: SessionsConfig) {
    const { clock } = config;
    const onError = storeErrorReporter(config);
    const limits = { timeout: storeTimeout, clock, onError };
    const generation = every === undefined
      ? undefined
      : new StoreGeneration({ store: given, cookieName: config.cookieName, every, clock });
    const sessions = generation && currentSessions(given, generation);
    const records = new TimeoutStore(given, limits);
    this.config = {
      ...config,
      ends: new SessionEnds({
        ...config,
        // The poll reports its failures itself: only the first one of each run.
        store: new TimeoutStore(given, { ...limits, sessions, onError() {} }),
        every: liveEvery,
        source: given,
        onError,
      }),
      unsavedChanges: new UnsavedChanges(config),
      queue: new KeyedQueue(storeTimeout),
      renewals: new SharedRenewals({
        ...config,
        // A renewal may have to wait for another request, and then for the store.
        patience: 2 * storeTimeout,
      }),
      store: sessions ? new TimeoutStore(given, { ...limits, sessions }) : records,
      records,
      generation,
    };
    this.#loader = new SessionLoader(this.config);
    this.#adopter = config.adopt && new Adopter(this.config, this.#loader);
    this.device = config.device && new DeviceEndpoint(config.device, this.config);
  }

  /**
   * Loads the session of a request by the first of its credentials that is valid.
   *
   * @throws {SessionStoreError} When the store failed.
   */
  load(credentials: readonly Credential[], c: unknown): Awaitable<RequestSession> {
    if (credentials.length === 0) return this.anonymous(c);
    const loading = this.config.onStoreError === "error"
      ? this.#load(credentials, c)
      : this.#loadOrGoOn(credentials, c);
    return this.config.issue ? issued(loading) : loading;
  }

  /** Creates the session of a request without credentials. */
  anonymous(c: unknown): RequestSession {
    return new RequestSession(this.config, { c });
  }

  /** Loads the session of a request. If the store fails, the request has an empty session. */
  #loadOrGoOn(credentials: readonly Credential[], c: unknown): Awaitable<RequestSession> {
    return orElse(() => this.#load(credentials, c), (error) => {
      if (error instanceof SessionStoreError) return this.unavailable(c);
      throw error;
    });
  }

  #load(credentials: readonly Credential[], c: unknown): Awaitable<RequestSession> {
    const [only] = credentials;
    if (credentials.length > 1 || only!.by === "adopted") return this.#loadFirst(credentials, c);
    const loaded = this.#loader.load(only!, c);
    return isPromiseLike(loaded)
      ? this.#acceptLater(loaded, credentials, c)
      : this.#accept(loaded, credentials, c);
  }

  async #acceptLater(
    loading: Promise<LoadedSession | undefined>,
    credentials: readonly Credential[],
    c: unknown,
  ): Promise<RequestSession> {
    return this.#accept(await loading, credentials, c);
  }

  /** Creates the session of a request: the loaded one, if there is one and its data are valid. */
  #accept(
    loaded: LoadedSession | undefined,
    credentials: readonly Credential[],
    c: unknown,
  ): RequestSession {
    const requestSession = loaded && this.#make(loaded, credentials);
    if (requestSession) return requestSession;
    if (credentials.some(isUnproven)) return this.unavailable(c, "device");
    return new RequestSession(this.config, { c, stale: credentials.some(isHeld) });
  }

  /** Loads the session of the first valid credential; among cookies the newest session. */
  async #loadFirst(credentials: readonly Credential[], c: unknown): Promise<RequestSession> {
    const cookies = credentials.filter(isCookie);
    for (let at = 0; at < credentials.length;) {
      const credential = credentials[at]!;
      if (credential.by === "adopted" && credentials.some(isUnproven)) break;
      const group = isCookie(credential) ? cookies : [credential];
      at += group.length;
      const found = await this.#loadAll(group, c);
      for (const [index, loaded] of found.entries()) {
        const others = othersOf(found.slice(index))
          .map((other) => () => endSession(this.config, other, c));
        const requestSession = this.#make({ ...loaded, others }, credentials);
        if (requestSession) return requestSession;
      }
    }
    return this.#accept(undefined, credentials, c);
  }

  /** Loads the sessions of several credentials, and returns those that were found, the newest first. */
  async #loadAll(credentials: readonly Credential[], c: unknown): Promise<LoadedSession[]> {
    const all: LoadedSession[] = [];
    for (const credential of credentials) {
      const found = await (credential.by === "adopted"
        ? this.#adopter!.load(credential.token!, c)
        : this.#loader.load(credential, c));
      if (found) {
        all.push(found);
      }
    }
    return all.sort((one, other) => compareAge(one.stored.record, other.stored.record));
  }

  /** Finds the newest session of several credentials. */
  async find(credentials: readonly Credential[], c: unknown): Promise<StoredSession | undefined> {
    const [newest] = await this.#loadAll(credentials, c);
    return newest?.stored;
  }

  /** Creates the session of a request whose own session is not available. */
  unavailable(c: unknown, unavailable: Unavailable = "store"): RequestSession {
    return new RequestSession(this.config, { c, unavailable });
  }

  /**
   * Ends the session of a credential, if there is one.
   *
   * @throws {SessionStoreError} When the store failed.
   */
  async end(credential: Credential, c: unknown): Promise<void> {
    const loaded = await this.#loader.load({ ...credential, needsNoProof: true }, c);
    if (loaded) await endSession(this.config, loaded.stored, c);
  }

  #make(
    loaded: LoadedSession,
    credentials: readonly Credential[],
  ): RequestSession | undefined {
    const { c, stored: { record: { sid } } } = loaded;
    const options = this.#adopter?.beside(loaded, credentials.at(-1)!) ?? loaded;
    try {
      const requestSession = new RequestSession(this.config, options);
      if (this.config.events.loaded) emit(this.config, "loaded", { sid }, c);
      return requestSession;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return this.#loader.reject("invalid", c, sid);
    }
  }
}

async function issued(loading: Awaitable<RequestSession>): Promise<RequestSession> {
  const session = await loading;
  await session.issue();
  return session;
}

const isCookie = ({ by }: Credential): boolean => by === "cookie";

/** Checks whether a client stores a credential itself. */
const isHeld = ({ by }: Credential): boolean => by !== "token";
const isUnproven = (credential: Credential): boolean => credential.isUnproven === true;
