/** Returns a property of an object, own or inherited. */
export function propertyOf(object: object, name: string): PropertyDescriptor | undefined {
  for (let holder: object | null = object; holder; holder = Object.getPrototypeOf(holder)) {
    const property = Object.getOwnPropertyDescriptor(holder, name);
    if (property) return property;
  }
  return undefined;
}

/** Returns the value of an own property, not of an inherited one. */
export function ownValue(object: object, key: PropertyKey): unknown {
  return Object.hasOwn(object, key) ? Reflect.get(object, key) : undefined;
}

/** Deletes all own properties. */
export function clearProperties(object: object): void {
  for (const key of Reflect.ownKeys(object)) Reflect.deleteProperty(object, key);
}

/** Sets an own property, including `__proto__`. */
export function setProperty(object: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** Returns a copy without the members that are `undefined`. */
export function definedOf<Members extends object>(
  members: { readonly [Name in keyof Members]: Members[Name] | undefined },
): Members {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Members;
}
