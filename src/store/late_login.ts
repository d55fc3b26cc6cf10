import { SessionEndedError } from "../errors.ts";

/**
 * Refuses to store a session: all sessions of its subject were ended after its login started.
 *
 * @throws {SessionEndedError} Always.
 */
export function refuseLateLogin(): never {
  throw new SessionEndedError(
    "Cannot store session: all sessions of its subject were ended; log in again",
  );
}
