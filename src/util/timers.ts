/**
 * The number of timers above which they share one. An occasional operation uses its own timer, so that a test
 * leaves none open.
 */
const MANY = 5000;
const WINDOW = 5000;

/** The number of ticks of the shared timer per duration. A timer may fire up to one tick early, but never late. */
const TICKS = 20;

/** The shortest duration with a shared timer, in milliseconds. */
const SHORTEST = 200;

/** In Workers a timer ends with its request. */
const canShare = globalThis.navigator?.userAgent !== "Cloudflare-Workers";

type TimerId = ReturnType<typeof setTimeout>;

/** A timer that was started. */
export interface Timer {
  readonly onTimeout: () => void;
  /** The tick of the shared timer at which it was started. */
  readonly tick: number;
  /** Its own timer, if it does not use the shared one. */
  readonly id: TimerId | undefined;
}

/**
 * Timers with the same duration. Setting and clearing a timer costs as much as an operation of some stores.
 * Therefore many timers share one that ticks.
 */
export class Timers {
  /** The duration, in milliseconds. */
  readonly duration: number;
  readonly #keepsAlive: boolean;
  /** The timers that use the shared one, in the order of their end. */
  readonly #running = new Set<Timer>();
  #ticker: TimerId | undefined;
  #ticks = 0;
  #usedAt = 0;
  #count = 0;
  #countedAt = -Infinity;

  /** @param keepsAlive Whether they keep the process alive. */
  constructor({ duration, keepsAlive }: { duration: number; keepsAlive: boolean }) {
    this.duration = duration;
    this.#keepsAlive = keepsAlive;
  }

  /** Starts a timer. */
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

  /** Stops a timer, which may have fired. */
  stop(timer: Timer): void {
    if (timer.id === undefined) this.#running.delete(timer);
    else clearTimeout(timer.id);
  }

  /** Counts a timer, and starts the shared timer when there are many. */
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
