import type { SessionRecord } from "../../src/record/record.ts";
import type { DeleteAllOptions } from "../../src/store/contract.ts";
import { GENERATION_KEPT } from "../../src/store/generation_lifetime.ts";
import { refuseLateLogin } from "../../src/store/late_login.ts";
import { nextEnd, oldestOf, type SubjectEnd } from "../../src/store/subject_end.ts";
import type { Clock } from "../../src/util/clock.ts";

/** An end, and how long it is stored. */
interface End extends SubjectEnd {
  readonly until: number;
}

/** The generations of subjects. */
export class Generations {
  /** In the order of their ends: all are kept for the same time. */
  readonly #ends = new Map<string, End>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The number of stored generations. */
  get size(): number {
    return this.#ends.size;
  }

  /** Returns the current generation of a subject. */
  of(subject: string): number {
    return this.#ends.get(subject)?.generation ?? 0;
  }

  /** Starts the next generation of a subject. */
  raise(subject: string, { except }: DeleteAllOptions): void {
    const now = this.#clock();
    const end = nextEnd(this.#ends.get(subject), { now, except });
    this.#ends.delete(subject);
    this.#ends.set(subject, { ...end, until: now + GENERATION_KEPT });
    for (const [subject, { until }] of this.#ends) {
      if (until > now) break;
      this.#ends.delete(subject);
    }
  }

  /**
   * Checks that a record may be stored.
   *
   * @throws {SessionEndedError} When all sessions of its subject were ended after its login started.
   */
  assertPresent({ sid, subject, generation = 0 }: SessionRecord): void {
    if (subject === undefined || generation >= oldestOf(this.#ends.get(subject), sid)) return;
    refuseLateLogin();
  }
}
