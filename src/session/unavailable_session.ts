import { SessionStoreError } from "../errors.ts";
import { readOnly } from "./read_only.ts";
import type { SessionObject } from "./session_object.ts";

/** The members that change a session. */
const CHANGING = new Set<PropertyKey>([
  "confirm",
  "destroy",
  "regenerate",
  "renew",
  "flash",
  "reflash",
  "update",
  "save",
]);

const HANDLER = readOnly(refuseChange, CHANGING);

/** @throws {SessionStoreError} Always: the session is unavailable. */
export function refuseChange(): never {
  throw new SessionStoreError("Cannot change session: the store is unavailable");
}

/** Returns an empty session that can be read but not changed, because its owner is unknown. */
export function unavailableSession(session: SessionObject): SessionObject {
  return new Proxy<SessionObject>(session, HANDLER);
}
