import { checkingChanges } from "./read_only.ts";

/** The session while it is not loaded. */
export const UNLOADED: object = new Proxy({}, {
  ...checkingChanges(() => refuseUnloaded("change")),
  get: () => refuseUnloaded("read"),
  has: () => refuseUnloaded("read"),
  ownKeys: () => refuseUnloaded("read"),
  getOwnPropertyDescriptor: () => refuseUnloaded("read"),
});

/** @throws {TypeError} Always: a lazy session was used before it was loaded. */
export function refuseUnloaded(action: string): never {
  throw new TypeError(`Cannot ${action} session: it is lazy, await getSession(c) first`);
}
