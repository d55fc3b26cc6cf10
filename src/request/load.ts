import { follow } from "../commit/rotation.ts";
import { hashToken, isToken } from "../crypto/token.ts";
import { emit, type RejectionReason } from "../events.ts";
import { isLive } from "../record/expiry.ts";
import { isSessionRecord, type Stored } from "../record/record.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { VisitConfig } from "./config.ts";

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
export interface Loaded {
  readonly stored: Stored;
  readonly shown: string | undefined;
  /** The trace that led to it. */
  readonly via: Stored | undefined;
  /** When it was asked for, in epoch milliseconds. */
  readonly cameAt: number;
}

/** Finds the sessions that credentials identify. */
export class Loader {
  readonly #config: VisitConfig;

  constructor(config: VisitConfig) {
    this.#config = config;
  }

  /** The session that a credential identifies; what is presented for nothing is rejected. */
  load(credential: Credential, c: unknown): Awaitable<Loaded | undefined> {
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
    if (record === undefined) return this.reject("unknown", c);
    if (!isSessionRecord(record)) return this.reject("invalid", c);
    const now = clock();
    const from = { token, key, record };
    const { trace, graceUntil = Infinity, sid } = record;
    if (trace === undefined) return this.#admit(from, { now }, c);
    if (now >= graceUntil) return this.reject("reuse", c, sid);
    return follow(store, { from, now }, c).then((stored) =>
      typeof stored === "string"
        ? this.reject("unknown", c, sid)
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
      return this.reject("unknown", c);
    }
    if (!isLive(expiry, stored.record, cameAt)) return this.reject("expired", c, sid);
    if (stored.record.scope !== scope?.(c)) return this.reject("scope", c, sid);
    if (!readData) return { stored, shown: undefined, via, cameAt };
    return readData(data, c).then((shown) =>
      shown === undefined ? this.reject("invalid", c, sid) : { stored, shown, via, cameAt }
    );
  }

  /** Tells why a credential is not accepted. */
  reject(reason: RejectionReason, c: unknown, sid?: string): undefined {
    emit(this.#config, "rejected", sid === undefined ? { reason } : { reason, sid }, c);
  }
}
