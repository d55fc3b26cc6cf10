import { monotonicTime } from "../util/clock.ts";
import { COMMIT_TRIES } from "../util/tries.ts";

/** The longest pause before the third try, in milliseconds; twice as long before each further one. */
const FIRST_PAUSE = 25;
/** The longest pause, in milliseconds. */
const LONGEST_PAUSE = 200;

/** The tries of one write against those of other requests: as many as there is time for. */
export class ConflictRetry {
  readonly #until: number;
  #tries = 1;

  /** @param timeout How long it is tried, in milliseconds. */
  constructor(timeout: number) {
    this.#until = monotonicTime() + timeout;
  }

  /** How often it was tried. */
  get tries(): number {
    return this.#tries;
  }

  /**
   * Waits for the next try: not at all before the second, then longer each time, and no two requests for the same time.
   *
   * @returns Whether there is time left for one.
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
