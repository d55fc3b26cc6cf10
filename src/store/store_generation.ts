import { hashToken } from "../crypto/store_key.ts";
import { isSessionRecord } from "../record/record.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import { type Clock, monotonicTime } from "../util/clock.ts";
import type { SessionStore } from "./contract.ts";

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
 * process reads it again when its last read is older than `every`.
 */
export class StoreGeneration {
  readonly options: StoreGenerationOptions;
  /** The key of its record. */
  readonly key: Awaitable<string>;
  #latest = 0;
  /** When the read that returned it started, by a clock that is never set. */
  #asOf = -Infinity;

  constructor(options: StoreGenerationOptions) {
    this.options = options;
    this.key = generationKey(options.cookieName);
  }

  /** The latest generation that is known. */
  get latest(): number {
    return this.#latest;
  }

  /** Returns the current generation, or one that was current less than `every` ago. */
  get(c: unknown, signal: AbortSignal | undefined): Awaitable<number> {
    const startedAt = monotonicTime();
    const { store, every } = this.options;
    if (startedAt - this.#asOf < every) return this.#latest;
    const reading = andThen(this.key, (key) => store.read(key, c, signal));
    return andThen(reading, (record) => this.learn(generationOf(record), startedAt));
  }

  /** Returns the current generation of the sessions with a cookie of any name. */
  of(cookieName: string, c: unknown, signal: AbortSignal | undefined): Awaitable<number> {
    const { cookieName: own, store } = this.options;
    if (cookieName === own) return this.get(c, signal);
    const reading = andThen(generationKey(cookieName), (key) => store.read(key, c, signal));
    return andThen(reading, generationOf);
  }

  /** Records a generation that was read or written, and returns the latest. */
  learn(generation: number, startedAt: number): number {
    this.#latest = Math.max(this.#latest, generation);
    this.#asOf = Math.max(this.#asOf, startedAt);
    return this.#latest;
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
