import { SessionStoreError, SessionUnprovenError } from "../errors.ts";
import { readOnly } from "./read_only.ts";
import type { SessionObject } from "./session_object.ts";

/** Why the session of a client is not available: the store failed, or its device has given no proof. */
export type Unavailable = "store" | "device";

/** Returns a session that can be read, and changed once it is available. */
export function unavailableSession(
  session: SessionObject,
  owner: { assertAvailable(): void },
): SessionObject {
  return new Proxy<SessionObject>(session, readOnly(() => owner.assertAvailable()));
}

/** @throws {SessionStoreError | SessionUnprovenError} Always: the session is not available. */
export function refuseChange(unavailable: Unavailable): never {
  if (unavailable === "store") {
    throw new SessionStoreError("Cannot change session: the store is unavailable");
  }
  throw new SessionUnprovenError(
    "Cannot change session: its device has given no proof; call regenerate() or startSession(c) to log in again",
  );
}
