import type { SessionRecord } from "../record/record.ts";
import type { Clock } from "../util/clock.ts";

/** The most that is remembered. */
const MOST = 1000;

/** How long a write may still arrive that failed here, in milliseconds. */
const LATEST = 600_000;

/**
 * The keys of subjects' sessions whose creation failed here and may reach the store all the same: nobody has a token for
 * them.
 */
export class UnacknowledgedWrites {
  readonly #clock: Clock;
  /** Until when each is remembered, in the order in which they came. */
  readonly #keys = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(key: string): void {
    const now = this.#clock();
    this.#keys.set(key, now + LATEST);
    for (const [oldest, until] of this.#keys) {
      if (this.#keys.size <= MOST && until > now) break;
      this.#keys.delete(oldest);
    }
  }

  /** What is put under the key of one that is not there yet, so that it finds its place taken when it arrives. */
  toObstacle({ sid }: SessionRecord): SessionRecord {
    const times = { createdAt: 0, lastSeenAt: 0, renewedAt: 0 };
    const expiresAt = this.#clock() + LATEST;
    return { format: 1, sid, version: 1, data: "{}", ...times, expiresAt, trace: "ended" };
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }
}
