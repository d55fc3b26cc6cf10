import { monotonicTime } from "./clock.ts";

/** The number of calls that are refused without reading the clock, once the bucket is empty. */
const SKIPPED = 64;

/** A token bucket: it allows a burst of calls, and a number of further calls per second. */
export class RateLimit {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens = 0;
  #refilledAt = -Infinity;
  #skipping = 0;

  constructor({ burst, perSecond }: { burst: number; perSecond: number }) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** Takes a token. Most calls that fail only increment a counter. */
  take(): boolean {
    if (this.#skipping > 0) {
      this.#skipping--;
      return false;
    }
    if (this.#tokens === 0) this.#refill();
    if (this.#tokens > 0) {
      this.#tokens--;
      return true;
    }
    this.#skipping = SKIPPED;
    return false;
  }

  #refill(): void {
    const now = monotonicTime();
    const elapsed = (now - this.#refilledAt) / 1000;
    this.#tokens = Math.min(Math.floor(elapsed * this.#perSecond), this.#burst);
    if (this.#tokens > 0) this.#refilledAt = now;
  }
}
