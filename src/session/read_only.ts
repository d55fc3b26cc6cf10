/** The traps of what stands for a session: they refuse whatever would change it. */
export function refusingChanges(refuse: () => never): ProxyHandler<object> {
  return {
    set: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
    setPrototypeOf: refuse,
    preventExtensions: refuse,
  };
}

/** The same, with members that work as on the session itself, but for those that are refused. */
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
