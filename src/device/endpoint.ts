import { ConflictRetry } from "../commit/conflict_retry.ts";
import { isReadable } from "../commit/reread.ts";
import { SessionConflictError, SessionError, SessionStoreError } from "../errors.ts";
import { emit, type Logger, type SessionEvents } from "../events.ts";
import { type AdmissionPolicy, rejectionOf } from "../record/admission.ts";
import { type DeviceBinding, parseBinding, serializeBinding } from "../record/device.ts";
import { isSessionRecord, type SessionRecord, type StoredSession } from "../record/record.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import type { Clock } from "../util/clock.ts";
import type { DeviceProofs, DeviceUse } from "./device_proofs.ts";
import { unquoted, verifyProof } from "./proof.ts";

/** Options of {@linkcode DeviceEndpoint}. */
export interface DeviceEndpointOptions extends AdmissionPolicy {
  readonly store: TimeoutStore;
  readonly clock: Clock;
  /** A clock that never returns the same time twice. */
  readonly instant: Clock;
  readonly events: SessionEvents;
  readonly logger: Logger;
}

/** The outcome of a change of a binding. */
interface Changed {
  readonly stored: StoredSession;
  /** Whether the change was made; else the binding of `stored` forbids it. */
  readonly isMade: boolean;
}

/**
 * Answers browsers that register a key for a session, or prove that they still have it. A browser drops its key
 * for good after a status of 4xx, except a 403 with a challenge, and keeps it after one of 5xx.
 */
export class DeviceEndpoint {
  readonly #device: DeviceProofs;
  readonly #options: DeviceEndpointOptions;

  constructor(device: DeviceProofs, options: DeviceEndpointOptions) {
    this.#device = device;
    this.#options = options;
  }

  /** Answers a request, if it registers or refreshes. */
  answer(request: Request, c: unknown): Promise<Response> | undefined {
    if (request.method !== "POST") return undefined;
    const use = this.#device.useOf(request.url);
    return use && this.#prove(use, request, c).catch((error) => {
      // Failures of the store were reported where they occurred.
      if (error instanceof SessionError) return respond(503);
      throw error;
    });
  }

  async #prove(use: DeviceUse, request: Request, c: unknown): Promise<Response> {
    const device = this.#device;
    const { url, headers } = request;
    const registers = use === "register";
    const reference = registers
      ? new URL(url).searchParams.get("r")
      : unquoted(headers.get("sec-secure-session-id") ?? "");
    const key = await device.keyOf(reference, use, c);
    const stored = key === undefined ? undefined : await this.#read(key, c);
    if (!stored || !registers && stored.record.device === undefined) return respond(404);
    // All sessions of a browser share the name of the cookie with the proof: if the former session stayed valid, its proof
    // would replace that of the present one.
    if (await device.isReplaced(stored, request, c)) return respond(404);
    const known = registers ? undefined : this.#bindingOf(stored.record, c);
    const proof = await verifyProof(headers.get("secure-session-response"), known);
    const issuedAt = proof && await device.issuedAt(proof.challenge, { use, ...stored }, c);
    if (registers && issuedAt === undefined) return respond(400);
    const challengeAt = issuedAt ?? -Infinity;
    const changed = await this.#change(stored, (record) => {
      if (registers && record.device !== undefined) return undefined;
      const now = this.#options.instant();
      const binding = registers
        ? { ...proof!, boundAt: now, provenAt: -Infinity, challengeAt: -Infinity }
        : this.#bindingOf(record, c);
      if (challengeAt <= binding.challengeAt) return undefined;
      const provenAt = Math.max(binding.provenAt + 1, now);
      return serializeBinding({ ...binding, provenAt, challengeAt });
    }, c);
    if (!changed) return respond(404);
    if (!registers) return await this.#respond(changed, reference!, c);
    if (!changed.isMade) return respond(409);
    emit(this.#options, "bound", { sid: stored.record.sid }, c);
    return await this.#respond(changed, await device.reference(stored.key, "refresh", c), c);
  }

  /** Gives the browser the challenge of its next proof, and the cookie if this one was accepted. */
  async #respond({ stored, isMade }: Changed, id: string, c: unknown): Promise<Response> {
    const device = this.#device;
    const { challengeAt: after } = this.#bindingOf(stored.record, c);
    const challenge = await device.challenge({ key: stored.key, id, after }, c);
    const headers = { "secure-session-challenge": challenge };
    if (!isMade) return respond(403, { headers });
    const cookie = await device.cookie(stored, c);
    return respond(200, {
      body: device.instructions(id, stored),
      headers: { ...headers, "content-type": "application/json", "set-cookie": cookie },
    });
  }

  /**
   * Reads a session; `undefined` when it has ended.
   *
   * @throws {SessionStoreError} When the store failed, or what it holds can't be read.
   */
  async #read(key: string, c: unknown): Promise<StoredSession | undefined> {
    const { store, clock } = this.#options;
    const record = await store.read(key, c);
    if (record === undefined) return undefined;
    if (!isSessionRecord(record)) return this.#refuseDamaged("record", c);
    if (record.trace !== undefined) return undefined;
    const stored = { token: undefined, key, record };
    if (rejectionOf(this.#options, { stored, receivedAt: clock() }, c)) return undefined;
    return isReadable(record) ? stored : this.#refuseDamaged("data", c);
  }

  #bindingOf({ device = "" }: SessionRecord, c: unknown): DeviceBinding {
    return parseBinding(device) ?? this.#refuseDamaged("device", c);
  }

  #refuseDamaged(what: string, c: unknown): never {
    const error = new SessionStoreError(`Cannot read session: its ${what} can't be read`);
    throw this.#options.store.toError(error, { operation: "read", c });
  }

  /**
   * Changes the binding of a session and nothing else. Every attempt decides again by what the store holds.
   *
   * @param decide Returns the new binding, or `undefined` to leave the record.
   * @returns The outcome; `undefined` when the session has ended.
   * @throws {SessionStoreError | SessionConflictError} When the change could not be stored.
   */
  async #change(
    from: StoredSession,
    decide: (record: SessionRecord) => string | undefined,
    c: unknown,
  ): Promise<Changed | undefined> {
    const { store } = this.#options;
    const retry = new ConflictRetry(store.timeout);
    let stored = from;
    for (;;) {
      const { key, record: previous } = stored;
      const device = decide(previous);
      if (device === undefined) return { stored, isMade: false };
      const record = { ...previous, device, version: previous.version + 1 };
      let failure: unknown;
      try {
        if (await store.update(key, record, previous, c)) {
          return { stored: { ...stored, record }, isMade: true };
        }
      } catch (error) {
        failure = error;
      }
      const found = await this.#read(key, c);
      if (!found) return undefined;
      // The write may have arrived although its acknowledgement got lost. No two writes of a process are the same.
      if (found.record.device === device) return { stored: found, isMade: true };
      if (failure) throw failure;
      if (!await retry.next()) {
        throw new SessionConflictError("Cannot bind session: other requests were faster");
      }
      stored = found;
    }
  }
}

function respond(
  status: number,
  { body = null, headers = {} }: { body?: string | null; headers?: Record<string, string> } = {},
): Response {
  return new Response(body, { status, headers: { ...headers, "cache-control": "no-store" } });
}
