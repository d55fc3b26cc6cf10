import { endedKey } from "../crypto/adopted_token.ts";
import { makeSid } from "../crypto/token.ts";
import { CLOCK_SKEW } from "../record/expiry.ts";
import { makeTrace } from "../record/trace.ts";
import type { TimeoutStore } from "../store/timeout_store.ts";
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
    const { records, clock, until, cookieName } = this.#options;
    // Elsewhere it may be earlier.
    if (clock() >= until + CLOCK_SKEW) return;
    const expiresAt = until + CLOCK_SKEW;
    const key = await endedKey(subject === undefined ? ["everybody", cookieName] : [subject]);
    await records.create(key, makeTrace("ended", { sid: makeSid(), expiresAt }), c);
  }

  /** Checks whether a session must not be adopted any more. */
  async hasEnded(subject: string | undefined, c: unknown): Promise<boolean> {
    const { records, cookieName } = this.#options;
    const whose = [
      ...(cookieName === undefined ? [] : [["everybody", cookieName]]),
      ...(subject === undefined ? [] : [[subject]]),
    ];
    for (const each of whose) {
      if (await records.read(await endedKey(each), c) !== undefined) return true;
    }
    return false;
  }
}
