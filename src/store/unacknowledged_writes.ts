import type { Clock } from "../util/clock.ts";

/** The largest number of remembered writes. */
const MOST = 1000;

/** How long a failed write may still arrive at the store, in milliseconds. */
export const LATEST_WRITE = 600_000;

/**
 * The keys of subjects' sessions whose creation failed but may still reach the store. Nobody has a token for
 * them.
 */
export class UnacknowledgedWrites {
  readonly #clock: Clock;
  /** The time until which each is remembered, in insertion order. */
  readonly #keys = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(key: string): void {
    const now = this.#clock();
    this.#keys.set(key, now + LATEST_WRITE);
    for (const [oldest, until] of this.#keys) {
      if (this.#keys.size <= MOST && until > now) break;
      this.#keys.delete(oldest);
    }
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }
}
