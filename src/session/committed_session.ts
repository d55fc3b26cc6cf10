import { SessionCommittedError } from "../errors.ts";

/** @throws {SessionCommittedError} Always: the response has left. */
export function refuseCommitted(action: string): never {
  throw new SessionCommittedError(
    `Cannot ${action} session: the response has left, with all cookies; do it before that`,
  );
}
