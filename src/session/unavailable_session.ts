import { SessionStoreError } from "../errors.ts";
import { readOnly } from "./read_only.ts";
import type { SessionObject } from "./session_object.ts";

/** The members that change a session. */
const CHANGING = new Set<PropertyKey>([
  "destroy",
  "regenerate",
  "renew",
  "flash",
  "reflash",
  "update",
  "save",
]);

const HANDLER = readOnly(refuseChange, CHANGING);

/** @throws {SessionStoreError} Always: there is no session to change. */
export function refuseChange(): never {
  throw new SessionStoreError("Cannot change session: the store is unavailable");
}

/** A session that can be read: nobody knows whose it is, so nothing may be put into it. */
export function unavailableSession(session: SessionObject): SessionObject {
  return new Proxy<SessionObject>(session, HANDLER);
}
