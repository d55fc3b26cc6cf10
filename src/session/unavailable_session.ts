import { SessionStoreError, SessionUnprovenError } from "../errors.ts";
import { PASSING_ON, readOnly } from "./read_only.ts";
import type { SessionObject } from "./session_object.ts";

/** Why the session of a client is not available: the store failed, or its device has given no proof. */
export type Unavailable = "store" | "device";

/** A request whose session is not available. */
interface UnavailableRequest {
  readonly unavailable: Unavailable | undefined;
  /** Called when the handler starts another session instead. */
  beginLogin(): void;
}

/** The members that change a session. */
const CHANGING: ReadonlySet<PropertyKey> = new Set([
  "confirm",
  "destroy",
  "regenerate",
  "renew",
  "flash",
  "reflash",
  "update",
  "save",
]);

/** @throws {SessionStoreError | SessionUnprovenError} Always: the session is not available. */
export function refuseChange(unavailable: Unavailable): never {
  if (unavailable === "store") {
    throw new SessionStoreError("Cannot change session: the store is unavailable");
  }
  throw new SessionUnprovenError(
    "Cannot change session: its device has given no proof; call regenerate() or startSession(c) to log in again",
  );
}

/**
 * Returns an empty session that can be read but not changed, because the one of the client is not available. If only a proof is
 * missing, `regenerate()` makes it an ordinary new session, for a login. The other one stays as it is.
 */
export function unavailableSession(
  session: SessionObject,
  request: UnavailableRequest,
): SessionObject {
  const unavailable = request.unavailable!;
  const handler: ProxyHandler<SessionObject> = readOnly(() => refuseChange(unavailable), CHANGING);
  if (unavailable === "device") {
    const { get } = handler;
    const regenerate = (): Promise<void> => {
      Object.assign(handler, PASSING_ON);
      request.beginLogin();
      return session.regenerate();
    };
    handler.get = (target, key, receiver) =>
      key === "regenerate" ? regenerate : get!(target, key, receiver);
  }
  return new Proxy<SessionObject>(session, handler);
}
