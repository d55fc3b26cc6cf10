/**
 * The reason why a session is over. `logout`: its own request ended it. `revoked`: it was ended from elsewhere. `evicted`: a
 * newer session of its subject took its place. `expired`: its lifetime is over. `ended`: another process ended it, and
 * the reason is unknown here.
 *
 * @example Usage
 * ```ts
 * import type { SessionEndReason } from "@x/hono-session";
 *
 * const reason: SessionEndReason = "revoked";
 * console.assert(reason === "revoked");
 * ```
 */
export type SessionEndReason = "logout" | "revoked" | "evicted" | "expired" | "ended";

/** The reasons that a process gives when it ends a session, and that a store passes on. */
const GIVEN: readonly unknown[] = ["logout", "revoked", "evicted"] satisfies SessionEndReason[];

/** Checks whether a store has passed on a reason. */
export function isGivenReason(value: unknown): value is SessionEndReason {
  return GIVEN.includes(value);
}
