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

/** The clock of the machine. */
export function systemClock(): number {
  return Date.now();
}
