import type { SessionRecord } from "../../src/record/record.ts";
import type { Clock } from "../../src/util/clock.ts";

/** The number of traces that every new trace checks for expiry. */
const LOOKS = 2;

/**
 * The traces of tokens that identify no session themselves. They are kept apart from the sessions, so that they
 * never evict one. Traces whose successor no client has presented yet, and marks of what has ended, don't compete
 * with traces that only serve to detect reuse.
 */
export class Traces {
  readonly #leading = new Map<string, SessionRecord>();
  readonly #past = new Map<string, SessionRecord>();
  readonly #marks = new Map<string, SessionRecord>();
  readonly #most: number;
  readonly #clock: Clock;

  constructor(most: number, clock: Clock) {
    this.#most = most;
    this.#clock = clock;
  }

  get(key: string): SessionRecord | undefined {
    return this.#leading.get(key) ?? this.#past.get(key) ?? this.#marks.get(key);
  }

  set(key: string, record: SessionRecord): void {
    const traces = this.#placeOf(record);
    traces.set(key, record);
    const now = this.#clock();
    let looks = 0;
    for (const [oldest, { expiresAt }] of traces) {
      if (traces.size <= this.#most && (looks++ === LOOKS || expiresAt > now)) return;
      traces.delete(oldest);
    }
  }

  #placeOf({ trace, successor, graceUntil }: SessionRecord): Map<string, SessionRecord> {
    if (successor !== undefined && graceUntil === undefined) return this.#leading;
    return trace === "ended" || trace === "adopted" ? this.#marks : this.#past;
  }

  delete(key: string): void {
    for (const traces of [this.#leading, this.#past, this.#marks]) traces.delete(key);
  }
}
