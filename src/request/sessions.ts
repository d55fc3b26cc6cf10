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
import { sessionsOf } from "../store/generation_store.ts";
import { StoreGeneration } from "../store/store_generation.ts";
import { TimeoutStore } from "../store/timeout_store.ts";
import { type Awaitable, isPromiseLike } from "../util/awaitable.ts";
import { KeyedQueue } from "../util/keyed_queue.ts";
import { Adopter } from "./adopter.ts";
import { AdoptionMarks } from "./adoption_marks.ts";
import type { RequestConfig } from "./config.ts";
import { type Credential, type LoadedSession, SessionLoader } from "./load.ts";
import type { EndMarks } from "./managed_sessions.ts";
import { loadNewestFirst, othersOf } from "./newest_session.ts";
import { RequestSession } from "./request_session.ts";
import { UnsavedChanges } from "./unsaved_changes.ts";

/** The checked configuration of sessions. */
export interface SessionsConfig extends
  Omit<
    RequestConfig,
    "store" | "records" | "queue" | "renewals" | "ends" | "unsavedChanges" | "canSaveAfterResponse"
  > {
  readonly store: SessionStore;
  readonly onStoreError: "error" | "anonymous";
  /** The time limit of a store operation, in milliseconds. */
  readonly storeTimeout: number;
  /** How soon an end in another process is noticed at the latest, in milliseconds. */
  readonly liveEvery: number;
  /** How soon `revokeEverything()` takes effect in every process, in milliseconds, if it is allowed. */
  readonly revokeEverythingEvery: number | undefined;
}

/** The credentials of a request, and the position of the one that is tried. */
interface Presented {
  readonly credentials: readonly Credential[];
  readonly c: unknown;
  at: number;
}

/** Manages the sessions of one configuration. */
export class Sessions {
  /** Warns of unsaved changes after the response. */
  readonly unsavedChanges: UnsavedChanges;
  /** Knows who waits for the end of a session. */
  readonly ends: SessionEnds;
  /** What `ManagedSessions` mark when they end all sessions. An app without a manager carries no such class. */
  readonly endMarks: EndMarks;
  /** Answers browsers that bind sessions to devices. */
  readonly device: DeviceEndpoint | undefined;
  readonly #config: RequestConfig;
  readonly #loader: SessionLoader;
  readonly #adopter: Adopter | undefined;
  readonly #onStoreError: "error" | "anonymous";

  constructor({
    store: given,
    onStoreError,
    storeTimeout,
    liveEvery,
    revokeEverythingEvery: every,
    ...config
  }: SessionsConfig) {
    this.#onStoreError = onStoreError;
    const { clock, expiry } = config;
    const onError = storeErrorReporter(config);
    const limits = { timeout: storeTimeout, clock, onError };
    const generation = every === undefined
      ? undefined
      : new StoreGeneration({ store: given, cookieName: config.cookieName, every, clock });
    const sessions = generation && sessionsOf(given, generation);
    const { stateless } = given.capabilities;
    const canSaveAfterResponse = !stateless;
    this.unsavedChanges = new UnsavedChanges({ ...config, canSaveAfterResponse });
    this.ends = new SessionEnds({
      // Of its failures only the first one of each poll is reported.
      store: new TimeoutStore(given, { ...limits, sessions, onError() {} }),
      clock,
      expiry,
      every: liveEvery,
      source: given,
      onError,
    });
    const records = new TimeoutStore(given, limits);
    this.#config = {
      ...config,
      ends: this.ends,
      unsavedChanges: this.unsavedChanges,
      canSaveAfterResponse,
      queue: new KeyedQueue(storeTimeout),
      renewals: new SharedRenewals({
        ...config,
        isStateless: stateless === true,
        // A renewal may have to wait for another request, and then for the store.
        patience: 2 * storeTimeout,
      }),
      store: sessions ? new TimeoutStore(given, { ...limits, sessions }) : records,
      records,
    };
    const loader = new SessionLoader(this.#config);
    this.#loader = loader;
    const { adopt } = config;
    const cookieName = generation && config.cookieName;
    const marks = adopt && !stateless
      ? new AdoptionMarks({ records, clock, until: adopt.until, cookieName })
      : undefined;
    this.#adopter = adopt &&
      new Adopter(this.#config, { options: adopt, loader, marks, generation });
    this.endMarks = { generation, marks };
    this.device = config.device && new DeviceEndpoint(config.device, this.#config);
  }

  /** The configuration of the sessions. */
  get config(): RequestConfig {
    return this.#config;
  }

  /**
   * Loads the session of a request by the first of its credentials that is valid.
   *
   * @throws {SessionStoreError} When the store failed.
   */
  load(credentials: readonly Credential[], c: unknown): Awaitable<RequestSession> {
    return credentials.length === 0 ? this.anonymous(c) : this.#load({ credentials, c, at: 0 });
  }

  #load(presented: Presented): Awaitable<RequestSession> {
    try {
      return this.#first(presented);
    } catch (error) {
      return this.#goOn(error, presented.c);
    }
  }

  /** Creates the session of a request without credentials. */
  anonymous(c: unknown): RequestSession {
    return new RequestSession(this.#config, { c });
  }

  /** Loads the session of the first valid credential from the position on; among cookies the newest session. */
  #first(presented: Presented): Awaitable<RequestSession> {
    const { credentials, c, at } = presented;
    const credential = credentials[at];
    const isOver = !credential || credential.by === "adopted";
    if (isOver && credentials.some(isUnproven)) return this.unavailable(c, "device");
    if (!credential) {
      return new RequestSession(this.#config, { c, stale: credentials.some(isHeld) });
    }
    const next = credentials[at + 1];
    if (isCookie(credential) && next && isCookie(next)) return this.#newest(presented);
    const loaded = credential.by === "adopted"
      ? this.#adopter!.load(credential.token!, c)
      : this.#loader.load(credential, c);
    return isPromiseLike(loaded)
      ? this.#acceptLater(loaded, presented)
      : this.#accept(loaded, presented);
  }

  #acceptLater(
    loading: Promise<LoadedSession | undefined>,
    presented: Presented,
  ): Promise<RequestSession> {
    return loading.then(
      (loaded) => this.#accept(loaded, presented),
      (error) => this.#goOn(error, presented.c),
    );
  }

  /** Accepts the session of a credential, or tries the next one. */
  #accept(loaded: LoadedSession | undefined, presented: Presented): Awaitable<RequestSession> {
    const requestSession = loaded && this.#make(loaded, presented);
    if (requestSession) return this.#issued(requestSession);
    presented.at++;
    return this.#load(presented);
  }

  /** Loads the newest session of the cookies from a position on. */
  async #newest(presented: Presented): Promise<RequestSession> {
    const { credentials, c, at } = presented;
    const cookies = credentials.slice(at).filter(isCookie);
    try {
      const found = await loadNewestFirst(cookies, (key) => this.#loader.load(key, c));
      for (const [index, newest] of found.entries()) {
        const others = othersOf(found.slice(index));
        const requestSession = this.#make({ ...newest, others }, presented);
        if (requestSession) return this.#issued(requestSession);
      }
    } catch (error) {
      return this.#goOn(error, c);
    }
    return this.#load({ credentials, c, at: at + cookies.length });
  }

  /** Finds the newest session of several credentials. */
  async find(credentials: readonly Credential[], c: unknown): Promise<StoredSession | undefined> {
    const [newest] = await loadNewestFirst(credentials, (key) => this.#loader.load(key, c));
    return newest?.stored;
  }

  #issued(requestSession: RequestSession): Awaitable<RequestSession> {
    return this.#config.issue ? issued(requestSession) : requestSession;
  }

  /** Creates the session of a request whose own session is not available. */
  unavailable(c: unknown, unavailable: Unavailable = "store"): RequestSession {
    return new RequestSession(this.#config, { c, unavailable });
  }

  /** Continues without the store, if configured. */
  #goOn(error: unknown, c: unknown): RequestSession {
    if (!(error instanceof SessionStoreError) || this.#onStoreError === "error") throw error;
    return this.unavailable(c);
  }

  /**
   * Ends the session of a credential, if there is one.
   *
   * @throws {SessionStoreError} When the store failed.
   */
  async end(credential: Credential, c: unknown): Promise<void> {
    const loaded = await this.#loader.load({ ...credential, needsNoProof: true }, c);
    if (loaded) await endSession(this.#config, loaded.stored, c);
  }

  #make(loaded: LoadedSession, { credentials }: Presented): RequestSession | undefined {
    const { c, stored: { record: { sid } } } = loaded;
    const options = this.#adopter?.beside(loaded, credentials.at(-1)!) ?? loaded;
    try {
      const requestSession = new RequestSession(this.#config, options);
      if (this.#config.events.loaded) emit(this.#config, "loaded", { sid }, c);
      return requestSession;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return this.#loader.reject("invalid", c, sid);
    }
  }
}

const issued = (session: RequestSession) => session.issue().then(() => session);

const isCookie = ({ by }: Credential): boolean => by === "cookie";

/** Checks whether a client stores a credential itself. */
const isHeld = ({ by }: Credential): boolean => by !== "token";
const isUnproven = (credential: Credential): boolean => credential.isUnproven === true;
