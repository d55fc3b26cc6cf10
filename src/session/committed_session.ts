import { SessionCommittedError } from "../errors.ts";

/** @throws {SessionCommittedError} When the response has been sent, with all cookies. */
export function assertNotCommitted(
  { committed }: { readonly committed: boolean },
  action: string,
): void {
  if (!committed) return;
  throw new SessionCommittedError(
    `Cannot ${action} session: the response has been sent, with all cookies; do it earlier`,
  );
}
