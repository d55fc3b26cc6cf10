import type { ExpiryPolicy } from "../record/expiry.ts";
import type { Clock } from "../util/clock.ts";

/** The part of the configuration that sessions use. */
export interface SessionConfig {
  readonly clock: Clock;
  /** A clock that never returns the same time twice. */
  readonly instant: Clock;
  readonly expiry: ExpiryPolicy;
}
