import { deadline } from "../record/expiry.ts";
import { isRenewalDue, LONGEST_HOLD } from "../record/renewal.ts";
import type { SessionState } from "../session/session_state.ts";
import { andThen, type Awaitable } from "../util/awaitable.ts";
import { commit } from "./commit.ts";
import type { CommitConfig } from "./context.ts";

const WITHOUT_COOKIE = { cookieDelivery: "none" } as const;

/**
 * Renews a session before the handler runs when it might otherwise expire before the response: in its last hour, if
 * more than half of its lifetime has passed. The cookie is sent at the end of the request, with another renewal. A
 * failed renewal does not fail the request.
 */
export function renewEarly(
  config: CommitConfig,
  state: SessionState,
  c: unknown,
): Awaitable<void> {
  const { expiry } = config;
  if (!expiry.rolling || !state.stored) return;
  const { record } = state.stored;
  const now = state.receivedAt;
  if (deadline(expiry, record) - now > LONGEST_HOLD * 1000) return;
  if (isRenewalDue(expiry, record, { now, request: WITHOUT_COOKIE })) {
    return renew(config, state, c);
  }
}

function renew(config: CommitConfig, state: SessionState, c: unknown): Awaitable<void> {
  const before = state.stored;
  return andThen(commit(config, { state, request: WITHOUT_COOKIE }, c), () => {
    if (state.stored !== before) state.renewedEarly();
  });
}
