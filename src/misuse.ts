/** @throws {TypeError} Always: an option is not what it should be. */
export function refuse(name: string, state: string): never {
  throw new TypeError(`Cannot build session middleware: option ${name} is not valid: ${state}`);
}

/** @throws {RangeError} Always: an option is not what it should be. */
export function refuseRange(name: string, state: string): never {
  throw new RangeError(`Cannot build session middleware: option ${name} is ${state}`);
}
