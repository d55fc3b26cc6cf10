import { adoptSession } from "../commit/adopt.ts";
import { changeRecord } from "../commit/change_record.ts";
import { endSession, throwEndConflict } from "../commit/end.ts";
import { followRotations } from "../commit/rotation.ts";
import { type AdoptedToken, deriveAdopted } from "../crypto/adopted_token.ts";
import { SessionEndedError, SessionLimitError, SessionStoreError } from "../errors.ts";
import type { RejectionReason } from "../events.ts";
import { CLOCK_SKEW } from "../record/expiry.ts";
import { isSessionRecord, type SessionRecord, type StoredSession } from "../record/record.ts";
import { makeTrace } from "../record/trace.ts";
import { andThen, type Awaitable, orElse } from "../util/awaitable.ts";
import { LARGEST_COOKIE } from "../util/cookie_limits.ts";
import { type AdoptedSession, toAdoptedSession } from "./adopted_session.ts";
import { isAdoptionEnded } from "./adoption_marks.ts";
import type { AdoptConfig, RequestConfig } from "./config.ts";
import type { Credential, LoadedSession, SessionLoader } from "./session_loader.ts";
import { RequestSession } from "./request_session.ts";

/** A cookie of another library. */
interface Place extends AdoptedToken {
  /** Its value. */
  readonly token: string;
}

/** The session of a cookie, or why the cookie is rejected; `undefined` when the reason was already reported. */
type Outcome = LoadedSession | RejectionReason | undefined;

/** Adopts the sessions of another library. */
export class Adopter {
  readonly #config: RequestConfig;
  readonly #options: AdoptConfig;
  readonly #loader: SessionLoader;

  constructor(config: RequestConfig, loader: SessionLoader) {
    this.#config = config;
    this.#options = config.adopt!;
    this.#loader = loader;
  }

  /** Loads the session that was adopted for a cookie, or adopts it. A cookie without a session is rejected. */
  async load(token: string, c: unknown): Promise<LoadedSession | undefined> {
    if (token.length > LARGEST_COOKIE) return this.#loader.reject("malformed", c);
    // The first request of a process adopts the session, and the others follow it.
    const loaded = await this.#inTurn(token, (place) => this.#load(place, c));
    return typeof loaded === "string" ? this.#loader.reject(loaded, c) : loaded;
  }

  /**
   * Makes a logout also end the session of the other library, if the request has a cookie of it, so that it is not
   * adopted later. A stateless store can't remember that.
   */
  beside(loaded: LoadedSession, { by, token }: Credential): LoadedSession {
    const isEndable = by === "adopted" && token!.length <= LARGEST_COOKIE &&
      loaded.by === "cookie" && this.#config.expiry.onServer;
    if (!isEndable) return loaded;
    const { c, others = [] } = loaded;
    const end = () => this.#inTurn(token!, (place) => this.#end(place, c));
    return { ...loaded, others: [...others, end] };
  }

  /** Runs a task after the earlier ones for the same cookie. */
  async #inTurn<Result>(token: string, task: (place: Place) => Promise<Result>): Promise<Result> {
    const names = [this.#config.cookieName, this.#options.cookie];
    const place = { token, ...await deriveAdopted(names, token) };
    return await this.#config.queue.run(place.key, () => task(place));
  }

  async #end(place: Place, c: unknown): Promise<void> {
    const { store, clock } = this.#config;
    const { token, key, sid } = place;
    const expiresAt = this.#keptUntil;
    const change = async (current: SessionRecord | undefined) => {
      if (current?.trace || !current && !await this.#read(token, c)) return undefined;
      // A record that is no trace is the claim of a process that adopts it at this moment, or stopped in between.
      return makeTrace("ended", { sid, version: (current?.version ?? 0) + 1, expiresAt });
    };
    const record = await changeRecord(store, { key, change }, c);
    if (record === false) throwEndConflict();
    if (!record) return;
    const stored = await followRotations(store, { from: { token, key, record }, now: clock() }, c);
    if (typeof stored !== "string") await endSession(this.#config, stored, c);
  }

  /** From this time on, no server adopts a session, whatever its clock says, in epoch milliseconds. */
  get #keptUntil(): number {
    return this.#options.until + CLOCK_SKEW;
  }

  async #load(place: Place, c: unknown): Promise<Outcome> {
    const stored = await this.#storedAt(place, c);
    return await (stored?.record.trace ? this.#follow(stored, c) : this.#adopt(place, c));
  }

  /** Returns the trace that leads to the session that was adopted for a cookie, or the claim of the process that adopts it. */
  #storedAt({ token, key }: Place, c: unknown): Awaitable<StoredSession | undefined> {
    const { store, expiry } = this.#config;
    if (!expiry.onServer) return undefined;
    return andThen(
      store.read(key, c),
      (record) => isSessionRecord(record) ? { token, key, record } : undefined,
    );
  }

  #follow(stored: StoredSession, c: unknown): Promise<LoadedSession | undefined> {
    return this.#loader.follow({ c, by: "adopted", stored, receivedAt: this.#config.clock() });
  }

  async #adopt(place: Place, c: unknown): Promise<Outcome> {
    const { clock, readData, store, generation } = this.#config;
    const read = await this.#read(place.token, c);
    if (!read) return "unknown";
    const { data, subject, expiresAt: endsAt = Infinity } = read;
    if (endsAt <= clock()) return "expired";
    const state = new RequestSession(this.#config, { c }).createState();
    state.replaceData(data);
    if (readData && await readData(state.contents().data.text, c) === undefined) {
      return "invalid";
    }
    // The generations first: the store refuses a session that is ended after they were read.
    const storeGeneration = generation &&
      await store.run({ operation: "read", c }, () => generation.get(c, undefined));
    if (subject !== undefined) state.subject = subject;
    await state.pending.subject?.generation.get();
    if (await isAdoptionEnded(this.#config, subject, c)) return "unknown";
    const adoption = { ...place, state, endsAt, storeGeneration, keptUntil: this.#keptUntil };
    try {
      const adopted = await adoptSession(this.#config, adoption, c);
      if (!adopted) {
        const stored = await this.#storedAt(place, c);
        return stored?.record.trace ? await this.#follow(stored, c) : "unknown";
      }
      const { stored, trace: presentedTrace } = adopted;
      return await (presentedTrace
        ? this.#loader.admit({ c, by: "adopted", stored, presentedTrace, receivedAt: clock() })
        // It may have been revoked before: all sessions that are adopted for one cookie have the same `sid`.
        : this.#loader.load({ by: "adopted", token: stored.token }, c));
    } catch (error) {
      if (error instanceof SessionEndedError || error instanceof SessionLimitError) {
        return "unknown";
      }
      throw error;
    }
  }

  /**
   * Asks the application for the session of a cookie.
   *
   * @throws {SessionStoreError} When it failed.
   */
  async #read(token: string, c: unknown): Promise<AdoptedSession | undefined> {
    const run = () => orElse(() => this.#options.read(token, c), toFailure);
    return toAdoptedSession(await this.#config.store.run({ operation: "adopt", c }, run));
  }
}

/** Returns `undefined` for a cookie that could not be parsed. */
function toFailure(cause: unknown): undefined {
  if (cause instanceof SyntaxError || cause instanceof URIError) return undefined;
  throw new SessionStoreError("Cannot adopt session: option adopt.read failed", { cause });
}
