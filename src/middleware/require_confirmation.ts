import { CLOCK_SKEW } from "../record/expiry.ts";
import { isMethod } from "../record/confirmations.ts";
import type { SessionMembers } from "../session/session.ts";
import { GUARD, refuse } from "../util/option_errors.ts";

/**
 * The confirmation that {@linkcode requireSession} requires, see `session.confirm()`.
 *
 * @example A second factor within the last five minutes
 * ```ts
 * import { requireSession, type RequiredConfirmation } from "@x/hono-session";
 *
 * const confirmed: RequiredConfirmation = { within: 300, by: ["passkey", "otp"] };
 * requireSession({ confirmed });
 * ```
 */
export interface RequiredConfirmation {
  /**
   * The largest age of the confirmation, in seconds.
   *
   * @default {Infinity}
   */
  readonly within?: number;
  /**
   * The methods, any of which is accepted.
   *
   * @default {any method}
   */
  readonly by?: readonly string[];
}

/** A checked {@linkcode RequiredConfirmation}. */
export interface ConfirmationCheck {
  /** Checks whether a session was confirmed as required. */
  isMet(session: Pick<SessionMembers, "confirmations">, now: number): boolean;
  /** The challenge to a client whose session was not (RFC 9470, 3). */
  readonly challenge: string;
}

/** @throws {TypeError} When `by` is not a list of methods. */
export function confirmationCheck({ within, by }: RequiredConfirmation): ConfirmationCheck {
  if (by && (by.length === 0 || !by.every(isMethod))) {
    refuse("confirmed.by", 'a list of names of methods is required, such as ["password"]', GUARD);
  }
  const methods = by && new Set(by);
  const oldest = (within ?? Infinity) * 1000;
  const maxAge = within === undefined ? "" : `, max_age="${Math.floor(within)}"`;
  return {
    isMet: ({ confirmations }, now) =>
      Object.entries(confirmations).some(([method, time]) => {
        const age = now - time!.getTime();
        return methods?.has(method) !== false && age <= oldest && age >= -CLOCK_SKEW;
      }),
    challenge: `Bearer error="insufficient_user_authentication"${maxAge}`,
  };
}
