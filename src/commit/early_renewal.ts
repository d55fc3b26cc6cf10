import { isRenewalDue } from "../record/expiry.ts";
import type { SessionState } from "../session/session_state.ts";
import { andThen, type Awaitable, orElse } from "../util/awaitable.ts";
import { commit } from "./commit.ts";
import type { CommitConfig } from "./context.ts";

/**
 * Renews a session before the handler runs, where it has so little time left that it might end before the response. The
 * cookie is sent at the end of the request. A failed renewal does not fail the request.
 */
export function renewEarly(
  config: CommitConfig,
  state: SessionState,
  c: unknown,
): Awaitable<void> {
  const { expiry, logger } = config;
  const request = { cookieDelivery: "none" } as const;
  if (!expiry.rolling || !state.stored) return;
  if (!isRenewalDue(expiry, state.stored.record, { now: state.receivedAt, request })) return;
  const options = { state, keepChanges: true, consumeFlash: false, ...request };
  return orElse(
    () => andThen(commit(config, options, c), () => state.renewedEarly()),
    (error) => {
      logger.warn(
        "Cannot renew session: the store failed; the end of the request tries again",
        error,
      );
    },
  );
}
