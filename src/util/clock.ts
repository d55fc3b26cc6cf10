/**
 * Tells the time in milliseconds since the epoch.
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

/** The least time between two moments that are told apart, in milliseconds. */
const INSTANT = 0.001;

/** A clock by which nothing of one process happens at the same time. */
export function instants(clock: Clock): Clock {
  let last = -Infinity;
  return () => last = Math.max(clock(), last + INSTANT);
}

/** Milliseconds that pass, whatever the clock of the machine says. */
export function ticks(): number {
  return performance.now();
}

/** The clock of the machine. */
export function systemClock(): number {
  return Date.now();
}
