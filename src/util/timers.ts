import { monotonicTime } from "./clock.ts";
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

/** A timer that shares one of the runtime. */
interface SharedTimer {
  readonly onTimeout: () => void;
  /** The time at which it fires, in monotonic milliseconds. */
  readonly end: number;
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
  /** Those that are running, in the order of their ends. */
  readonly #running = new Set<SharedTimer>();
  #alarm: AbortSignal | undefined;

  constructor(duration: number) {
    this.duration = duration;
  }

  start(onTimeout: () => void): SharedTimer {
    const timer = { onTimeout, end: monotonicTime() + this.duration };
    if (this.#running.size === 0) this.#fireIn(this.duration);
    this.#running.add(timer);
    return timer;
  }

  stop(timer: SharedTimer): void {
    if (this.#running.delete(timer) && this.#running.size === 0) {
      this.#alarm!.removeEventListener("abort", this.#fire);
    }
  }

  /** Fires after some milliseconds, or earlier if the alarm is set already. */
  #fireIn(delay: number): void {
    if (this.#alarm?.aborted !== false) this.#alarm = AbortSignal.timeout(Math.ceil(delay));
    this.#alarm.addEventListener("abort", this.#fire);
  }

  readonly #fire = (): void => {
    const now = monotonicTime();
    for (const timer of this.#running) {
      if (now < timer.end) return this.#fireIn(timer.end - now);
      this.#running.delete(timer);
      try {
        timer.onTimeout();
      } catch (error) {
        // As with a timer of its own: the others fire nevertheless.
        reportError(error);
      }
    }
  };
}
