import { monotonicTime } from "./clock.ts";
import { isDeno } from "./runtime.ts";

/** Timers with the same duration. While one is running, it keeps the process alive. */
export interface Timers<Timer = unknown> {
  /** Starts a timer. */
  start(onTimeout: () => void): Timer;
  /** Stops a timer, which may have fired. */
  stop(timer: Timer): void;
}

/** Makes timers of a duration, in milliseconds. */
export function makeTimers(duration: number): Timers {
  return isDeno ? sharedTimers(duration) : ownTimers(duration);
}

type TimerId = ReturnType<typeof setTimeout>;

/** Timers of the runtime, one for each: they cost little, except on Deno, and in Workers each belongs to a request. */
export function ownTimers(duration: number): Timers<TimerId> {
  return {
    start: (onTimeout) => setTimeout(onTimeout, duration),
    stop: (timer) => clearTimeout(timer),
  };
}

/** A timer that shares one of the runtime. */
interface SharedTimer {
  readonly onTimeout: () => void;
  /** The time at which it fires, in monotonic milliseconds. */
  readonly end: number;
}

/**
 * Timers that share one of the runtime, for Deno: setting and clearing one takes a tenth of the time of a read from
 * Deno KV. It is set again only after it has fired.
 *
 * It is an `AbortSignal.timeout()`. That keeps the process alive only while there is a listener, and is no leak in a test
 * that has ended.
 */
export function sharedTimers(duration: number): Timers<SharedTimer> {
  /** The running timers, in the order of their ends. */
  const running = new Set<SharedTimer>();
  let alarm: AbortSignal | undefined;

  /** Fires after some milliseconds, or earlier if the alarm is set already. */
  function fireIn(delay: number): void {
    if (alarm?.aborted !== false) alarm = AbortSignal.timeout(Math.ceil(delay));
    alarm.addEventListener("abort", fire);
  }

  function fire(): void {
    const now = monotonicTime();
    for (const timer of running) {
      if (now < timer.end) return fireIn(timer.end - now);
      running.delete(timer);
      try {
        timer.onTimeout();
      } catch (error) {
        // As with separate timers, the others still fire.
        reportError(error);
      }
    }
  }

  return {
    start(onTimeout) {
      const timer = { onTimeout, end: monotonicTime() + duration };
      if (running.size === 0) fireIn(duration);
      running.add(timer);
      return timer;
    },
    stop(timer) {
      if (running.delete(timer) && running.size === 0) alarm!.removeEventListener("abort", fire);
    },
  };
}
