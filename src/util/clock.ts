/**
 * Returns the time in milliseconds since the epoch. Fractions are dropped: records hold integers. Everything in
 * this package that depends on the time uses a clock, so that tests can set it.
 *
 * @example Usage
 * ```ts
 * import type { Clock } from "@x/hono-session";
 * import { assertEquals } from "@std/assert";
 *
 * const noon: Clock = () => Date.parse("2030-01-01T12:00:00Z");
 * assertEquals(noon(), 1893499200000);
 * ```
 */
export type Clock = () => number;

/** Returns a clock in whole milliseconds. */
export function wholeClock(clock: Clock): Clock {
  return clock === systemClock ? clock : () => Math.floor(clock());
}

/**
 * Returns a clock that never returns the same time twice in a process: it runs ahead when it is read several
 * times in a millisecond.
 */
export function instants(clock: Clock): Clock {
  let last = -Infinity;
  return () => last = Math.max(clock(), last + 1);
}

/** Returns monotonic milliseconds, independent of changes of the system clock. */
export function monotonicTime(): number {
  return performance.now();
}

export function systemClock(): number {
  return Date.now();
}
