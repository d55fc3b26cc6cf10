import { isDeno } from "./runtime.ts";

/** Timers with the same duration. While one is running, it keeps the process alive. */
export interface Timers<Timer = unknown> {
  /** The duration, in milliseconds. */
  readonly duration: number;
  /** Starts a timer. */
  start(onTimeout: () => void): Timer;
  /** Stops a timer, which may have fired. */
  stop(timer: Timer): void;
}

/** Makes timers of a duration, in milliseconds. */
export function makeTimers(duration: number): Timers {
  return isDeno ? new SharedTimers(duration) : new OwnTimers(duration);
}

type TimerId = ReturnType<typeof setTimeout>;

/** Timers of the runtime, one for each: they cost little, except on Deno, and in Workers each belongs to a request. */
export class OwnTimers implements Timers<TimerId> {
  readonly duration: number;

  constructor(duration: number) {
    this.duration = duration;
  }

  start(onTimeout: () => void): TimerId {
    return setTimeout(onTimeout, this.duration);
  }

  stop(timer: TimerId): void {
    clearTimeout(timer);
  }
}

/** A timer that shares one of the runtime. Those that are running form a list, in the order of their ends. */
class SharedTimer {
  readonly onTimeout: () => void;
  /** The time at which it fires, by `performance.now()`. */
  readonly end: number;
  previous: SharedTimer | undefined;
  next: SharedTimer | undefined;

  constructor(onTimeout: () => void, end: number) {
    this.onTimeout = onTimeout;
    this.end = end;
  }
}

/**
 * Timers that share one of the runtime, for Deno: setting and clearing one there takes a tenth of a read from Deno KV. It is
 * set again only after it has fired.
 *
 * It is an `AbortSignal.timeout()`. That keeps the process alive only while there is a listener, and is no leak in a test
 * that has ended.
 */
export class SharedTimers implements Timers<SharedTimer> {
  readonly duration: number;
  #first: SharedTimer | undefined;
  #last: SharedTimer | undefined;
  #alarm: AbortSignal | undefined;

  constructor(duration: number) {
    this.duration = duration;
  }

  start(onTimeout: () => void): SharedTimer {
    const timer = new SharedTimer(onTimeout, performance.now() + this.duration);
    const last = this.#last;
    this.#last = timer;
    timer.previous = last;
    if (last) {
      last.next = timer;
    } else {
      this.#first = timer;
      this.#fireIn(this.duration);
    }
    return timer;
  }

  stop(timer: SharedTimer): void {
    if (this.#remove(timer) && !this.#first) {
      this.#alarm!.removeEventListener("abort", this.#fire);
    }
  }

  /** Removes a timer from the list; `false` when it was removed before. */
  #remove(timer: SharedTimer): boolean {
    const { previous, next } = timer;
    if (previous) previous.next = next;
    else if (this.#first === timer) this.#first = next;
    else return false;
    if (next) next.previous = previous;
    else this.#last = previous;
    timer.previous = timer.next = undefined;
    return true;
  }

  /** Fires after some milliseconds, or earlier if the alarm is set already. */
  #fireIn(delay: number): void {
    if (this.#alarm?.aborted !== false) this.#alarm = AbortSignal.timeout(Math.ceil(delay));
    this.#alarm.addEventListener("abort", this.#fire);
  }

  readonly #fire = (): void => {
    const now = performance.now();
    for (let timer = this.#first; timer; timer = this.#first) {
      if (now < timer.end) return this.#fireIn(timer.end - now);
      this.#remove(timer);
      try {
        timer.onTimeout();
      } catch (error) {
        // As with a timer of its own: the others fire nevertheless.
        reportError(error);
      }
    }
  };
}
