/** Checks whether a value is an object and not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Checks whether a value is a plain object. */
export function isPlainObject(value: unknown): value is object {
  return isObject(value) && isPlain(value);
}

/** Checks whether an object is a plain object or a plain array, of any realm. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (Array.isArray(value)) return Array.isArray(prototype);
  return prototype === Object.prototype || prototype === null ||
    Object.getPrototypeOf(prototype) === null;
}

/** Checks whether an object has symbols as keys. */
export function hasSymbols(object: object): boolean {
  return Object.getOwnPropertySymbols(object).length > 0;
}

/** Returns the name of an object's class, if any. */
export function nameOfClass(value: object): string | undefined {
  return Object.getPrototypeOf(value)?.constructor?.name || undefined;
}
