import { SessionEndedError } from "../errors.ts";
import type { SessionRecord } from "../record/record.ts";
import type { CommitContext } from "./context.ts";
import { type EndReason, endSessionsOf } from "./end.ts";

/** A check of a login after its session was stored. */
export interface StoredCheck<Result> {
  check(context: CommitContext, record: SessionRecord): Promise<Result>;
  /** Why the session ends if the check fails. */
  readonly reason: EndReason;
  /** The same reason, as the log message states it after "session". */
  readonly cause: string;
}

/**
 * Checks a login after its session was stored. If the check fails, the session ends under its current token. A failure
 * to end it is only logged.
 *
 * @throws The error of the check.
 */
export async function checkOrEnd<Result>(
  context: CommitContext,
  { check, reason, cause }: StoredCheck<Result>,
): Promise<Result> {
  const { config, state, c } = context;
  const stored = state.stored!;
  try {
    return await check(context, stored.record);
  } catch (error) {
    // `commit()` interrupts the session after a `SessionEndedError`.
    if (!(error instanceof SessionEndedError)) context.interrupt();
    const subject = stored.record.subject!;
    try {
      await endSessionsOf(config, { subject, choose: () => [], reason, stored }, c);
    } catch (error) {
      config.logger.error(`Cannot end session ${cause}: it may stay valid`, error);
    }
    throw error;
  }
}
