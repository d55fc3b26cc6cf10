import type { SessionState } from "../session/session_state.ts";
import type { RequestConfig } from "./config.ts";

/**
 * Makes the token of a session for clients that keep no cookies; `undefined` as the token of one that has none that lasts. Where
 * it failed, or the session has changed meanwhile, the result is `undefined`.
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
    // Meanwhile it may have ended, or be about to get another token.
    const lasts = state === current() && stored.key === state.stored.key;
    return lasts && !state.pending.regenerate ? { token } : undefined;
  } catch (error) {
    logger.error("Cannot issue session token: it failed", error);
    return undefined;
  }
}
