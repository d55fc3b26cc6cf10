import { commit } from "./commit.ts";
import type { Committing } from "./committing.ts";
import { isRenewalDue } from "./expiry.ts";
import { type Awaitable, orElse } from "./promise.ts";
import type { SessionState } from "./session_state.ts";

/**
 * Renews a session before the handler runs, where it has so little time left that it might end before the answer. The
 * cookie is left to the end of the request. That a renewal fails is no reason to fail a request.
 */
export function renewEarly(
  committing: Committing,
  state: SessionState,
  c: unknown,
): Awaitable<void> {
  const { expiry, logger } = committing;
  const request = { reach: "none" } as const;
  if (!expiry.rolling || !state.stored) return;
  if (!isRenewalDue(expiry, state.stored.record, { now: state.cameAt, request })) return;
  return orElse(
    () => commit(committing, state, { keepChanges: true, consumeFlash: false, ...request }, c),
    (error) => {
      logger.warn(
        "Cannot renew session: the store failed; the end of the request tries again",
        error,
      );
    },
  );
}
