import { SessionStoreError, SessionUnprovenError } from "../errors.ts";

/** Why the session of a client is not available: the store failed, or its device has given no proof. */
export type Unavailable = "store" | "device";

/** @throws {SessionStoreError | SessionUnprovenError} Always: the session is not available. */
export function refuseChange(unavailable: Unavailable): never {
  if (unavailable === "store") {
    throw new SessionStoreError("Cannot change session: the store is unavailable");
  }
  throw new SessionUnprovenError(
    "Cannot change session: its device has given no proof; call regenerate() or startSession(c) to log in again",
  );
}
