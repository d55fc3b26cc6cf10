import { SessionCommittedError } from "../errors.ts";

/** @throws {SessionCommittedError} Always: the response has been sent, with all cookies. */
export function refuseCommitted(action: string): never {
  throw new SessionCommittedError(
    `Cannot ${action} session: the response has been sent, with all cookies; do it earlier`,
  );
}
