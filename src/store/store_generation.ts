import { hashToken } from "../crypto/store_key.ts";
import { LONGEST_LIFE } from "../record/expiry.ts";
import { isSessionRecord, type SessionRecord } from "../record/record.ts";
import { makeTrace } from "../record/trace.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import { type Clock, monotonicTime } from "../util/clock.ts";
import { STORE_TRIES } from "../util/tries.ts";
import type { SessionStore } from "./contract.ts";
import type { TimeoutStore } from "./timeout_store.ts";

/** The `sid` of the record that holds a generation: 16 bytes of zero. */
const SID = "A".repeat(22);

/** Options of {@linkcode StoreGeneration}. */
export interface StoreGenerationOptions {
  readonly store: SessionStore;
  readonly cookieName: string;
  /** How long a generation that was read is used, in milliseconds. */
  readonly every: number;
  readonly clock: Clock;
}

/**
 * The current generation of all sessions of a store: the version of one record, 0 while there is none. Each
 * process reads it again once what it knows is older than `every`.
 */
export class StoreGeneration {
  readonly #options: StoreGenerationOptions;
  readonly #key: Awaitable<string>;
  #current = 0;
  /** When the read that returned it started, by a clock that is never set. */
  #asOf = -Infinity;

  constructor(options: StoreGenerationOptions) {
    this.#options = options;
    this.#key = generationKey(options.cookieName);
  }

  /** Returns the current generation, or one that was current less than `every` ago. */
  get(c: unknown, signal: AbortSignal | undefined): Awaitable<number> {
    const startedAt = monotonicTime();
    const { store, every } = this.#options;
    if (startedAt - this.#asOf < every) return this.#current;
    const reading = andThen(this.#key, (key) => store.read(key, c, signal));
    return andThen(reading, (record) => this.#learn(generationOf(record), startedAt));
  }

  /** Returns the current generation of the sessions with a cookie of any name. */
  of(cookieName: string, c: unknown, signal: AbortSignal | undefined): Awaitable<number> {
    const { cookieName: own, store } = this.#options;
    if (cookieName === own) return this.get(c, signal);
    const reading = andThen(generationKey(cookieName), (key) => store.read(key, c, signal));
    return andThen(reading, generationOf);
  }

  /**
   * Starts a new generation. Returns once no process uses an older one.
   *
   * @param records The store of the generation.
   * @returns Whether it was started.
   */
  async raise(records: TimeoutStore, c: unknown): Promise<boolean> {
    const key = await this.#key;
    for (let tries = 0; tries < STORE_TRIES; tries++) {
      const startedAt = monotonicTime();
      const found = await records.read(key, c);
      const record = this.#next(found);
      const isRaised = found
        ? await records.update(key, record, found, c)
        : await records.create(key, record, c);
      if (!isRaised) continue;
      this.#learn(record.version, startedAt);
      const { every } = this.#options;
      if (every > 0) await new Promise((resolve) => setTimeout(resolve, every));
      return true;
    }
    return false;
  }

  #next(found: SessionRecord | undefined): SessionRecord {
    return makeTrace("ended", {
      sid: SID,
      version: (found?.version ?? this.#current) + 1,
      // Later than any session that it ends.
      expiresAt: this.#options.clock() + LONGEST_LIFE * 1000,
    });
  }

  #learn(generation: number, startedAt: number): number {
    this.#current = Math.max(this.#current, generation);
    this.#asOf = Math.max(this.#asOf, startedAt);
    return this.#current;
  }
}

/** Returns the key of the record that holds the generation of all sessions with a cookie of this name. */
export function generationKey(cookieName: string): Awaitable<string> {
  // A token has no spaces, so that none has this key.
  return hashToken(`generation of all sessions: ${cookieName}`);
}

function generationOf(record: unknown): number {
  return isSessionRecord(record) ? record.version : 0;
}
