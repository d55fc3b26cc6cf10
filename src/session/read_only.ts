/** Returns proxy traps that refuse all changes of a session. */
export function refusingChanges(refuse: () => never): ProxyHandler<object> {
  return {
    set: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
    setPrototypeOf: refuse,
    preventExtensions: refuse,
  };
}

/** Returns a read-only view of a session: its members work, except those that are refused. */
export function readOnly(
  refuse: () => never,
  refused: ReadonlySet<PropertyKey> = new Set(),
): ProxyHandler<object> {
  return {
    ...refusingChanges(refuse),
    get: (target, key) => refused.has(key) ? refuse : memberOf(target, key),
  };
}

/** Proxy traps that pass everything on to the session itself. */
export const PASSING_ON: ProxyHandler<object> = {
  get: memberOf,
  set: (target, key, value) => Reflect.set(target, key, value, target),
  defineProperty: Reflect.defineProperty,
  deleteProperty: Reflect.deleteProperty,
  setPrototypeOf: Reflect.setPrototypeOf,
  preventExtensions: Reflect.preventExtensions,
};

/** Returns a member of a session, whose methods and private members know only the session itself. */
function memberOf(target: object, key: PropertyKey): unknown {
  const value = Reflect.get(target, key, target);
  return typeof value === "function" && !Object.hasOwn(target, key) ? value.bind(target) : value;
}
