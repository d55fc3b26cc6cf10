import { followRotations } from "../commit/rotation.ts";
import { hashToken } from "../crypto/store_key.ts";
import { isToken } from "../crypto/token.ts";
import { emit, type RejectionReason } from "../events.ts";
import { isLive } from "../record/expiry.ts";
import { isSessionRecord, type StoredSession } from "../record/record.ts";
import type { DataReader } from "../record/schema.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { RequestConfig } from "./config.ts";

/** A credential that a client presented. */
export interface Credential {
  readonly by: "cookie" | "token";
  /** Its token. */
  readonly token?: string | undefined;
  /** Its key of the session. */
  readonly key?: string;
  /** Why it is rejected, if that is already known. */
  readonly rejected?: RejectionReason;
}

/** A live session, with its migrated data. */
export interface LoadedSession {
  readonly stored: StoredSession;
  readonly shown: string | undefined;
  /** The trace that led to the session. */
  readonly presentedTrace: StoredSession | undefined;
  /** When it was requested, in epoch milliseconds. */
  readonly receivedAt: number;
}

/** The look-up of a session. */
interface Lookup {
  readonly loader: SessionLoader;
  readonly token: string | undefined;
  readonly c: unknown;
}

/** Finds the sessions that credentials identify. */
export class SessionLoader {
  readonly #config: RequestConfig;

  constructor(config: RequestConfig) {
    this.#config = config;
  }

  /** Loads the session of a credential. A credential without a session is rejected. */
  load(credential: Credential, c: unknown): Awaitable<LoadedSession | undefined> {
    if (credential.rejected) return this.reject(credential.rejected, c);
    const { token } = credential;
    const lookup = { loader: this, token, c };
    if (this.#config.store.capabilities.stateless) return SessionLoader.#read(token!, lookup);
    if (token !== undefined && !isToken(token)) return this.reject("malformed", c);
    return andThen(credential.key ?? hashToken(token!), SessionLoader.#read, lookup);
  }

  static #read(key: string, { loader, token, c }: Lookup): Awaitable<LoadedSession | undefined> {
    const place = { loader, token, key, c };
    return andThen(loader.#config.store.read(key, c), SessionLoader.#check, place);
  }

  /** Checks whether a record is a session that the client may use. */
  static #check(
    record: unknown,
    { loader, token, key, c }: Lookup & { readonly key: string },
  ): Awaitable<LoadedSession | undefined> {
    if (record === undefined) return loader.reject("unknown", c);
    if (!isSessionRecord(record)) return loader.reject("invalid", c);
    const now = loader.#config.clock();
    const stored = { token, key, record };
    return record.trace === undefined
      ? loader.#admit(stored, { now }, c)
      : loader.#follow(stored, now, c);
  }

  /** Finds the session that a trace leads to. */
  async #follow(
    from: StoredSession,
    now: number,
    c: unknown,
  ): Promise<LoadedSession | undefined> {
    const { graceUntil = Infinity, sid } = from.record;
    if (now >= graceUntil) return this.reject("reuse", c, sid);
    const stored = await followRotations(this.#config.store, { from, now }, c);
    return typeof stored === "string"
      ? this.reject("unknown", c, sid)
      : await this.#admit(stored, { now, presentedTrace: from }, c);
  }

  #admit(
    stored: StoredSession,
    { now: receivedAt, presentedTrace }: { now: number; presentedTrace?: StoredSession },
    c: unknown,
  ): Awaitable<LoadedSession | undefined> {
    const { store, cookieName, expiry, readData, scope } = this.#config;
    const { sid } = stored.record;
    if (!store.capabilities.stateless && stored.record.cookieName !== cookieName) {
      return this.reject("unknown", c);
    }
    if (!isLive(expiry, stored.record, receivedAt)) return this.reject("expired", c, sid);
    if (stored.record.scope !== scope?.(c)) return this.reject("scope", c, sid);
    const loaded = { stored, shown: undefined, presentedTrace, receivedAt };
    return readData ? this.#readData(loaded, readData, c) : loaded;
  }

  async #readData(
    loaded: LoadedSession,
    readData: DataReader,
    c: unknown,
  ): Promise<LoadedSession | undefined> {
    const { data, sid } = loaded.stored.record;
    const shown = await readData(data, c);
    return shown === undefined ? this.reject("invalid", c, sid) : { ...loaded, shown };
  }

  /** Reports why a credential is rejected. */
  reject(reason: RejectionReason, c: unknown, sid?: string): undefined {
    emit(this.#config, "rejected", sid === undefined ? { reason } : { reason, sid }, c);
  }
}
