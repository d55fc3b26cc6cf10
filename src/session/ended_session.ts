import { SessionEndedError } from "../errors.ts";
import { clearProperties } from "../util/property.ts";
import { checkingChanges, readOnly } from "./read_only.ts";
import { type SessionController, SessionObject } from "./session_object.ts";

/** @throws {SessionEndedError} Always: the session has ended. */
export function refuseEnded(action: string): never {
  throw new SessionEndedError(
    `Cannot ${action} session: it has ended; assign an object or call startSession(c) to start another one`,
  );
}

const refuseChange = () => refuseEnded("change");

const HANDLER = readOnly(refuseChange);

/** The prototype of an ended session object: assignments to the object are refused here. */
const PROTOTYPE = new Proxy(Object.create(SessionObject.prototype), checkingChanges(refuseChange));

/** The state that an ended session shows. */
interface EmptySession extends SessionController {
  readonly session: SessionObject;
}

/**
 * Clears a session object that a handler may still hold, and makes it refuse changes.
 *
 * @param empty The state that it shows from now on.
 * @returns The session that the request reads from now on. As a proxy it refuses every change, which the object
 * itself can't.
 */
export function endSessionObject(session: SessionObject, empty: EmptySession): SessionObject {
  SessionObject.handOver(session, empty);
  clearProperties(session);
  Reflect.setPrototypeOf(session, PROTOTYPE);
  Reflect.preventExtensions(session);
  return new Proxy<SessionObject>(empty.session, HANDLER);
}
