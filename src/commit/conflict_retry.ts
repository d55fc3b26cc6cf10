import { monotonicTime } from "../util/clock.ts";
import { COMMIT_TRIES } from "../util/tries.ts";

/** The longest pause before the third try, in milliseconds. It doubles with each further try. */
const FIRST_PAUSE = 25;
/** The longest pause, in milliseconds. */
const LONGEST_PAUSE = 200;

/** Retries one write that conflicts with other requests until its time is up. */
export class ConflictRetry {
  readonly #until: number;
  #tries = 1;

  /** @param timeout The time limit, in milliseconds. */
  constructor(timeout: number) {
    this.#until = monotonicTime() + timeout;
  }

  get tries(): number {
    return this.#tries;
  }

  /**
   * Waits before the next try: not at all before the second, then longer each time, with jitter.
   *
   * @returns Whether there is time left for another try.
   */
  async next(): Promise<boolean> {
    if (this.#tries === COMMIT_TRIES) return false;
    if (this.#tries > 1) {
      const longest = Math.min(FIRST_PAUSE * 2 ** (this.#tries - 2), LONGEST_PAUSE);
      const pause = Math.random() * longest;
      if (monotonicTime() + pause >= this.#until) return false;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    this.#tries++;
    return true;
  }
}
