import { endedKey } from "../crypto/adopted_token.ts";
import { makeSid } from "../crypto/token.ts";
import { CLOCK_SKEW } from "../record/expiry.ts";
import { makeTrace } from "../record/trace.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
import type { Awaitable } from "../util/awaitable.ts";
import type { Clock } from "../util/clock.ts";

/** Options of {@linkcode AdoptionMarks}. */
export interface AdoptionMarksOptions {
  readonly records: TimeoutStore;
  readonly clock: Clock;
  /** From this time on no session is adopted, in epoch milliseconds. */
  readonly until: number;
  /** The cookie whose sessions may all be ended at once, if any. */
  readonly cookieName: string | undefined;
}

/** The marks of sessions that were ended before they were adopted: those of a subject, or those of everybody. */
export class AdoptionMarks {
  readonly #options: AdoptionMarksOptions;

  constructor(options: AdoptionMarksOptions) {
    this.#options = options;
  }

  /** Keeps the sessions of a subject, or those of everybody, from being adopted from now on. */
  async end(subject: string | undefined, c: unknown): Promise<void> {
    const { records, clock, until } = this.#options;
    const expiresAt = until + CLOCK_SKEW;
    // Elsewhere it may be earlier.
    if (clock() >= expiresAt) return;
    const key = await this.#keyOf(subject);
    await records.create(key, makeTrace("ended", { sid: makeSid(), expiresAt }), c);
  }

  /** Checks whether a session must not be adopted any more. */
  async hasEnded(subject: string | undefined, c: unknown): Promise<boolean> {
    if (this.#options.cookieName !== undefined && await this.#isMarked(undefined, c)) return true;
    return subject !== undefined && await this.#isMarked(subject, c);
  }

  async #isMarked(subject: string | undefined, c: unknown): Promise<boolean> {
    return await this.#options.records.read(await this.#keyOf(subject), c) !== undefined;
  }

  #keyOf(subject: string | undefined): Awaitable<string> {
    return endedKey(subject === undefined ? ["everybody", this.#options.cookieName] : [subject]);
  }
}
