import { adoptSession } from "../commit/adopt.ts";
import { changeRecord } from "../commit/change_record.ts";
import { endSession, refuseEnd } from "../commit/end.ts";
import { followRotations } from "../commit/rotation.ts";
import { type AdoptedToken, deriveAdopted } from "../crypto/adopted_token.ts";
import { SessionEndedError, SessionLimitError, SessionStoreError } from "../errors.ts";
import { CLOCK_SKEW } from "../record/expiry.ts";
import { isSessionRecord, type SessionRecord, type StoredSession } from "../record/record.ts";
import { makeTrace } from "../record/trace.ts";
import type { SessionState } from "../session/session_state.ts";
import type { StoreGeneration } from "../store/store_generation.ts";
import { andThen, type Awaitable, orElse } from "../util/awaitable.ts";
import { LARGEST_COOKIE } from "../util/cookie_limits.ts";
import type { AdoptionMarks } from "./adoption_marks.ts";
import type { AdoptConfig, RequestConfig } from "./config.ts";
import type { Credential, LoadedSession, SessionLoader } from "./load.ts";
import { type ReadSession, toReadSession } from "./read_session.ts";
import { RequestSession } from "./request_session.ts";

/** A cookie of another library. */
interface Place extends AdoptedToken {
  /** Its value. */
  readonly token: string;
}

/** Adopts the sessions of another library. */
export class Adopter {
  readonly #config: RequestConfig;
  readonly #options: AdoptConfig;
  readonly #loader: SessionLoader;
  readonly #marks: AdoptionMarks | undefined;
  readonly #generation: StoreGeneration | undefined;

  constructor(config: RequestConfig, { options, loader, marks, generation }: {
    options: AdoptConfig;
    loader: SessionLoader;
    marks: AdoptionMarks | undefined;
    generation: StoreGeneration | undefined;
  }) {
    this.#config = config;
    this.#options = options;
    this.#loader = loader;
    this.#marks = marks;
    this.#generation = generation;
  }

  /** Loads the session that was adopted for a cookie, or adopts it. A cookie without a session is rejected. */
  async load(token: string, c: unknown): Promise<LoadedSession | undefined> {
    if (token.length > LARGEST_COOKIE) return this.#loader.reject("malformed", c);
    const place = await this.#placeOf(token);
    // The first request of a process adopts the session, and the others follow it.
    return await this.#config.queue.run(place.key, () => this.#load(place, c));
  }

  /**
   * Adds to a session what ends that of another library whose cookie came as well, so that it is not adopted after a
   * logout. A stateless store can't remember that.
   */
  beside(loaded: LoadedSession, { by, token }: Credential): LoadedSession {
    const isEndable = by === "adopted" && token!.length <= LARGEST_COOKIE &&
      loaded.by === "cookie" && !this.#config.store.capabilities.stateless;
    return isEndable ? { ...loaded, endAdoptable: () => this.#endOf(token!, loaded.c) } : loaded;
  }

  async #endOf(token: string, c: unknown): Promise<void> {
    const { queue } = this.#config;
    const place = await this.#placeOf(token);
    await queue.run(place.key, () => this.#end(place, c));
  }

  async #end(place: Place, c: unknown): Promise<void> {
    const { store, clock } = this.#config;
    const { token, key, sid } = place;
    const expiresAt = this.#options.until + CLOCK_SKEW;
    const change = async (current: SessionRecord | undefined) => {
      if (current?.trace || !current && !await this.#read(token, c)) return undefined;
      // A record that is no trace is the claim of a process that adopts it at this moment, or stopped in between.
      return makeTrace("ended", { sid, version: (current?.version ?? 0) + 1, expiresAt });
    };
    const record = await changeRecord(store, { key, change }, c);
    if (record === false) refuseEnd();
    if (!record) return;
    const stored = await followRotations(store, { from: { token, key, record }, now: clock() }, c);
    if (typeof stored !== "string") await endSession(this.#config, stored, c);
  }

  async #placeOf(token: string): Promise<Place> {
    const names = [this.#config.cookieName, this.#options.cookie];
    return { token, ...await deriveAdopted(names, token) };
  }

  async #load(place: Place, c: unknown): Promise<LoadedSession | undefined> {
    const stored = await this.#storedAt(place, c);
    return await (stored?.record.trace ? this.#follow(stored, c) : this.#adopt(place, c));
  }

  /** Returns the trace that leads to the session that was adopted for a cookie, or the claim of who adopts it. */
  #storedAt({ token, key }: Place, c: unknown): Awaitable<StoredSession | undefined> {
    const { store } = this.#config;
    if (store.capabilities.stateless) return undefined;
    return andThen(
      store.read(key, c),
      (record) => isSessionRecord(record) ? { token, key, record } : undefined,
    );
  }

  #follow(stored: StoredSession, c: unknown): Promise<LoadedSession | undefined> {
    return this.#loader.follow({ c, by: "adopted", stored, receivedAt: this.#config.clock() });
  }

  async #adopt(place: Place, c: unknown): Promise<LoadedSession | undefined> {
    const read = await this.#read(place.token, c);
    if (!read) return this.#loader.reject("unknown", c);
    const { clock, readData } = this.#config;
    if (read.endsAt <= clock()) return this.#loader.reject("expired", c);
    const state = new RequestSession(this.#config, { c }).createState();
    state.replaceData(read.data);
    if (readData && await readData(state.contents(false).data.text, c) === undefined) {
      return this.#loader.reject("invalid", c);
    }
    // In this order: what is ended after this is refused by the store.
    const storeGeneration = await this.#currentGeneration(c);
    if (!await this.#bind(state, read.subject, c)) return this.#loader.reject("unknown", c);
    try {
      return await this.#store(place, { state, endsAt: read.endsAt, storeGeneration }, c);
    } catch (error) {
      const isRefused = error instanceof SessionEndedError || error instanceof SessionLimitError;
      if (!isRefused) throw error;
      return this.#loader.reject("unknown", c);
    }
  }

  /**
   * Asks the application for the session of a cookie.
   *
   * @throws {SessionStoreError} When it failed.
   */
  async #read(token: string, c: unknown): Promise<ReadSession | undefined> {
    const run = () => orElse(() => this.#options.read(token, c), toFailure);
    return toReadSession(await this.#config.store.run({ operation: "adopt", c }, run));
  }

  /** Returns the current generation of all sessions, with the option `revokeEverything`. */
  async #currentGeneration(c: unknown): Promise<number | undefined> {
    const generation = this.#generation;
    return generation &&
      await this.#config.store.run({ operation: "read", c }, () => generation.get(c, undefined));
  }

  /** Binds a session to its subject; `false` when its sessions, or those of everybody, were ended. */
  async #bind(state: SessionState, subject: string | undefined, c: unknown): Promise<boolean> {
    if (subject !== undefined) state.subject = subject;
    // In this order: what is ended after this is refused by the store.
    await state.pending.subject?.generation.get();
    return !await this.#marks?.hasEnded(subject, c);
  }

  async #store(
    place: Place,
    session: { state: SessionState; endsAt: number; storeGeneration: number | undefined },
    c: unknown,
  ): Promise<LoadedSession | undefined> {
    const { clock } = this.#config;
    // After that no server adopts a session, whatever its clock says.
    const keptUntil = this.#options.until + CLOCK_SKEW;
    const adopted = await adoptSession(this.#config, { ...place, ...session, keptUntil }, c);
    if (!adopted) {
      const stored = await this.#storedAt(place, c);
      if (stored?.record.trace) return await this.#follow(stored, c);
      return this.#loader.reject("unknown", c);
    }
    const { stored, trace: presentedTrace } = adopted;
    return await (presentedTrace
      ? this.#loader.admit({ c, by: "adopted", stored, presentedTrace, receivedAt: clock() })
      // It may have been revoked: its `sid` is that of each session that was adopted for the cookie.
      : this.#loader.load({ by: "adopted", token: stored.token }, c));
  }
}

/** Returns `undefined` for a cookie that could not be parsed. */
function toFailure(cause: unknown): undefined {
  if (cause instanceof SyntaxError || cause instanceof URIError) return undefined;
  throw new SessionStoreError("Cannot adopt session: option adopt.read failed", { cause });
}
