import { followRotations } from "../commit/rotation.ts";
import { hashToken, isToken } from "../crypto/token.ts";
import { emit, type RejectionReason } from "../events.ts";
import { isLive } from "../record/expiry.ts";
import { isSessionRecord, type StoredSession } from "../record/record.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { RequestConfig } from "./config.ts";

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
export interface LoadedSession {
  readonly stored: StoredSession;
  readonly shown: string | undefined;
  /** The trace that led to it. */
  readonly presentedTrace: StoredSession | undefined;
  /** When it was asked for, in epoch milliseconds. */
  readonly receivedAt: number;
}

/** Finds the sessions that credentials identify. */
export class SessionLoader {
  readonly #config: RequestConfig;

  constructor(config: RequestConfig) {
    this.#config = config;
  }

  /** The session that a credential identifies; what is presented for nothing is rejected. */
  load(credential: Credential, c: unknown): Awaitable<LoadedSession | undefined> {
    if (credential.rejected) return this.reject(credential.rejected, c);
    const { store } = this.#config;
    const { token } = credential;
    if (store.capabilities.stateless) return this.#read({ token, key: token! }, c);
    if (token !== undefined && !isToken(token)) return this.reject("malformed", c);
    return andThen(
      credential.key ?? hashToken(token!),
      (key) => this.#read({ token, key }, c),
    );
  }

  #read(place: Omit<StoredSession, "record">, c: unknown): Awaitable<LoadedSession | undefined> {
    return andThen(
      this.#config.store.read(place.key, c),
      (record) => this.#check(place, record, c),
    );
  }

  /** Whether what was read is a session that the client may have. */
  #check(
    { token, key }: Omit<StoredSession, "record">,
    record: unknown,
    c: unknown,
  ): Awaitable<LoadedSession | undefined> {
    const { store, clock } = this.#config;
    if (record === undefined) return this.reject("unknown", c);
    if (!isSessionRecord(record)) return this.reject("invalid", c);
    const now = clock();
    const from = { token, key, record };
    const { trace, graceUntil = Infinity, sid } = record;
    if (trace === undefined) return this.#admit(from, { now }, c);
    if (now >= graceUntil) return this.reject("reuse", c, sid);
    return followRotations(store, { from, now }, c).then((stored) =>
      typeof stored === "string"
        ? this.reject("unknown", c, sid)
        : this.#admit(stored, { now, presentedTrace: from }, c)
    );
  }

  #admit(
    stored: StoredSession,
    { now: receivedAt, presentedTrace }: { now: number; presentedTrace?: StoredSession },
    c: unknown,
  ): Awaitable<LoadedSession | undefined> {
    const { store, cookieName, expiry, readData, scope } = this.#config;
    const { sid, data } = stored.record;
    if (!store.capabilities.stateless && stored.record.cookieName !== cookieName) {
      return this.reject("unknown", c);
    }
    if (!isLive(expiry, stored.record, receivedAt)) return this.reject("expired", c, sid);
    if (stored.record.scope !== scope?.(c)) return this.reject("scope", c, sid);
    if (!readData) return { stored, shown: undefined, presentedTrace, receivedAt };
    return readData(data, c).then((shown) =>
      shown === undefined
        ? this.reject("invalid", c, sid)
        : { stored, shown, presentedTrace, receivedAt }
    );
  }

  /** Tells why a credential is not accepted. */
  reject(reason: RejectionReason, c: unknown, sid?: string): undefined {
    emit(this.#config, "rejected", sid === undefined ? { reason } : { reason, sid }, c);
  }
}
