import type { SessionState } from "../session/session_state.ts";
import type { RequestConfig } from "./config.ts";

/**
 * Issues the access token of a session. The token is `undefined` for a session that has no token that would
 * last. The result is `undefined` after a failure, or when the session has changed in the meantime.
 */
export async function issueToken(
  { issue, logger }: Pick<RequestConfig, "issue" | "logger">,
  current: () => SessionState | undefined,
  c: unknown,
): Promise<{ token: string | undefined } | undefined> {
  const state = current();
  if (!state?.stored || state.status !== "live") return { token: undefined };
  try {
    const { stored } = state;
    const token = await issue!(stored, state.session, c);
    // In the meantime the session may have ended, or be about to get another token.
    const lasts = state === current() && stored.key === state.stored.key;
    return lasts && !state.pending.regenerate ? { token } : undefined;
  } catch (error) {
    logger.error("Cannot issue session token: it failed", error);
    return undefined;
  }
}
