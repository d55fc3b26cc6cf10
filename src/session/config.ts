import type { ExpiryPolicy } from "../record/expiry.ts";
import type { Clock } from "../util/clock.ts";

/** The part of the configuration that sessions use. */
export interface SessionConfig {
  readonly clock: Clock;
  /** A clock by which nothing happens at the same time. */
  readonly instant: Clock;
  readonly expiry: ExpiryPolicy;
  /** Whether a session that is stored can be saved after its response has left: it doesn't lie in a cookie. */
  readonly canSaveAfterResponse: boolean;
}
