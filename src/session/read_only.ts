const CHANGES = [
  "set",
  "defineProperty",
  "deleteProperty",
  "setPrototypeOf",
  "preventExtensions",
] as const;

/** Returns proxy traps that call a check before every change. It throws where changes are refused. */
export function checkingChanges(check: () => void): ProxyHandler<object> {
  return Object.fromEntries(CHANGES.map((name) => {
    const change: Change = Reflect[name];
    const trap: Change = (target, key, value) => {
      check();
      return change(target, key, value);
    };
    return [name, trap];
  }));
}

/** A trap that changes an object or one of its properties. */
type Change = (target: object, key: never, value: never) => boolean;

/** Returns proxy traps for a session whose changes are checked. */
export function readOnly(check: () => void): ProxyHandler<object> {
  return { ...checkingChanges(check), get: memberOf };
}

/** Returns a member of a session. Methods are bound to the session, because a proxy has no private members. */
function memberOf(target: object, key: PropertyKey): unknown {
  const value = Reflect.get(target, key, target);
  return typeof value === "function" && !Object.hasOwn(target, key) ? value.bind(target) : value;
}
