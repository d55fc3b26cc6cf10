import { isWorkers, unref } from "./runtime.ts";

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

type TimerId = ReturnType<typeof setTimeout>;

/** A timer that was started. Those that use the shared timer form a list, in the order of their end. */
export class Timer {
  readonly onTimeout: () => void;
  /** The tick of the shared timer at which it was started. */
  readonly tick: number;
  /** Its own timer, if it does not use the shared one. */
  readonly id: TimerId | undefined;
  previous: Timer | undefined;
  next: Timer | undefined;

  constructor(onTimeout: () => void, tick: number, id?: TimerId) {
    this.onTimeout = onTimeout;
    this.tick = tick;
    this.id = id;
  }
}

/**
 * Timers with the same duration. Setting and clearing a timer costs as much as an operation of some stores.
 * Therefore many timers share one that ticks.
 */
export class Timers {
  /** The duration, in milliseconds. */
  readonly duration: number;
  readonly #keepsAlive: boolean;
  #first: Timer | undefined;
  #last: Timer | undefined;
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
      return new Timer(onTimeout, 0, id);
    }
    this.#usedAt = this.#ticks;
    const timer = new Timer(onTimeout, this.#ticks);
    timer.previous = this.#last;
    if (this.#last) this.#last.next = timer;
    else this.#first = timer;
    this.#last = timer;
    return timer;
  }

  /** Stops a timer, which may have fired. */
  stop(timer: Timer): void {
    if (timer.id === undefined) this.#remove(timer);
    else clearTimeout(timer.id);
  }

  /** Removes a timer from the list, unless it was removed before. */
  #remove(timer: Timer): void {
    const { previous, next } = timer;
    if (previous) previous.next = next;
    else if (this.#first === timer) this.#first = next;
    else return;
    if (next) next.previous = previous;
    else this.#last = previous;
    timer.previous = timer.next = undefined;
  }

  /** Counts a timer, and starts the shared timer when there are many. */
  #areMany(): boolean {
    if (++this.#count < MANY || isWorkers || this.duration < SHORTEST) return false;
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
    while (this.#first && this.#first.tick <= this.#ticks - TICKS) {
      const timer = this.#first;
      this.#remove(timer);
      timer.onTimeout();
    }
    if (this.#first || this.#usedAt === this.#ticks - 1) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}
