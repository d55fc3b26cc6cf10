/** Checks whether a value is an object and not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Checks whether a value is a plain object. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ||
    Object.getPrototypeOf(prototype) === null;
}

/** Checks whether an array is a plain array of any realm. */
export function isArrayOfNoClass(array: unknown[]): boolean {
  return Array.isArray(Object.getPrototypeOf(array));
}

/** Checks whether an array is plain and has no properties but its items. */
export function holdsItemsAlone(array: unknown[]): boolean {
  if (!isArrayOfNoClass(array)) return false;
  let count = 0;
  // Object.keys() would allocate a list.
  for (const key in array) if (Object.hasOwn(array, key)) count++;
  return count === array.length && Object.getOwnPropertySymbols(array).length === 0;
}

/** Returns the name of an object's class, if any. */
export function nameOfClass(value: object): string | undefined {
  return Object.getPrototypeOf(value)?.constructor?.name || undefined;
}
