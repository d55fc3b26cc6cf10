import { SessionEndedError } from "../../src/errors.ts";
import type { SessionRecord } from "../../src/record.ts";
import type { Clock, DeleteAllOptions } from "../../src/store.ts";

/** For how long a time holds, in milliseconds: 400 days. */
const LIFE = 400 * 86_400_000;

/** Until when the sessions of a subject have become its to be ended. */
export class NotBefore {
  /** In the order of their ends, as all hold equally long. */
  readonly #times = new Map<string, DeleteAllOptions & { readonly until: number }>();
  readonly #most: number;
  readonly #clock: Clock;

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  /** How many subjects have a time. */
  get size(): number {
    return this.#times.size;
  }

  /** Moves the time of a subject, never back. */
  move(subject: string, options: DeleteAllOptions): void {
    const before = this.#times.get(subject);
    if (before && before.at > options.at) return;
    const now = this.#clock();
    this.#times.delete(subject);
    this.#times.set(subject, { ...options, until: now + LIFE });
    for (const [oldest, { until }] of this.#times) {
      if (until > now && this.#times.size <= this.#most) break;
      this.#times.delete(oldest);
    }
  }

  /**
   * Does nothing when a record may come into being.
   *
   * @throws {SessionEndedError} When all sessions of its subject were ended since it became the subject's.
   */
  assertAfter({ sid, subject, subjectAt = -Infinity }: SessionRecord): void {
    const time = subject === undefined ? undefined : this.#times.get(subject);
    if (!time || subjectAt > time.at || sid === time.except) return;
    throw new SessionEndedError(
      "Cannot store session: all sessions of its subject were ended",
    );
  }
}
