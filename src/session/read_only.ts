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
    get(target, key) {
      if (refused.has(key)) return refuse;
      const value = Reflect.get(target, key, target);
      return typeof value === "function" && !Object.hasOwn(target, key)
        ? value.bind(target)
        : value;
    },
  };
}
