import { refusingChanges } from "./read_only.ts";

/** Stands for a session that is not loaded. */
export const UNLOADED: object = new Proxy({}, {
  ...refusingChanges(() => refuseUnloaded("change")),
  get: () => refuseUnloaded("read"),
  has: () => refuseUnloaded("read"),
  ownKeys: () => refuseUnloaded("read"),
  getOwnPropertyDescriptor: () => refuseUnloaded("read"),
});

/** @throws {TypeError} Always: a lazy session was not asked for. */
export function refuseUnloaded(action: string): never {
  throw new TypeError(`Cannot ${action} session: it is lazy, await getSession(c) first`);
}
