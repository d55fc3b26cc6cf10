/** The names of all members of a session, which can't be keys of its data. */
const RESERVED = new Set<string>();

/**
 * Reserves the names of all members of a prototype. Assignments to them are refused, because they would hide
 * the member.
 */
export function reserveMembers(prototype: object): void {
  for (const name of Object.getOwnPropertyNames(prototype)) {
    if (name === "constructor" || name === "__proto__") continue;
    const { get, set, value } = Object.getOwnPropertyDescriptor(prototype, name)!;
    Object.defineProperty(prototype, name, {
      get: get ?? (() => value),
      set: set ?? (() => assertNotReserved(name)),
    });
    RESERVED.add(name);
  }
}

/** Checks whether a key is the name of a member of the session. */
export function isReserved(key: string): boolean {
  return RESERVED.has(key);
}

/** @throws {TypeError} When the key is the name of a member of the session. */
export function assertNotReserved(key: string): void {
  if (!isReserved(key)) return;
  throw new TypeError(
    `Cannot set session.${key}: the name is reserved for a member of the session`,
  );
}
