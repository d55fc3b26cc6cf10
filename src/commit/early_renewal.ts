import { isRenewalDue } from "../record/expiry.ts";
import type { SessionState } from "../session/session_state.ts";
import { andThen, type Awaitable, orElse } from "../util/awaitable.ts";
import { commit } from "./commit.ts";
import type { Committing } from "./context.ts";

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
  const options = { keepChanges: true, consumeFlash: false, ...request };
  return orElse(
    () =>
      andThen(commit(committing, state, options, c), () => {
        // It is not due any more when the request ends. An answer that may lose its cookies is better than none.
        if (state.status === "live" && state.reach === "doubtful") state.deliver = true;
      }),
    (error) => {
      logger.warn(
        "Cannot renew session: the store failed; the end of the request tries again",
        error,
      );
    },
  );
}
