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
