/** Stands for a session that is not loaded. */
export const UNLOADED: object = new Proxy({}, {
  get: () => refuseUnloaded("read"),
  has: () => refuseUnloaded("read"),
  ownKeys: () => refuseUnloaded("read"),
  getOwnPropertyDescriptor: () => refuseUnloaded("read"),
  defineProperty: () => refuseUnloaded("change"),
  setPrototypeOf: () => refuseUnloaded("change"),
  preventExtensions: () => refuseUnloaded("change"),
  set: () => refuseUnloaded("change"),
  deleteProperty: () => refuseUnloaded("change"),
});

/** @throws {TypeError} Always: a lazy session was not asked for. */
export function refuseUnloaded(action: string): never {
  throw new TypeError(`Cannot ${action} session: it is lazy, await getSession(c) first`);
}
