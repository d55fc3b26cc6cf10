/** How many timers are many, and in what time: a test that does something now and then has none left when it ends. */
const MANY = 5000;
const WINDOW = 5000;

/** How often the common timer ticks in the time that a timer takes. One may be over so much too early, but not too late. */
const TICKS = 20;

/** The shortest time for which there is a common timer, in milliseconds. */
const SHORTEST = 200;

/** In Workers a timer ends with the request that it was set in. */
const canShare = globalThis.navigator?.userAgent !== "Cloudflare-Workers";

type TimerId = ReturnType<typeof setTimeout>;

/** A timer that was started. */
export interface Timer {
  readonly onTimeout: () => void;
  /** At which tick of the common timer it was started. */
  readonly tick: number;
  /** The timer of its own that it has, if it isn't in common with others. */
  readonly id: TimerId | undefined;
}

/**
 * Timers that all take the same time. To set and clear one costs as much as it takes some stores to answer, so that while
 * there are many, a common one ticks for all of them.
 */
export class Timers {
  /** How long they take, in milliseconds. */
  readonly duration: number;
  readonly #keepsAlive: boolean;
  /** Those in common, in the order in which they end. */
  readonly #running = new Set<Timer>();
  #ticker: TimerId | undefined;
  #ticks = 0;
  #usedAt = 0;
  #count = 0;
  #countedAt = -Infinity;

  /** @param keepsAlive Whether the process waits for them. */
  constructor({ duration, keepsAlive }: { duration: number; keepsAlive: boolean }) {
    this.duration = duration;
    this.#keepsAlive = keepsAlive;
  }

  /** Starts one. */
  start(onTimeout: () => void): Timer {
    if (this.#ticker === undefined && !this.#areMany()) {
      const id = setTimeout(onTimeout, this.duration);
      if (!this.#keepsAlive) unref(id);
      return { onTimeout, tick: 0, id };
    }
    this.#usedAt = this.#ticks;
    const timer = { onTimeout, tick: this.#ticks, id: undefined };
    this.#running.add(timer);
    return timer;
  }

  /** Stops one that may be over. */
  stop(timer: Timer): void {
    if (timer.id === undefined) this.#running.delete(timer);
    else clearTimeout(timer.id);
  }

  /** Counts one more, and starts the common timer when there are many. */
  #areMany(): boolean {
    if (++this.#count < MANY || !canShare || this.duration < SHORTEST) return false;
    const now = performance.now();
    const areMany = now - this.#countedAt < WINDOW;
    this.#count = 0;
    this.#countedAt = now;
    if (areMany) {
      this.#ticker = setInterval(() => this.#onTick(), this.duration / TICKS);
      if (!this.#keepsAlive) unref(this.#ticker);
    }
    return areMany;
  }

  #onTick(): void {
    this.#ticks++;
    for (const timer of this.#running) {
      if (timer.tick > this.#ticks - TICKS) break;
      this.#running.delete(timer);
      timer.onTimeout();
    }
    if (this.#running.size > 0 || this.#usedAt === this.#ticks - 1) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}

function unref(id: TimerId): void {
  (id as { unref?(): unknown }).unref?.();
}
