import { SessionEndedError } from "./errors.ts";
import { type SessionController, SessionObject } from "./session.ts";
import { readOnly, refusingChanges } from "./stand_in.ts";

/** @throws {SessionEndedError} Always: the session has ended. */
export function refuseEnded(action: string): never {
  throw new SessionEndedError(
    `Cannot ${action} session: it has ended; assign an object, or call startSession(c), to begin another one`,
  );
}

const refuseChange = () => refuseEnded("change");

const HANDLER = readOnly(refuseChange);

/** Between an object that has ended and its members: whatever is assigned to the object is refused here. */
const PROTOTYPE = new Proxy(Object.create(SessionObject.prototype), refusingChanges(refuseChange));

/** What a request reads of its session once that has ended: an empty one, which can't be changed. */
export function sessionAtEnd(controller: SessionController): SessionObject {
  return new Proxy<SessionObject>(new SessionObject(controller), HANDLER);
}

/** Empties the object that a handler may hold on to, and lets nothing into it any more. */
export function close(session: object): void {
  for (const key of Reflect.ownKeys(session)) Reflect.deleteProperty(session, key);
  Reflect.setPrototypeOf(session, PROTOTYPE);
  Reflect.preventExtensions(session);
}
