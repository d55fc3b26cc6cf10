import { SessionStoreError } from "./errors.ts";
import type { SessionObject } from "./session.ts";

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

/** @throws {SessionStoreError} Always: there is no session to change. */
export function refuseChange(): never {
  throw new SessionStoreError("Cannot change session: the store is unavailable");
}

/** A session that can be read: nobody knows whose it is, so nothing may be put into it. */
export function refusingChanges(session: SessionObject): SessionObject {
  return new Proxy(session, {
    set: refuseChange,
    deleteProperty: refuseChange,
    get(target, key) {
      if (CHANGING.has(key)) return refuseChange;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" && !Object.hasOwn(target, key)
        ? value.bind(target)
        : value;
    },
  });
}
