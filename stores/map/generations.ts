import { SessionEndedError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record/record.ts";
import type { DeleteAllOptions } from "../../src/store/contract.ts";
import { GENERATION_KEPT } from "../../src/store/generation.ts";
import type { Clock } from "../../src/util/clock.ts";

/** The end of all sessions of a subject. */
interface End {
  /** The generation that it began. */
  readonly generation: number;
  /** The `sid` of the session that stays, if it is not of a generation before `since`. */
  readonly except: string | undefined;
  readonly since: number;
  readonly until: number;
}

/** The generations of the sessions of subjects. */
export class Generations {
  /** In the order of their ends, as all are remembered equally long. */
  readonly #ends = new Map<string, End>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many subjects have one that is remembered. */
  get size(): number {
    return this.#ends.size;
  }

  /** The present generation of a subject. */
  of(subject: string): number {
    return this.#ends.get(subject)?.generation ?? 0;
  }

  /** Begins the next generation of a subject. */
  raise(subject: string, { except }: DeleteAllOptions): void {
    const now = this.#clock();
    const before = this.#ends.get(subject);
    const generation = Math.max(this.of(subject) + 1, Math.floor(now));
    const since = except === undefined ? 0 : oldest(before, except);
    this.#ends.delete(subject);
    this.#ends.set(subject, { generation, except, since, until: now + GENERATION_KEPT });
    for (const [subject, { until }] of this.#ends) {
      if (until > now) break;
      this.#ends.delete(subject);
    }
  }

  /**
   * Does nothing when a record may come into being.
   *
   * @throws {SessionEndedError} When all sessions of its subject were ended since its login began.
   */
  assertPresent({ sid, subject, generation = 0 }: SessionRecord): void {
    if (subject === undefined || generation >= oldest(this.#ends.get(subject), sid)) return;
    throw new SessionEndedError(
      "Cannot store session: all sessions of its subject were ended; log in again",
    );
  }
}

/** The oldest generation of which a session of a name may be. */
function oldest(end: End | undefined, sid: string): number {
  if (!end) return 0;
  return sid === end.except ? end.since : end.generation;
}
