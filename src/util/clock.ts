/**
 * Tells the time in milliseconds since the epoch. The middleware drops a fraction: what a record holds is whole.
 *
 * Everything in this package that depends on the time asks a clock, so that a test can set it.
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

/** A clock in whole milliseconds. */
export function wholeClock(clock: Clock): Clock {
  return clock === systemClock ? clock : () => Math.floor(clock());
}

/** A clock by which nothing of one process happens at the same time: it runs ahead where more happens in a millisecond. */
export function instants(clock: Clock): Clock {
  let last = -Infinity;
  return () => last = Math.max(clock(), last + 1);
}

/** Milliseconds that pass, whatever the clock of the machine says. */
export function monotonicTime(): number {
  return performance.now();
}

/** The clock of the machine. */
export function systemClock(): number {
  return Date.now();
}
