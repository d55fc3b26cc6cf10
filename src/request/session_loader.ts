import { followRotations } from "../commit/rotation.ts";
import { hashToken } from "../crypto/store_key.ts";
import { isToken } from "../crypto/token.ts";
import { DeviceProofs } from "../device/device_proofs.ts";
import { emit, type RejectionReason } from "../events.ts";
import { rejectionOf } from "../record/admission.ts";
import { isSessionRecord, type StoredSession } from "../record/record.ts";
import type { DataReader } from "../record/schema.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import type { CredentialKind, RequestConfig, RequestSessionOptions } from "./config.ts";

/** A credential that a client presented. */
export interface Credential {
  readonly by: CredentialKind;
  /** Its token. */
  readonly token?: string | undefined;
  /** The key of its session. */
  readonly key?: string;
  /** Why it is rejected, if that is already known. */
  readonly rejected?: RejectionReason;
  /** The headers that came with it, which may prove the device of its session. */
  headers?: Headers;
  /** Whether a bound session needs no proof: the credential is from a response of this application, or the session is to be ended. */
  readonly needsNoProof?: true;
  /** Set by the loader for a cookie that identifies a session whose device has given no proof. */
  isUnproven?: true;
}

/** A live session, with its migrated data. */
export interface LoadedSession extends RequestSessionOptions {
  readonly stored: StoredSession;
  readonly receivedAt: number;
}

/** The look-up of a session. */
interface Lookup {
  readonly loader: SessionLoader;
  readonly credential: Credential;
  key: string;
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
    const { rejected, token, key } = credential;
    if (rejected) return this.reject(rejected, c);
    const { onServer } = this.#config.expiry;
    if (onServer && token !== undefined && !isToken(token)) return this.reject("malformed", c);
    const lookup: Lookup = { loader: this, credential, key: token!, c };
    if (!onServer) return SessionLoader.#read(token!, lookup);
    return andThen(key ?? hashToken(token!), SessionLoader.#read, lookup);
  }

  static #read(key: string, lookup: Lookup): Awaitable<LoadedSession | undefined> {
    lookup.key = key;
    const { loader, c } = lookup;
    return andThen(loader.#config.store.read(key, c), SessionLoader.#check, lookup);
  }

  /** Checks whether a record is a session that the client may use. */
  static #check(
    record: unknown,
    { loader, credential, key, c }: Lookup,
  ): Awaitable<LoadedSession | undefined> {
    if (record === undefined) return loader.reject("unknown", c);
    if (!isSessionRecord(record)) return loader.reject("invalid", c);
    const { by, token } = credential;
    const receivedAt = loader.#config.clock();
    const stored = { token, key, record };
    const loaded = { c, by, stored, receivedAt };
    return record.trace === undefined
      ? loader.admit(loaded, credential)
      : loader.follow(loaded, credential);
  }

  /** Finds the session that a trace leads to. */
  async follow(
    traced: LoadedSession,
    credential?: Credential,
  ): Promise<LoadedSession | undefined> {
    const { c, stored: from, receivedAt } = traced;
    const { graceUntil = Infinity, sid, trace } = from.record;
    const isOver = receivedAt >= graceUntil;
    const now = isOver ? -Infinity : receivedAt;
    // A cookie of another library may stay in the browser of a user who has logged out.
    const stored = isOver && trace !== "adopted"
      ? undefined
      : await followRotations(this.#config.store, { from, now }, c);
    if (typeof stored === "string") return this.reject("unknown", c, sid);
    if (isOver || !stored) return this.reject("reuse", c, sid);
    return await this.admit({ ...traced, stored, presentedTrace: from }, credential);
  }

  /** Checks whether the client may use a session. */
  admit(loaded: LoadedSession, credential?: Credential): Awaitable<LoadedSession | undefined> {
    const { c, stored: { record } } = loaded;
    const rejected = rejectionOf(this.#config, loaded, c);
    if (rejected) return this.reject(rejected, c, rejected === "unknown" ? undefined : record.sid);
    return record.device === undefined || credential?.needsNoProof
      ? this.#show(loaded)
      : this.#showProven(loaded, credential);
  }

  /** Shows a session that is bound to a device, if the request proves that it comes from there. */
  #showProven(
    loaded: LoadedSession,
    credential: Credential | undefined,
  ): Awaitable<LoadedSession | undefined> {
    const { c, stored } = loaded;
    const headers = credential?.headers;
    const isProven = headers && this.#config.device?.isProven(stored, headers, c);
    return andThen(isProven, (isProven) => {
      if (isProven) return this.#show(loaded);
      const skipped = headers && DeviceProofs.skippedIn(headers);
      const { sid } = stored.record;
      emit(this.#config, "rejected", { reason: "device", sid, ...(skipped && { skipped }) }, c);
      // A client without the cookie of the session has none that could be overwritten.
      if (credential?.by === "cookie") credential.isUnproven = true;
      return undefined;
    });
  }

  #show(loaded: LoadedSession): Awaitable<LoadedSession | undefined> {
    const { readData } = this.#config;
    return readData ? this.#readData(loaded, readData) : loaded;
  }

  async #readData(
    loaded: LoadedSession,
    readData: DataReader,
  ): Promise<LoadedSession | undefined> {
    const { c, stored: { record: { data, sid } } } = loaded;
    const shown = await readData(data, c);
    return shown === undefined ? this.reject("invalid", c, sid) : { ...loaded, shown };
  }

  /** Reports why a credential is rejected. */
  reject(reason: RejectionReason, c: unknown, sid?: string): undefined {
    emit(this.#config, "rejected", sid === undefined ? { reason } : { reason, sid }, c);
  }
}
